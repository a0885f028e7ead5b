//! Colours and signs, by the rules of the look: a colour repeats a word and never replaces it; none where nobody would
//! see one. Does not know what is painted.

use super::surroundings::Surroundings;

/// How a text is coloured, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hue {
    /// Up, ok: green.
    Good,
    /// Degraded, warning: yellow.
    Warn,
    /// Down, error: red.
    Bad,
    /// Draining: blue.
    Leaving,
    /// Maintenance: grey.
    Resting,
    /// Neither good nor bad.
    Plain,
}

/// A step's sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Done,
    /// Under way.
    Busy,
    /// Given up.
    Failed,
    /// Not begun.
    Ahead,
}

/// What the output can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// Colours may be used.
    pub colours: bool,
    /// Signs outside ASCII may be used.
    pub signs: bool,
    /// Lines may be redrawn.
    pub redraws: bool,
}

impl Paint {
    /// What these surroundings can show. `no_color` is the flag; `NO_COLOR` means the same (no-color.org).
    pub fn new(surroundings: &Surroundings, no_color: bool) -> Paint {
        let terminal = surroundings.terminal && surroundings.text("TERM") != Some("dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| surroundings.text(name)).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        Paint {
            colours: terminal && !no_color && surroundings.variable("NO_COLOR").is_none(),
            signs: terminal && (locale.contains("utf-8") || locale.contains("utf8")),
            redraws: terminal,
        }
    }

    /// `text` in its colour.
    pub fn tint(self, hue: Hue, text: &str) -> String {
        let code = match hue {
            Hue::Good => "32",
            Hue::Warn => "33",
            Hue::Bad => "31",
            Hue::Leaving => "34",
            Hue::Resting => "90",
            Hue::Plain => return text.to_owned(),
        };
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// The sign in its colour, all of one width on one output.
    pub fn sign(self, sign: Sign) -> String {
        let (hue, sign, ascii) = match sign {
            Sign::Done => (Hue::Good, "✓", "ok"),
            Sign::Busy => (Hue::Leaving, "…", ".."),
            Sign::Failed => (Hue::Bad, "✗", "no"),
            Sign::Ahead => (Hue::Plain, " ", "  "),
        };
        self.tint(hue, if self.signs { sign } else { ascii })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paint(variables: &[(&str, &str)], terminal: bool, no_color: bool) -> Paint {
        Paint::new(&Surroundings::new(variables, terminal), no_color)
    }

    #[test]
    fn colours_belong_to_a_terminal_that_wants_them() {
        assert!(paint(&[], true, false).colours);
        assert!(!paint(&[], false, false).colours);
        assert!(!paint(&[], true, true).colours);
        assert!(!paint(&[("NO_COLOR", "1")], true, false).colours);
        assert!(!paint(&[("TERM", "dumb")], true, false).colours);
        assert_eq!(paint(&[], false, false).tint(Hue::Bad, "DOWN"), "DOWN");
        assert_eq!(paint(&[], true, false).tint(Hue::Bad, "DOWN"), "\x1b[31mDOWN\x1b[0m");
    }

    #[test]
    fn signs_belong_to_a_terminal_that_can_show_them() {
        assert!(paint(&[("LANG", "C.UTF-8")], true, false).signs);
        assert!(paint(&[("LC_ALL", "de_DE.utf8"), ("LANG", "C")], true, false).signs);
        assert!(!paint(&[("LC_ALL", "C"), ("LANG", "C.UTF-8")], true, false).signs);
        assert!(!paint(&[("LANG", "C.UTF-8")], false, false).signs);
        assert_eq!(paint(&[], false, false).sign(Sign::Busy), "..");
    }
}
