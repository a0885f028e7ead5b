//! A failure made small: bytes of its tape are deleted or set to zero while the same promise stays broken.

use crate::DECISIONS;
use crate::rule::Violation;
use crate::runner::schedule;
use crate::subject;
use crate::table::say;
use crate::tape::Tape;
use std::fmt::Write;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Tries that one minimisation may take.
const TRIES: u32 = 4_000;
/// Rows of the table that a report shows: the end is where it went wrong.
const ROWS: usize = 60;

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/sim/seeds")
}

fn broken(bytes: &[u8]) -> Option<Violation> {
    schedule(Tape::new(bytes.to_vec()), &subject::heart, false).verdict.err()
}

/// The smallest string of decisions found that breaks the same rule.
fn shrink(seed: u64, rule: &str) -> Vec<u8> {
    let outcome = schedule(Tape::from_seed(seed, DECISIONS), &subject::heart, false);
    let mut best = Tape::from_seed(seed, outcome.used).into_bytes();
    let mut tries = 0;
    let mut still = |bytes: &[u8]| {
        tries += 1;
        tries <= TRIES && broken(bytes).is_some_and(|v| v.rule == rule)
    };
    for size in [256, 64, 16, 4, 2, 1] {
        let mut at = 0;
        while at < best.len() {
            let end = (at + size).min(best.len());
            let mut shorter = best.clone();
            shorter.drain(at..end);
            let mut calmer = best.clone();
            calmer.iter_mut().take(end).skip(at).for_each(|b| *b = 0);
            if still(&shorter) {
                best = shorter;
            } else {
                if calmer != best && still(&calmer) {
                    best = calmer;
                }
                at = end;
            }
        }
    }
    best
}

/// Minimises a failing seed, keeps it as a file, and tells what happens in it.
pub fn report(seed: u64, violation: &Violation) -> String {
    let bytes = shrink(seed, violation.rule);
    let outcome = schedule(Tape::new(bytes.clone()), &subject::heart, true);
    let mut text = format!("seed {seed} breaks \"{}\": {}\n", violation.rule, violation.text);
    let skipped = outcome.rows.len().saturating_sub(ROWS);
    if skipped > 0 {
        let _ = writeln!(text, "({skipped} rows before)");
    }
    for row in outcome.rows.iter().skip(skipped) {
        let _ = writeln!(text, "{row}");
    }
    let _ = writeln!(text, "{:?}", outcome.verdict);
    let _ = match keep(&seeds(), seed, &format!("# {}\n{}\n", violation.rule, hex(&bytes))) {
        Ok(path) => writeln!(text, "kept as {}", path.display()),
        Err(error) => writeln!(text, "not kept in {}: {error}", seeds().display()),
    };
    text
}

/// Writes a failure under a name that is free: the same seed may have failed before, when its world was another one,
/// and that failure stays. The same text is kept once.
fn keep(directory: &Path, seed: u64, text: &str) -> io::Result<PathBuf> {
    let mut path = directory.join(format!("{seed}.txt"));
    for again in 2.. {
        match File::create_new(&path) {
            Ok(mut file) => return io::Write::write_all(&mut file, text.as_bytes()).map(|()| path),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) if std::fs::read_to_string(&path)? == text => return Ok(path),
            Err(_) => path = directory.join(format!("{seed}-{again}.txt")),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Every failure that was ever kept, by file name.
pub fn kept_tapes() -> Vec<(String, Tape)> {
    let Ok(files) = std::fs::read_dir(seeds()) else { return Vec::new() };
    let mut tapes = Vec::new();
    for file in files.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(file.path()) else { continue };
        match text.lines().find(|line| !line.starts_with('#')).and_then(unhex) {
            Some(bytes) => tapes.push((name, Tape::new(bytes))),
            None => say(&format!("{name}: not a kept seed")),
        }
    }
    tapes.sort_by(|a, b| a.0.cmp(&b.0));
    tapes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.trim().as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[test]
fn a_kept_failure_is_never_overwritten() -> io::Result<()> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("seeds-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    let names = ["first", "second", "first", "third", "second"].map(|text| keep(&directory, 7, text));
    let kept = ["7.txt", "7-2.txt", "7-3.txt"].map(|name| std::fs::read_to_string(directory.join(name)));
    std::fs::remove_dir_all(&directory)?;
    for (name, wanted) in names.into_iter().zip(["7.txt", "7-2.txt", "7.txt", "7-3.txt", "7-2.txt"]) {
        assert_eq!(name?, directory.join(wanted));
    }
    for (text, wanted) in kept.into_iter().zip(["first", "second", "third"]) {
        assert_eq!(text?, wanted);
    }
    Ok(())
}
