//! Programs of the system: where they are, and apt where they are not.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::Absent;
use crate::command::{Log, run};

/// The first program of this name on the `PATH`, or where servers are kept (a user's `PATH` often lacks it).
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The folder of a JDK's tools: of `JAVA_HOME`, else of the `PATH`.
pub fn jdk() -> Option<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin"));
    let on_path = || Some(program("javac")?.parent()?.to_owned());
    let complete = |folder: &PathBuf| ["java", "javac", "jar"].iter().all(|tool| folder.join(tool).is_file());
    home.filter(complete).or_else(|| on_path().filter(complete))
}

/// The folder of PostgreSQL's server programs: Debian keeps them off the `PATH`, one folder for each version. The
/// newest counts.
pub fn postgres() -> Option<PathBuf> {
    let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = folders.max_by_key(version).map(|folder| folder.join("bin"));
    let on_path = || Some(program("initdb")?.parent()?.to_owned());
    let complete = |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|tool| folder.join(tool).is_file());
    newest.filter(complete).or_else(|| on_path().filter(complete))
}

/// Installs packages by apt if we may.
///
/// # Errors
/// What to run instead, or that apt failed.
pub async fn install(packages: &[&str], log: &Log) -> Result<(), Absent> {
    let by_hand = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    if !Path::new("/etc/debian_version").exists() {
        return Err(Absent::Missing(format!("on Debian or Ubuntu they come with: {by_hand}")));
    }
    if !is_root() {
        return Err(Absent::Missing(format!("to run them too: sudo {by_hand}")));
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq").args(arguments);
        command
    };
    // A list that is old but complete is good enough: the installation says whether it was.
    run(&mut apt(&["update"]), log).await;
    let mut install = apt(&["install", "-y", "--no-install-recommends"]);
    match run(install.args(packages), log).await {
        true => Ok(()),
        false => Err(Absent::Broken(format!("apt-get failed: {by_hand}"))),
    }
}

/// Our own folder in `/proc` belongs to whom we run as.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
