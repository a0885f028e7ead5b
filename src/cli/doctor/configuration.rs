//! The configuration: every mistake is told, and what could be read is used for all other looks. Reads nothing itself.

use super::report::{Area, Part};
use super::word::Own;
use crate::config::{ConfigErrors, Sources};

/// Mistakes that are told; `config validate` tells all.
const MOST_MISTAKES: usize = 10;

/// The look at what was loaded from there.
pub fn part(sources: &Sources, mistakes: Option<&ConfigErrors>) -> Part {
    let file = sources.file.as_deref().filter(|file| file.exists());
    let seen = file.map_or("no file: defaults and environment".to_owned(), |file| file.display().to_string());
    let Some(mistakes) = mistakes else { return Part::seen(Area::Configuration, seen) };
    let mut lines: Vec<String> = mistakes.iter().take(MOST_MISTAKES).map(ToString::to_string).collect();
    let more = mistakes.iter().count().saturating_sub(MOST_MISTAKES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let seen = format!("{seen}, as far as it can be read");
    Part::seen(Area::Configuration, seen).wrong(Own::ConfigInvalid, lines.join("\n"))
}
