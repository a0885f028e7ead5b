//! Where Rundeck writes: the directories that its command line names, and those of its packages (Rundeck's
//! `packaging/lib`).
//!
//! Only names: none of them is looked at here, and some may not be there.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rundeck_alb_core::Process;

use super::stat;

/// Most bytes read of a command line; Rundeck's has about one thousand.
const MOST_ARGUMENTS: u64 = 256 * 1024;

/// Properties of the launcher (`/etc/rundeck/profile`) that name a directory.
const DIRECTORIES: [&str; 2] = ["-Drdeck.runlogs=", "-Drundeck.server.workDir="];

/// The property that names the beginning of H2's files, which stand in the directory above.
const DATA: &str = "-Dserver.datastore.path=";

/// The property that names the base directory.
const BASE: &str = "-Drdeck.base=";

/// What is filled below the base directory: of the packages, of the plain war and of the images.
const BELOW_BASE: [&str; 6] = ["logs", "var/logs", "data", "server/data", "var/tmp", "server/logs"];

/// The base directories of packages and images, where the command line names none.
const BASES: [&str; 2] = ["/var/lib/rundeck", "/home/rundeck"];

/// Where the packages log.
const LOG: &str = "/var/log/rundeck";

/// The property that names the directory of temporary files, and where they are without it.
const TEMPORARY: (&str, &str) = ("-Djava.io.tmpdir=", "/tmp");

/// The directories that this Rundeck may fill, the likeliest first, each once. Without a process, or with one that
/// hides its arguments, those of the packages.
///
/// Blocking: a process that hangs while its memory is being changed keeps its command line from readers.
pub fn places(process: Option<Process>) -> Vec<PathBuf> {
    let line = process.and_then(|process| command_line(process).ok()).unwrap_or_default();
    let arguments: Vec<&str> = line.split('\0').collect();
    of_arguments(&arguments)
}

fn command_line(process: Process) -> io::Result<String> {
    let mut line = Vec::new();
    File::open(format!("/proc/{}/cmdline", process.pid))?.take(MOST_ARGUMENTS).read_to_end(&mut line)?;
    if stat::read(process.pid)?.start_ticks != process.start {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Of a property that is given twice the JVM takes the last.
fn of_arguments(arguments: &[&str]) -> Vec<PathBuf> {
    let value = |property: &str| arguments.iter().rev().find_map(|argument| argument.strip_prefix(property));
    let base: Vec<&str> = value(BASE).map_or(BASES.to_vec(), |base| vec![base]);
    let below = base.iter().flat_map(|base| BELOW_BASE.map(|name| Path::new(base).join(name)));
    let data = value(DATA).and_then(|data| Path::new(data).parent()).map(Path::to_path_buf);
    let named = DIRECTORIES.iter().filter_map(|property| value(property)).map(PathBuf::from);
    let mut places: Vec<PathBuf> = Vec::new();
    let (property, default) = TEMPORARY;
    let elsewhere = [LOG, value(property).unwrap_or(default)].map(PathBuf::from);
    for place in named.chain(data).chain(below).chain(elsewhere) {
        // A relative one is below a working directory that others may not see.
        if place.is_absolute() && !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(line: &str) -> Vec<String> {
        let arguments: Vec<&str> = line.split_ascii_whitespace().collect();
        of_arguments(&arguments).iter().map(|place| place.display().to_string()).collect()
    }

    #[test]
    fn the_packages_command_line_names_logs_data_and_temporary_files() {
        let places = named(
            "java -Dserver.datastore.path=/var/lib/rundeck/data/rundeck -Drdeck.runlogs=/big/logs \
             -Drdeck.base=/var/lib/rundeck \
            -Djava.io.tmpdir=/tmp/rundeck -Drundeck.server.workDir=/tmp/rundeck -jar rundeck.war",
        );
        assert_eq!(places.get(..3).expect("three"), ["/big/logs", "/tmp/rundeck", "/var/lib/rundeck/data"]);
        for also in ["/var/lib/rundeck/logs", "/var/lib/rundeck/var/tmp", "/var/log/rundeck"] {
            assert!(places.iter().any(|place| place == also), "{also}: {places:?}");
        }
        assert!(
            !places.iter().any(|place| place.starts_with("/home") || place == "/tmp"),
            "others are named: {places:?}"
        );
        assert!(places.len() <= 16, "each once: {places:?}");
    }

    #[test]
    fn of_a_property_given_twice_the_last_counts_and_relative_paths_are_left_out() {
        let places =
            named("java -Drdeck.base=/one -Drdeck.base=/two -Djava.io.tmpdir=tmp -Dserver.datastore.path=data");
        assert!(places.contains(&"/two/logs".to_owned()) && places.contains(&"/two/var/logs".to_owned()), "{places:?}");
        assert!(places.iter().all(|place| place.starts_with('/') && !place.starts_with("/one")), "{places:?}");
    }

    #[test]
    fn without_a_process_the_packages_directories_are_meant() {
        let places = places(None);
        for expected in ["/var/lib/rundeck/logs", "/home/rundeck/server/data", "/var/log/rundeck", "/tmp"] {
            assert!(places.contains(&PathBuf::from(expected)), "{places:?}");
        }
        let other = Process { pid: std::process::id(), start: 1 };
        assert_eq!(super::places(Some(other)), places, "the pid belongs to another process now");
    }

    #[test]
    fn a_processs_own_arguments_are_read() {
        let own = stat::read(std::process::id()).expect("own stat");
        let own = Process { pid: std::process::id(), start: own.start_ticks };
        let line = command_line(own).expect("own arguments");
        assert!(line.contains('\0') && line.starts_with(&std::env::args().next().expect("a name")), "{line:?}");
    }
}
