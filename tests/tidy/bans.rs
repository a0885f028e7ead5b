//! Words that must not be used, where, and why. A table: a new ban is a line.

use super::source::{File, is_word, line, occurrences};

/// Which part of a file a ban reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// Code that is not compiled for tests only.
    Production,
    /// The same, in what it says: its literals.
    Spoken,
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

const BANS: [Ban; 11] = [
    Ban {
        words: &[
            "Instant::now",
            "SystemTime::now",
            ".elapsed()",
            "now_utc()",
            "now_local()",
            "UtcDateTime::now",
            "clock_gettime",
        ],
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
        words: &["fn since_boot"],
        inside: &["src/"],
        except: &["src/clock.rs"],
        reads: Reads::Production,
        why: "the time since boot is told by src/clock.rs",
    },
    Ban {
        words: &["elasticloadbalancing:"],
        inside: &["core/src/"],
        except: &[],
        reads: Reads::Spoken,
        why: "an action of AWS is named by the adapter that sends it",
    },
    Ban {
        words: &["spawn_blocking"],
        inside: SHIPPED,
        // Each with turns of its own; start.rs asks once.
        except: &["src/watch/single.rs", "src/watch/disk/", "src/rundeck/names.rs", "src/agent/start.rs"],
        reads: Reads::Production,
        why: "what may hang gets a worker by src/watch/single.rs, one of a kind",
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
const REGISTRIES: [&str; 8] =
    ["crates", concat!("py", "pi"), "python", concat!("n", "pm"), "maven", "golang", "debian", concat!("ruby", "gems")];

/// Hosts of registries and of what they show, found without a link too.
const HOSTS: [&str; 12] = [
    concat!("crates", ".io"),
    concat!("docs", ".rs"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("n", "pmjs.org"),
    concat!("n", "pmjs.com"),
    concat!("maven", ".org"),
    concat!("repo.maven", ".apache.org"),
    concat!("golang", ".org"),
    concat!("pkg.go", ".dev"),
    concat!("debian", ".org"),
    concat!("ruby", "gems.org"),
];

/// What breaks a ban in these files.
pub fn findings(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for ban in BANS.iter().filter(|ban| file.is_in(ban.inside) && !file.is_in(ban.except)) {
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
        Reads::Spoken => &file.spoken,
        Reads::Text => &file.text,
    };
    // A word of production code is a whole one; a text's may be the start of one.
    let whole = |word: &str, at: usize| {
        let behind = text.as_bytes().get(at + word.len()).copied();
        ban.reads != Reads::Production
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
    let linked = links.map(|(at, scheme)| {
        let host = &file.text[at + scheme.len()..];
        let end = host.find(|c: char| !is_of_host(c)).unwrap_or(host.len());
        (at + scheme.len(), &host[..end])
    });
    let linked = linked.filter(|(_, host)| REGISTRIES.iter().any(|registry| host.contains(registry)));
    let bare = HOSTS.iter().flat_map(|host| occurrences(&file.text, host).map(move |at| (at, *host)));
    let bare = bare.filter(|(at, host)| is_host(&file.text, *at, host));
    let mut named: Vec<(usize, &str)> = linked.chain(bare).collect();
    named.sort_unstable();
    named.dedup_by_key(|(at, _)| line(&file.text, *at));
    let told = named.into_iter().map(|(at, host)| {
        format!("{}:{}: `{host}`: name packages, not their registries", file.path, line(&file.text, at))
    });
    told.collect()
}

fn is_of_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '.' || c == '-'
}

/// Whether this is a host, and neither a file in a folder nor the start of a longer name.
fn is_host(text: &str, at: usize, host: &str) -> bool {
    let (before, behind) = (&text[..at], &text[at + host.len()..]);
    let is_file = before.ends_with('/') && !before.ends_with("//");
    let is_longer = before.ends_with('-')
        || behind.starts_with(|c: char| c.is_ascii_alphanumeric() || "_-".contains(c))
        || behind.strip_prefix('.').is_some_and(|more| more.starts_with(|c: char| c.is_ascii_alphanumeric()));
    !is_file && !is_longer
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
                let before = if word.starts_with('.') { "" } else { " " };
                let planted = match ban.reads {
                    Reads::Spoken => format!("fn f() {{ x(\"{word}\") }}"),
                    Reads::Production | Reads::Text => format!("fn f() {{ x{before}{word} }}"),
                };
                let place = format!("{}it/a.rs", ban.inside[0]);
                assert!(of(&place, &planted) >= 1, "{word} in {place}");
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
        for host in HOSTS {
            for named in [host.to_owned(), format!("index.{host}")] {
                let spellings =
                    [link(&named), format!("see {named}."), format!("`{named}/x`"), format!("x = \"{named}\"")];
                for text in spellings {
                    assert_eq!(of("README.md", &text), 1, "{text}");
                    assert_eq!(of("Cargo.lock", &text), 0, "{text}");
                }
            }
        }
        for registry in REGISTRIES {
            assert_eq!(of("README.md", &link(&format!("{registry}.mirror.example"))), 1, "{registry}");
        }
    }

    #[test]
    fn what_only_looks_like_a_registry_is_fine() {
        let file = format!("src/{} and my-{0} and {0}x", HOSTS[1]);
        for text in ["https://docs.aws.amazon.com", "crates and python", "org.apache.maven.plugins", "lib.rs", &file] {
            assert_eq!(of("README.md", text), 0, "{text}");
        }
    }

    #[test]
    fn what_is_banned_in_literals_is_fine_in_comments_and_tests() {
        let action = "\"elasticloadbalancing:RegisterTargets\"";
        let of_core = |text: &str| of("core/src/membership/mod.rs", text);
        assert_eq!(of_core(&format!("const A: &str = {action};")), 1);
        assert_eq!(of_core(&format!("// {action}")), 0);
        assert_eq!(of_core(&format!("#[cfg(test)] mod tests {{ const A: &str = {action}; }}")), 0);
    }
}
