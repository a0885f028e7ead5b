//! What came of each step, the closing table, and the closing line that machines read.

use std::fmt::Write;
use std::time::Duration;

/// What came of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The step.
    pub name: &'static str,
    /// How many of its checks held.
    pub passed: usize,
    /// How many did not, or should have run and did not.
    pub failed: usize,
    /// Tests that could not run here, by name.
    pub skipped: Vec<String>,
    /// Why something failed or was skipped, in a few words.
    pub why: String,
    /// Everything a failing step printed.
    pub output: String,
    /// Its wall time.
    pub took: Duration,
}

impl Report {
    /// A step that is one check.
    pub fn single(name: &'static str, passed: bool) -> Report {
        Report { name, passed: usize::from(passed), failed: usize::from(!passed), ..Report::default() }
    }

    /// A step that failed as a whole.
    pub fn broken(name: &'static str, why: impl Into<String>) -> Report {
        Report { name, failed: 1, why: why.into(), ..Report::default() }
    }

    /// The same report where a skip is as bad as a failure: nobody reads the output of CI for tests that did not run.
    pub fn strict(mut self) -> Report {
        self.failed += self.skipped.len();
        if !self.skipped.is_empty() {
            let _ = write!(
                self.output,
                "skipped, which CI=true does not allow: {}\n{}\n",
                self.skipped.join(" "),
                self.why
            );
            self.skipped.clear();
        }
        self
    }

    /// The outcome in a word.
    pub fn word(&self) -> &'static str {
        match (self.failed, self.skipped.len()) {
            (0, 0) => "ok",
            (0, _) => "skipped",
            _ => "FAILED",
        }
    }

    /// Outcome, counts, time and reason of this step.
    pub fn line(&self) -> String {
        let count = |number: usize| if number == 0 { "-".to_owned() } else { number.to_string() };
        let (passed, failed, skipped) = (count(self.passed), count(self.failed), count(self.skipped.len()));
        let line = format!(
            "{:<8} {passed:>6} {failed:>6} {skipped:>7} {:>8.1} s  {}",
            self.word(),
            self.took.as_secs_f64(),
            self.why
        );
        line.trim_end().to_owned()
    }
}

/// The head of the columns of [`Report::line`].
pub const COLUMNS: &str = "outcome  passed failed skipped       time";

/// The table of all steps, the names of what was skipped, and the closing line `N passed, N failed[, N skipped]`.
pub fn closing(reports: &[Report]) -> String {
    let mut text = format!("{:<10} {COLUMNS}\n", "step");
    for report in reports {
        let _ = writeln!(text, "{:<10} {}", report.name, report.line());
    }
    let took: Duration = reports.iter().map(|report| report.took).sum();
    let _ = writeln!(text, "{:<10} {:>40.1} s\n", "all", took.as_secs_f64());
    for report in reports.iter().filter(|report| !report.skipped.is_empty()) {
        let _ = writeln!(text, "skipped ({}): {}", report.name, report.skipped.join(" "));
    }
    let sum = |count: fn(&Report) -> usize| reports.iter().map(count).sum::<usize>();
    let _ = write!(text, "{} passed, {} failed", sum(|report| report.passed), sum(|report| report.failed));
    match sum(|report| report.skipped.len()) {
        0 => text.push('\n'),
        skipped => drop(writeln!(text, ", {skipped} skipped")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_line(reports: &[Report]) -> String {
        closing(reports).lines().last().expect("a closing line").to_owned()
    }

    #[test]
    fn the_closing_line_is_of_the_form_that_machines_read() {
        let tests = Report { name: "unit", passed: 40, ..Report::default() };
        assert_eq!(last_line(&[Report::single("format", true), tests.clone()]), "41 passed, 0 failed");
        assert_eq!(last_line(&[Report::single("format", false), tests.clone()]), "40 passed, 1 failed");
        let skipped = Report { name: "jvm", skipped: vec!["jvm::found".to_owned()], ..Report::default() };
        assert_eq!(last_line(&[tests, skipped]), "40 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn skipped_tests_are_named() {
        let skipped = Report {
            name: "jvm",
            skipped: vec!["jvm::found".to_owned(), "jvm::killed".to_owned()],
            ..Report::default()
        };
        assert!(closing(&[skipped]).contains("skipped (jvm): jvm::found jvm::killed\n"));
    }

    #[test]
    fn where_it_is_strict_a_skip_is_a_failure() {
        let skipped = Report {
            name: "jvm",
            skipped: vec!["jvm::found".to_owned()],
            why: "no JDK".to_owned(),
            ..Report::default()
        };
        let strict = skipped.strict();
        assert_eq!((strict.word(), strict.failed, strict.skipped.len()), ("FAILED", 1, 0));
        assert!(strict.output.contains("jvm::found") && strict.output.contains("no JDK"));
    }
}
