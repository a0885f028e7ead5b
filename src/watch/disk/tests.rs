//! Real directories, and file systems that do not answer: opening a fifo that nobody writes to hangs as they do.

use super::*;
use std::process::Command;

fn room() -> Room {
    Room::Local { free: 1, total: 2, inodes_free: 3, inodes: 4 }
}

/// Directories whose name begins with `hang` are asked until somebody writes to them; each other has a device of its
/// own.
fn fake(place: &Path) -> io::Result<Volume> {
    let name = place.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name.starts_with("hang") {
        std::fs::File::open(place)?;
    }
    Ok(Volume { device: name.bytes().map(u64::from).sum(), room: room() })
}

fn fifo(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    path
}

/// Lets whoever opened it go on.
fn release(fifo: &Path) {
    drop(std::fs::OpenOptions::new().write(true).open(fifo).expect("a reader waits"));
}

fn rooms(seen: &[DiskSeen]) -> Vec<(&str, &Room)> {
    seen.iter().map(|disk| (disk.path.rsplit('/').next().unwrap_or_default(), &disk.room)).collect()
}

#[tokio::test]
async fn a_file_system_is_told_once_and_what_is_wrong_with_a_directory_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    std::fs::create_dir(&one).and_then(|()| std::fs::create_dir(&two)).expect("made");
    let disks = Disks::new(vec![one, two, folder.path().join("missing")]);
    let seen = disks.look(None).await;
    let [first, missing] = &seen[..] else { panic!("{seen:?}") };
    assert!(first.path.ends_with("/one") && matches!(first.room, Room::Local { .. }), "{first:?}");
    assert_eq!(missing.room, Room::Unreadable("not there; correct health.disk.paths".to_owned()));
}

#[tokio::test]
async fn places_that_nobody_named_and_that_are_not_there_are_left_out() {
    let seen = Disks::new(Vec::new()).look(None).await;
    assert!(seen.iter().all(|disk| !matches!(disk.room, Room::Hung)), "{seen:?}");
    assert!(seen.iter().all(|disk| Path::new(&disk.path).exists() || is_unreadable(disk)), "{seen:?}");
    assert!(seen.iter().any(|disk| matches!(disk.room, Room::Local { .. })), "/tmp at least: {seen:?}");
}

#[tokio::test]
async fn what_hangs_holds_one_worker_and_hides_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let hanging = fifo(folder.path(), "hang");
    let disks = Disks { ask: fake, ..Disks::new(vec![hanging.clone(), folder.path().join("local")]) };
    for look in 0..2 {
        let seen = disks.look(None).await;
        assert_eq!(rooms(&seen), [("hang", &Room::Hung), ("local", &room())], "look {look}");
        assert_eq!(disks.asked.lock().len(), 1, "one worker waits");
    }
    release(&hanging);
    while !disks.asked.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    let local = Disks { ask: fake, ..Disks::new(vec![folder.path().join("local")]) };
    assert_eq!(rooms(&local.look(None).await), [("local", &room())]);
}

#[tokio::test]
async fn no_more_workers_wait_than_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let hanging: Vec<PathBuf> = (0..5).map(|number| fifo(folder.path(), &format!("hang{number}"))).collect();
    let disks = Disks { ask: fake, ..Disks::new(hanging.clone()) };
    for _ in 0..2 {
        let seen = disks.look(None).await;
        assert!(seen.len() == 5 && seen.iter().all(|disk| disk.room == Room::Hung), "{seen:?}");
        assert_eq!(disks.asked.lock().len(), MOST_STUCK);
    }
    for fifo in hanging.iter().take(MOST_STUCK) {
        release(fifo);
    }
}
