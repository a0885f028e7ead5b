//! Feeds a parser with changed copies of kept inputs: bounded in the ordinary test run, longer by `FUZZ_RUNS`.
//!
//! Input `n` of seed `s` depends on `s + n` and the corpus alone, so that a failure names the seed that repeats it. A
//! failing input is written into the corpus, which is played unchanged first in every run. It is not guided by coverage
//! and makes no input smaller.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Longest input, in bytes: beyond every limit of the parsers on heads and more than twice the longest head.
const LONGEST: usize = 20_000;
/// Changes to one kept input, at most.
const MOST_CHANGES: u64 = 6;

/// What is fed.
pub struct Target {
    /// Its folder below `tests/fuzz`.
    pub name: &'static str,
    /// Inputs of an ordinary run; `FUZZ_RUNS` overrides it.
    pub runs: u64,
    /// Words that its grammar knows.
    pub words: &'static [&'static [u8]],
}

impl Target {
    /// Plays the corpus and then `runs` changed inputs. `check` says what an input broke; its panics are caught.
    pub fn run(&self, mut check: impl FnMut(&[u8]) -> Result<(), String>) {
        let corpus = self.corpus();
        assert!(!corpus.is_empty(), "{} is empty", self.folder().display());
        for (path, input) in &corpus {
            if let Err(broken) = tried(&mut check, input) {
                panic!("{}: {broken}", path.display());
            }
        }
        let seeds = (setting("FUZZ_SEED").unwrap_or(1), setting("FUZZ_RUNS").unwrap_or(self.runs));
        if let Some((seed, input, broken)) = self.broken(&corpus, seeds, &mut check) {
            let path = self.folder().join(format!("failed-{seed}.bin"));
            let kept = std::fs::write(&path, &input);
            panic!("FUZZ_SEED={seed} FUZZ_RUNS=1 breaks {}: {broken}; {} {kept:?}", self.name, path.display());
        }
    }

    /// True if some changed input of an ordinary run breaks the check: for proving that a fault would be found.
    pub fn finds(&self, mut check: impl FnMut(&[u8]) -> Result<(), String>) -> bool {
        self.broken(&self.corpus(), (1, self.runs), &mut check).is_some()
    }

    fn broken(
        &self,
        corpus: &[(PathBuf, Vec<u8>)],
        (first, runs): (u64, u64),
        check: &mut impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Option<(u64, Vec<u8>, String)> {
        // What an earlier failure has kept is played, but not changed: else its seed would make another input by now.
        let corpus: Vec<_> = corpus.iter().filter(|(path, _)| !is_failure(path)).cloned().collect();
        (0..runs).map(|n| first.wrapping_add(n)).find_map(|seed| {
            let input = self.changed(&corpus, &mut Random(seed));
            let broken = tried(check, &input).err()?;
            Some((seed, input, broken))
        })
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(self.name)
    }

    /// By name, so that a seed means the same everywhere.
    fn corpus(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = std::fs::read_dir(self.folder()).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut paths: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ext| ext == "bin")).collect();
        paths.sort();
        paths.into_iter().filter_map(|path| std::fs::read(&path).ok().map(|input| (path, input))).collect()
    }

    fn changed(&self, corpus: &[(PathBuf, Vec<u8>)], random: &mut Random) -> Vec<u8> {
        let (_, kept) = &corpus[random.below(corpus.len())];
        let mut input = kept.clone();
        for _ in 0..=random.next() % MOST_CHANGES {
            let at = random.below(input.len() + 1);
            let end = (at + random.below(40)).min(input.len());
            match random.next() % 7 {
                0 if at < input.len() => input[at] ^= 1 << random.below(8),
                1 => input.insert(at, random.next() as u8),
                2 => drop(input.drain(at..end)),
                3 => insert(&mut input, at, self.words[random.below(self.words.len())]),
                4 => {
                    let word = self.words[random.below(self.words.len())];
                    input.splice(at..end, word.iter().copied());
                }
                5 => {
                    let again = input[at..end].repeat(1 << random.below(8));
                    insert(&mut input, at, &again);
                }
                _ => {
                    let (_, other) = &corpus[random.below(corpus.len())];
                    insert(&mut input, at, &other[random.below(other.len() + 1)..]);
                }
            }
            input.truncate(LONGEST);
        }
        input
    }
}

fn is_failure(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("failed-"))
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

fn tried(check: &mut impl FnMut(&[u8]) -> Result<(), String>, input: &[u8]) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| check(input))).unwrap_or_else(|_| Err("it panics".into()))
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// SplitMix64: every seed, also the next one, gives another sequence.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not zero.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
