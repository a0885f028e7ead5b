//! Settings that are one word of a closed list: the words, and how they are read and shown. Does
//! not know which key takes which list: that is the table in `keys.rs`.

use rundeck_alb_core::{AutoScalingRule, DatabaseRule, Ownership, PassiveRule, StandbyRule, TargetType};

use super::codec::{Codec, TEXT, text};
use super::fault::{Fault, quoted};
use super::raw::Value;
use super::settings::{LogFormat, LogLevel};
use super::suggest::nearest;

/// One word of a closed list.
pub(super) const fn word<T: Word>() -> Codec<T> {
    Codec { read: read_word::<T>, show: |word| toml::Value::String(shown_word(*word).to_owned()) }
}

/// A word of a closed list, or nothing said.
pub(super) const fn optional_word<T: Word>() -> Codec<Option<T>> {
    Codec {
        read: |value| read_word::<T>(value).map(Some),
        show: |word| toml::Value::String(word.map(shown_word).unwrap_or_default().to_owned()),
    }
}

/// A type whose values are words.
pub(super) trait Word: Copy + PartialEq + 'static {
    /// Each word with its value, in the order to be shown.
    const WORDS: &'static [(&'static str, Self)];
}

impl Word for Ownership {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("self", Self::Own), ("observe", Self::Observe)];
}

impl Word for AutoScalingRule {
    const WORDS: &'static [(&'static str, Self)] = &[("auto", Self::Auto), ("none", Self::None)];
}

impl Word for StandbyRule {
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("decrement", Self::Decrement), ("replace", Self::Replace)];
}

impl Word for Option<TargetType> {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", None), ("instance", Some(TargetType::Instance)), ("ip", Some(TargetType::Ip))];
}

impl Word for PassiveRule {
    const WORDS: &'static [(&'static str, Self)] = &[("out", Self::Out), ("in", Self::In)];
}

impl Word for DatabaseRule {
    const WORDS: &'static [(&'static str, Self)] = &[("report", Self::Report), ("eject", Self::Eject)];
}

impl Word for LogFormat {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("human", Self::Human), ("json", Self::Json)];
}

impl Word for LogLevel {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

fn shown_word<T: Word>(value: T) -> &'static str {
    T::WORDS.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

fn read_word<T: Word>(value: &Value) -> Result<T, Fault> {
    let text = text(value, TEXT)?;
    let known = T::WORDS.iter().find(|(word, _)| *word == text);
    known.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<String> = T::WORDS.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let nearest = nearest(text, T::WORDS.iter().map(|(word, _)| *word));
        let meant = nearest.map(|word| format!("did you mean \"{word}\"? ")).unwrap_or_default();
        Fault::value(format!("cannot be {}", quoted(text)), format!("{meant}it takes {}", words.join(", ")))
    })
}
