//! What came of planted faults: how many were caught, which were missed, and which of these nobody can see.
//!
//! A fault is named by its file and what was changed there, without its line: `core/src/desk/gate.rs: replace >= with >
//! in Gate<R>::pass`.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Of a hundred viable faults so many must be caught.
const WANTED: usize = 92;

/// Faults by what became of them, each named with its line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// A test failed.
    pub caught: Vec<String>,
    /// No test failed.
    pub missed: Vec<String>,
    /// A test did not end.
    pub timeout: Vec<String>,
    /// It did not build.
    pub unviable: Vec<String>,
}

/// The lines of a list.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The faults that nobody can see, each with the reason: a line that names it, indented lines below that say why.
///
/// # Errors
/// A fault without a reason, twice, or a reason without a fault.
pub fn unseen(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut unseen: BTreeMap<String, String> = BTreeMap::new();
    let mut last: Option<String> = None;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix("    "), &last) {
            (Some(why), Some(name)) => {
                let reason = unseen.entry(name.clone()).or_default();
                let pause = if reason.is_empty() { "" } else { " " };
                let _ = write!(reason, "{pause}{why}");
            }
            (Some(why), None) => return Err(format!("a reason for nothing: {why}")),
            (None, _) => {
                if unseen.insert(line.to_owned(), String::new()).is_some() {
                    return Err(format!("twice: {line}"));
                }
                last = Some(line.to_owned());
            }
        }
    }
    match unseen.iter().find(|(_, why)| why.is_empty()) {
        Some((name, _)) => Err(format!("why can nobody see it? {name}")),
        None => Ok(unseen),
    }
}

/// `core/src/a.rs:12:34: replace …` without its line and column, which change with every edit above.
fn without_place(mutant: &str) -> String {
    let Some((place, change)) = mutant.split_once(": ") else { return mutant.to_owned() };
    format!("{}: {change}", place.split(':').next().unwrap_or(place))
}

impl Tally {
    /// Those that did build.
    pub fn viable(&self) -> usize {
        self.seen() + self.missed.len()
    }

    fn seen(&self) -> usize {
        self.caught.len() + self.timeout.len()
    }

    /// As many were caught as must be.
    pub fn enough(&self) -> bool {
        self.seen() * 100 >= WANTED * self.viable()
    }

    /// What the list names and what is not missed any more; where `whole` core was planted, what is not there, too.
    pub fn stale<'a>(&self, unseen: &'a BTreeMap<String, String>, whole: bool) -> Vec<&'a str> {
        let names = |list: &[String]| list.iter().map(|mutant| without_place(mutant)).collect::<Vec<_>>();
        let (caught, missed) = (names(&[self.caught.clone(), self.timeout.clone()].concat()), names(&self.missed));
        let stale = |name: &&str| !missed.iter().any(|m| m == name) && (whole || caught.iter().any(|c| c == name));
        unseen.keys().map(String::as_str).filter(stale).collect()
    }

    /// Missed ones that the list has no reason for.
    fn open(&self, unseen: &BTreeMap<String, String>) -> Vec<&String> {
        self.missed.iter().filter(|mutant| !unseen.contains_key(&without_place(mutant))).collect()
    }

    /// The counts, file by file and together, and what is to be looked at.
    pub fn report(&self, unseen: &BTreeMap<String, String>) -> String {
        let mut files: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        let lists = [(&self.caught, 0), (&self.timeout, 0), (&self.missed, 1), (&self.unviable, 2)];
        for (list, column) in lists {
            for mutant in list {
                files.entry(mutant.split(':').next().unwrap_or_default()).or_default()[column] += 1;
            }
        }
        let mut text = format!("\n{:<40} {:>6} {:>6} {:>8}\n", "file", "caught", "missed", "unviable");
        for (file, [caught, missed, unviable]) in files {
            let _ = writeln!(text, "{file:<40} {caught:>6} {missed:>6} {unviable:>8}");
        }
        let open = self.open(unseen);
        for mutant in &open {
            let _ = writeln!(text, "missed: {mutant}");
        }
        let share = 1000 * self.seen() / self.viable().max(1);
        let _ = writeln!(
            text,
            "\n{} caught, {} missed ({} of them listed in core/mutants.txt), {} unviable: {}.{} % of the viable ones, \
             {WANTED} % are wanted",
            self.seen(),
            self.missed.len(),
            self.missed.len() - open.len(),
            self.unviable.len(),
            share / 10,
            share % 10,
        );
        for name in self.stale(unseen, false) {
            let _ = writeln!(text, "core/mutants.txt names what is caught: {name}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: &str = "core/src/desk/gate.rs: replace >= with > in Gate<R>::pass";

    fn tally(caught: usize, missed: &[&str]) -> Tally {
        Tally {
            caught: (0..caught).map(|line| format!("core/src/a.rs:{line}:1: replace f -> bool with true")).collect(),
            missed: missed.iter().map(|&name| name.to_owned()).collect(),
            ..Tally::default()
        }
    }

    #[test]
    fn too_few_caught_are_not_enough() {
        let missed = ["core/src/b.rs:1:2: replace f with ()"; 8];
        assert!(tally(92, &missed).enough());
        assert!(!tally(91, &missed).enough());
    }

    #[test]
    fn a_reason_is_wanted_for_each_and_no_name_stands_twice() {
        let listed = unseen(&format!("# Why.\n\n{GATE}\n    because\n    of this\n")).expect("a list");
        assert_eq!(listed.get(GATE).map(String::as_str), Some("because of this"));
        assert!(unseen(GATE).is_err_and(|problem| problem.contains("why")));
        assert!(unseen("    because\n").is_err());
        assert!(unseen(&format!("{GATE}\n    a\n{GATE}\n    b\n")).is_err_and(|problem| problem.contains("twice")));
    }

    #[test]
    fn what_the_list_names_needs_no_look_and_what_is_caught_needs_no_line() {
        let listed = unseen(&format!("{GATE}\n    because\n")).expect("a list");
        let missed = tally(1, &["core/src/desk/gate.rs:55:25: replace >= with > in Gate<R>::pass"]);
        assert!(missed.open(&listed).is_empty());
        assert!(missed.stale(&listed, true).is_empty());
        let mut caught = tally(1, &[]);
        assert!(caught.stale(&listed, false).is_empty(), "not planted this time");
        assert_eq!(caught.stale(&listed, true), [GATE], "not there any more");
        caught.timeout = missed.missed;
        assert_eq!(caught.stale(&listed, false), [GATE]);
    }

    #[test]
    fn the_report_names_what_is_to_be_looked_at() {
        let report = tally(9, &["core/src/b.rs:1:2: replace f with ()"]).report(&BTreeMap::new());
        assert!(report.contains("missed: core/src/b.rs:1:2: replace f with ()\n"), "{report}");
        assert!(report.contains("9 caught, 1 missed (0 of them listed"), "{report}");
        assert!(report.contains("90.0 % of the viable ones"), "{report}");
    }
}
