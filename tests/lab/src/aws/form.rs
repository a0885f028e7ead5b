//! The query protocol's request: a form body with `Name=value` pairs and `List.member.N` entries. No meaning, only
//! shape.

use std::collections::BTreeMap;

/// Entries of a list that are read; AWS's own limits are far below.
const MAX_MEMBERS: usize = 1000;

/// The parameters of one call.
#[derive(Debug, Default)]
pub(super) struct Form {
    values: BTreeMap<String, String>,
}

impl Form {
    pub(super) fn parse(body: &[u8]) -> Self {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let mut next = || decode(parts.next().unwrap_or_default());
            (next(), next())
        });
        Self { values: pairs.collect() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// `name.member.1`, `name.member.2`, … as far as they go.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        (1..=MAX_MEMBERS).map_while(|number| self.get(&format!("{name}.member.{number}"))).collect()
    }

    /// `Targets.member.N.Id` with its `Port`, where one is given. A port that is no number is an error's name.
    pub(super) fn targets(&self) -> Result<Vec<(String, Option<u16>)>, String> {
        let id = |number: usize| self.get(&format!("Targets.member.{number}.Id"));
        let numbered = (1..=MAX_MEMBERS).map_while(|number| id(number).map(|id| (number, id)));
        numbered
            .map(|(number, id)| {
                let port = self.get(&format!("Targets.member.{number}.Port"));
                let port = port.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(port)).transpose();
                port.map(|port| (id.to_owned(), port)).map_err(str::to_owned)
            })
            .collect()
    }
}

/// Decodes `%XX` and `+`. A broken escape stays as it is.
fn decode(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let escaped = if *first == b'%' { tail.get(..2).and_then(hex_byte) } else { None };
        match (escaped, first) {
            (Some(byte), _) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            (None, b'+') => {
                out.push(b' ');
                rest = tail;
            }
            (None, other) => {
                out.push(*other);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_escapes_and_targets() {
        let form = Form::parse(
            b"Action=RegisterTargets&Names.member.1=a%3Ab&Names.member.2=c+d&Names.member.4=lost&\
              Targets.member.1.Id=i-1&Targets.member.1.Port=4440&Targets.member.2.Id=i-2",
        );
        assert_eq!(form.get("Action"), Some("RegisterTargets"));
        assert_eq!(form.list("Names"), ["a:b", "c d"]);
        assert_eq!(form.targets(), Ok(vec![("i-1".to_owned(), Some(4440)), ("i-2".to_owned(), None)]));
    }

    #[test]
    fn a_port_that_is_no_port_is_named() {
        for port in ["x", "0", "65536", "-1"] {
            let form = Form::parse(format!("Targets.member.1.Id=i-1&Targets.member.1.Port={port}").as_bytes());
            assert_eq!(form.targets(), Err(port.to_owned()));
        }
    }

    #[test]
    fn broken_escapes_are_kept() {
        assert_eq!(Form::parse(b"a=%4&b=%zz&=&c").get("a"), Some("%4"));
    }
}
