//! Words that must not be used, where, and why. A table: a new ban is a line.

use super::source::{File, is_word, line, occurrences};

/// Which part of a file a ban reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// Code that is not compiled for tests only.
    Production,
    /// Everything, comments too.
    Text,
}

struct Ban {
    words: &'static [&'static str],
    /// Folders (with `/` at their end) and files in which it holds.
    inside: &'static [&'static str],
    /// Those of them in which it does not.
    except: &'static [&'static str],
    reads: Reads,
    why: &'static str,
}

const SHIPPED: &[&str] = &["src/", "core/"];
const EVERYWHERE: &[&str] = &["src/", "core/", "tests/", "xtask/"];

const BANS: [Ban; 8] = [
    Ban {
        words: &["Instant::now", "SystemTime::now", ".elapsed()", "now_utc()", "now_local()", "UtcDateTime::now"],
        inside: SHIPPED,
        except: &["src/clock.rs"],
        reads: Reads::Production,
        why: "time is read in src/clock.rs only",
    },
    Ban {
        words: &[
            ".unwrap()",
            ".expect(",
            ".unwrap_err()",
            ".expect_err(",
            "panic!(",
            "unreachable!(",
            "unimplemented!(",
            "assert!(",
        ],
        inside: SHIPPED,
        except: &[],
        reads: Reads::Production,
        why: "what can go wrong is a typed error, not a panic",
    },
    Ban {
        words: &["print!(", "println!(", "eprint!(", "eprintln!(", "dbg!("],
        inside: SHIPPED,
        except: &["src/cli/", "src/main.rs"],
        reads: Reads::Production,
        why: "only the command line speaks to a person; all else is logged",
    },
    Ban {
        words: &[
            "env::var",
            "env::var_os",
            "env::vars",
            "env::vars_os",
            "env::args",
            "env::args_os",
            "env::set_var",
            "env::current_dir",
        ],
        inside: SHIPPED,
        // systemd.rs reads what systemd says to a unit, telemetry what it says about the journal.
        except: &["src/cli/", "src/main.rs", "src/systemd.rs", "src/systemd/", "src/telemetry/"],
        reads: Reads::Production,
        why: "the environment is read once, by whom the program is started by",
    },
    Ban {
        words: &["process::exit("],
        inside: SHIPPED,
        except: &["src/main.rs"],
        reads: Reads::Production,
        why: "only main ends the process; a panic aborts",
    },
    Ban {
        words: &["thread::sleep"],
        inside: SHIPPED,
        except: &[],
        reads: Reads::Production,
        why: "nothing waits blindly: the loop has deadlines",
    },
    Ban {
        words: &[concat!("sle", "ep(")],
        inside: &["tests/"],
        except: &[],
        reads: Reads::Text,
        why: "a test waits for a condition with a bound, or uses the paused clock",
    },
    Ban {
        words: &[
            concat!("#[ign", "ore"),
            concat!("tod", "o!("),
            concat!("allow(dead", "_code"),
            concat!("allow(unu", "sed"),
            concat!("TO", "DO"),
            concat!("FIX", "ME"),
        ],
        inside: EVERYWHERE,
        except: &[],
        reads: Reads::Text,
        why: "nothing unfinished is kept in the tree",
    },
];

/// A link whose host has one of these words is a package registry's.
const REGISTRIES: [&str; 7] = ["crates", "pypi", "python", "npm", "maven", "golang", "debian"];

/// What breaks a ban in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for ban in
            BANS.iter().filter(|ban| file.path.contains('.') && file.is_in(ban.inside) && !file.is_in(ban.except))
        {
            findings.extend(broken(ban, file));
        }
        if !file.path.ends_with(".lock") {
            findings.extend(registries(file));
        }
    }
    findings
}

fn broken(ban: &Ban, file: &File) -> Vec<String> {
    let text = match ban.reads {
        Reads::Production => &file.production,
        Reads::Text => &file.text,
    };
    // A word of production code is a whole one; a text's may be the start of one.
    let whole = |word: &str, at: usize| {
        let behind = text.as_bytes().get(at + word.len()).copied();
        ban.reads == Reads::Text
            || !word.ends_with(|end: char| end == '_' || end.is_alphanumeric())
            || !behind.is_some_and(is_word)
    };
    let found =
        |word: &'static str| occurrences(text, word).filter(move |&at| whole(word, at)).map(move |at| (word, at));
    let places = ban.words.iter().flat_map(|word| found(word));
    places.map(|(word, at)| format!("{}:{}: `{word}`: {}", file.path, line(text, at), ban.why)).collect()
}

fn registries(file: &File) -> Vec<String> {
    let links = ["http://", "https://"].into_iter().flat_map(|scheme| file.text.match_indices(scheme));
    let hosts = links.map(|(at, scheme)| {
        let host = &file.text[at + scheme.len()..];
        let end = host.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-')).unwrap_or(host.len());
        (at, &host[..end])
    });
    let named = hosts.filter(|(_, host)| REGISTRIES.iter().any(|registry| host.contains(registry)));
    named
        .map(|(at, host)| {
            format!("{}:{}: `{host}`: name packages, not their registries", file.path, line(&file.text, at))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> usize {
        findings(&[File::new(path, text)]).len()
    }

    #[test]
    fn each_ban_catches_each_of_its_words_where_it_holds_and_nowhere_else() {
        for ban in &BANS {
            for word in ban.words {
                let planted = format!("fn f() {{ x{}{word} }}", if word.starts_with('.') { "" } else { " " });
                let place = if ban.inside[0] == "tests/" { "tests/it/a.rs" } else { "src/a.rs" };
                assert!(of(place, &planted) >= 1, "{word} in {place}");
                for spared in ban.except {
                    let spared = if spared.ends_with('/') { format!("{spared}a.rs") } else { (*spared).to_owned() };
                    assert_eq!(of(&spared, &planted), 0, "{word} in {spared}");
                }
            }
        }
    }

    #[test]
    fn test_code_may_unwrap_and_words_in_comments_and_texts_do_not_count() {
        assert_eq!(of("src/a.rs", "#[cfg(test)] mod tests { fn f() { x.unwrap(); } }"), 0);
        assert_eq!(of("src/a/tests.rs", "fn f() { x.unwrap(); }"), 0);
        assert_eq!(of("src/a.rs", "// never .unwrap()\nconst A: &str = \"panic!(\";"), 0);
        assert_eq!(of("src/a.rs", "x.unwrap_or(1).expect_none()"), 0);
        assert_eq!(of("core/src/a.rs", "debug_assert!(x)"), 0);
        assert_eq!(of("src/a.rs", "env::variable(x)"), 0);
    }

    #[test]
    fn waiting_blindly_is_found_in_other_languages_too() {
        assert_eq!(of("tests/jvm/A.java", concat!("Thread.sle", "ep(10);")), 1);
    }

    #[test]
    fn a_registry_is_found_by_its_host() {
        let link = |host: &str| format!("see {}://{host}/x", "https");
        for host in [
            "crates.io",
            "index.crates.io",
            "pypi.org",
            "files.pythonhosted.org",
            "registry.npmjs.org",
            "repo1.maven.org",
            "deb.debian.org",
        ] {
            assert_eq!(of("README.md", &link(host)), 1, "{host}");
        }
        assert_eq!(of("README.md", &link("docs.aws.amazon.com")), 0);
        assert_eq!(of("Cargo.lock", &link("crates.io")), 0);
    }
}
