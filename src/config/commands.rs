//! Keys that hold commands: a program and its arguments, as one list of texts, or several such lists for several
//! commands. In a variable: one command, separated by commas.

use super::codec::{Codec, whole_path};
use super::fault::Fault;
use super::raw::{Entry, Value};

/// Commands, in the order in which they run; none: nothing is run.
pub(super) const COMMANDS: Codec<Vec<Vec<String>>> = Codec { read, show: |commands| show(commands) };

/// Most commands of one key: what needs more is a script.
const MAX_COMMANDS: usize = 16;
/// Most words of a command.
const MAX_WORDS: usize = 64;

const WANTED: &str = "a command as a list of texts, as in [\"/usr/local/bin/warm\", \"--up\"]";

fn read(value: &Value) -> Result<Vec<Vec<String>>, Fault> {
    let commands = match value {
        Value::List(items) if items.iter().any(|item| matches!(item.value, Value::List(_))) => {
            items.iter().map(one_of_several).collect::<Result<Vec<_>, _>>()?
        }
        Value::List(items) if items.is_empty() => Vec::new(),
        Value::List(items) => vec![words(items)?],
        Value::Untyped(list) if list.trim().is_empty() => Vec::new(),
        Value::Untyped(list) => vec![command(list.split(',').map(|word| word.trim().to_owned()).collect())?],
        Value::Text(_) | Value::Integer(_) | Value::Boolean(_) | Value::Other(_) => return Err(Fault::Type(WANTED)),
    };
    if commands.len() <= MAX_COMMANDS {
        return Ok(commands);
    }
    Err(Fault::value(format!("names {} commands", commands.len()), format!("name at most {MAX_COMMANDS}")))
}

fn one_of_several(item: &Entry) -> Result<Vec<String>, Fault> {
    let Value::List(items) = &item.value else {
        let cure = "write each command as a list of its own, as in [[\"/bin/a\"], [\"/bin/b\", \"-x\"]]";
        return Err(Fault::value("mixes commands and words", cure).at(&item.origin));
    };
    words(items).map_err(|fault| fault.at(&item.origin))
}

fn words(items: &[Entry]) -> Result<Vec<String>, Fault> {
    let word = |item: &Entry| match &item.value {
        Value::Text(word) => Ok(word.clone()),
        other => {
            let why = format!("holds {}", other.describe());
            Err(Fault::value(why, "write texts only, as in [\"/usr/local/bin/warm\", \"--up\"]").at(&item.origin))
        }
    };
    command(items.iter().map(word).collect::<Result<_, _>>()?)
}

/// A program by its whole path, with its arguments. No shell reads it.
fn command(words: Vec<String>) -> Result<Vec<String>, Fault> {
    let Some(program) = words.first() else {
        return Err(Fault::value("holds a command without a program", "name one, or remove the empty list"));
    };
    if words.len() > MAX_WORDS {
        let why = format!("holds a command of {} words", words.len());
        return Err(Fault::value(why, format!("write at most {MAX_WORDS}, or a script")));
    }
    whole_path(program)?;
    if words.iter().any(|word| word.contains('\0')) {
        return Err(Fault::value("holds a zero byte, which no argument can have", "remove it"));
    }
    Ok(words)
}

fn show(commands: &[Vec<String>]) -> toml::Value {
    let texts =
        |words: &Vec<String>| toml::Value::Array(words.iter().cloned().map(toml::Value::String).collect::<Vec<_>>());
    match commands {
        [one] => texts(one),
        several => toml::Value::Array(several.iter().map(texts).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::origin::Origin;

    fn entry(value: Value) -> Entry {
        Entry { value, origin: Origin::default() }
    }

    fn list(words: &[&str]) -> Value {
        Value::List(words.iter().map(|word| entry(Value::Text((*word).to_owned()))).collect())
    }

    #[test]
    fn one_command_several_or_none() {
        let several = Value::List(vec![entry(list(&["/bin/a"])), entry(list(&["/bin/b", "-x, y"]))]);
        assert_eq!(read(&several).ok(), Some(vec![vec!["/bin/a".into()], vec!["/bin/b".into(), "-x, y".into()]]));
        assert_eq!(read(&list(&["/bin/a", ""])).ok(), Some(vec![vec!["/bin/a".into(), String::new()]]));
        assert_eq!(read(&list(&[])).ok(), Some(vec![]));
        let variable = |text: &str| read(&Value::Untyped(text.into())).ok();
        assert_eq!(variable("/bin/a, --up"), Some(vec![vec!["/bin/a".into(), "--up".into()]]));
        assert_eq!(variable(""), Some(vec![]));
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for value in [list(&[]), list(&["/bin/a", "-x"]), Value::List(vec![entry(list(&["/bin/a"])); 2])] {
            let commands = read(&value).expect("commands");
            let shown = show(&commands).to_string();
            let items = |text: &str| text.matches('[').count();
            assert_eq!(items(&shown), if commands.len() > 1 { 3 } else { 1 }, "{shown}");
        }
    }

    #[test]
    fn what_no_program_can_be_is_refused() {
        let bad = [
            Value::Text("/bin/a".into()),
            list(&["warm"]),
            list(&["/bin/a", "\0"]),
            Value::List(vec![entry(list(&[]))]),
            Value::List(vec![entry(list(&["/bin/a"])), entry(Value::Text("/bin/b".into()))]),
            Value::List(vec![entry(Value::Integer(1))]),
            Value::List(vec![entry(list(&["/bin/a"])); MAX_COMMANDS + 1]),
            list(&["/bin/a"; MAX_WORDS + 1]),
        ];
        for value in bad {
            assert!(read(&value).is_err(), "{value:?}");
        }
    }
}
