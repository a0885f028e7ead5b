//! The report as a text that can be sent in: versions, settings, and row by row what is the same and what is not.
//!
//! No token, host name, or value of that server is in it.

use std::fmt;

use super::learn::Learned;
use super::rows::NOT_ASKED;
use super::{Options, Outcome};

/// What was found.
#[derive(Clone, Debug)]
pub struct Report {
    head: String,
    /// Row by row.
    pub outcomes: Vec<Outcome>,
    switched: bool,
    secrets: [String; 2],
}

impl Report {
    pub(super) fn new(learned: &Learned, outcomes: Vec<Outcome>, options: &Options) -> Report {
        let on = |is: bool| if is { "on" } else { "off" };
        let switches = learned.switches;
        let third = if learned.version.is_6() {
            format!("monitoring {}, legacy metrics {}", on(switches.monitoring), on(switches.legacy_metrics))
        } else {
            format!("actuator {}, metrics {}", on(switches.actuator), on(switches.metrics))
        };
        let head = format!(
            "Rundeck {} (API {}), held against the stand-in for {}\n\
             taken over: {} mode, {}, {}, /health {}, {third}, {}\n",
            learned.release,
            learned.api,
            learned.version,
            if learned.passive { "passive" } else { "active" },
            if learned.rights { "a token with rights" } else { "a token without rights" },
            if learned.projects { "projects to read" } else { "no project to read" },
            on(switches.health),
            if learned.has_context { "a context path" } else { "no context path" },
        );
        let secrets = [options.token.clone(), options.address.host().to_owned()];
        Report { head, outcomes, switched: options.switch_mode, secrets }
    }

    /// The rows that are not the same.
    pub fn different(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| !outcome.differences.is_empty())
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.head);
        for Outcome { row, differences } in &self.outcomes {
            let word = if differences.is_empty() { "same" } else { "DIFFERENT" };
            text += &format!("{word:<9}  {row}\n");
            for difference in differences {
                text += &format!("{:<16}{difference}\n", "");
            }
        }
        text += "\nnot asked, for it needs\n";
        for (rows, why) in NOT_ASKED {
            text += &format!("  {why}: {rows}\n");
        }
        if !self.switched {
            text += "  the mode switched (--switch-mode): 16, 24, 25\n";
        }
        let (asked, different) = (self.outcomes.len(), self.different().count());
        text + &format!("\n{asked} rows asked, {different} different\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing of these is put in; a server that repeats them in a key would.
        let [token, host] = &self.secrets;
        let text = self.text();
        let text = if token.is_empty() { text } else { text.replace(token.as_str(), "(the token)") };
        f.write_str(&text.replace(host.as_str(), "(the host)"))
    }
}
