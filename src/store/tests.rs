//! Files on a real disk: atomic, locked, bounded, set aside when they cannot be read.

use super::*;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a directory") }
    }

    fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    fn runtime(&self) -> PathBuf {
        self.root.path().join("run")
    }

    fn open(&self) -> Store {
        Store::open(&self.state(), &self.runtime()).expect("a store")
    }

    /// The thread of a dropped store gives the lock back when it has finished.
    fn reopen(&self) -> Store {
        (0..1_000_000)
            .find_map(|_| {
                std::thread::yield_now();
                Store::open(&self.state(), &self.runtime()).ok()
            })
            .expect("the lock back")
    }

    fn names(&self, directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(directory)
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        names
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("json")
}

#[tokio::test]
async fn what_is_kept_is_there_for_the_next_agent() {
    let place = Place::new();
    let store = place.open();
    assert_eq!(store.load_intent::<Value>().await.expect("looked"), Loaded::Nothing);
    store.keep_intent(bytes(&json!({"drain": "operator"}))).await.expect("kept");
    store.keep_intent(bytes(&json!({"drain": null}))).await.expect("kept again");
    store.keep_verdict(bytes(&json!({"state": "up"}))).await.expect("kept");
    store.keep_registered(bytes(&json!({"instance": "i-1"}))).await.expect("kept");
    drop(store);

    let store = place.reopen();
    assert_eq!(store.load_intent().await.expect("read"), Loaded::Kept(json!({"drain": null})));
    assert_eq!(store.load_verdict().await.expect("read"), Loaded::Kept(json!({"state": "up"})));
    assert_eq!(store.load_registered().await.expect("read"), Loaded::Kept(json!({"instance": "i-1"})));
    let names = ["intent.json", "lock", "receipts", "registered.json"];
    assert_eq!(place.names(&place.state()), names, "nothing left over");
    assert_eq!(place.names(&place.runtime()), ["verdict.json"]);
    for _ in 0..2 {
        store.drop_verdict().await.expect("removed, or not there");
        assert!(place.names(&place.runtime()).is_empty());
    }
    assert_eq!(store.load_verdict::<Value>().await.expect("looked"), Loaded::Nothing);
}

#[tokio::test]
async fn a_request_is_done_though_nobody_waits_for_it() {
    let place = Place::new();
    let store = place.open();
    drop(store.keep_intent(b"1".to_vec()));
    // The thread takes one after the other: this one is answered after that one is done.
    assert_eq!(store.load_intent().await.expect("read"), Loaded::Kept(1));
}

#[tokio::test]
async fn a_file_that_cannot_be_understood_is_set_aside() {
    let place = Place::new();
    let store = place.open();
    for (content, because) in [("[1,", "EOF"), ("\"a word\"", "invalid type"), ("", "EOF")] {
        std::fs::write(place.state().join("intent.json"), content).expect("written");
        let Loaded::SetAside { path, why } = store.load_intent::<Vec<u32>>().await.expect("looked") else {
            panic!("{content} was understood");
        };
        assert!(why.contains(because), "{why}");
        assert_eq!(std::fs::read_to_string(path).expect("still there"), content);
        assert_eq!(store.load_intent::<Vec<u32>>().await.expect("looked"), Loaded::Nothing);
    }
    std::fs::write(place.runtime().join("verdict.json"), vec![b' '; 2 << 20]).expect("written");
    assert!(matches!(store.load_verdict::<u32>().await, Ok(Loaded::SetAside { .. })), "far too long");
}

#[test]
fn one_agent_at_a_time() {
    let place = Place::new();
    let _first = place.open();
    let error = Store::open(&place.state(), &place.runtime()).expect_err("two agents").to_string();
    assert!(error.contains(&format!("another agent (pid {})", std::process::id())), "{error}");
    assert!(error.contains("stop it"), "{error}");
}

#[tokio::test]
async fn what_a_crash_left_unfinished_is_cleared_away() {
    let place = Place::new();
    drop(place.open());
    let left = place.state().join("receipts/.unfinished-a1b2c3");
    std::fs::write(&left, "half").expect("written");
    let store = place.reopen();
    assert!(!left.exists());
    assert_eq!(store.receipts().await.expect("listed"), [""; 0]);
}

#[tokio::test]
async fn the_newest_hundred_receipts_are_kept() {
    let place = Place::new();
    let store = place.open();
    for day in 0..103 {
        store.write_receipt(&format!("20260101T000{day:03}-operator"), b"{}".to_vec()).await.expect("written");
    }
    store.write_receipt("20260101T000102-operator", b"{\"again\":1}".to_vec()).await.expect("written anew");
    let ids = store.receipts().await.expect("listed");
    assert_eq!(ids.len(), 100);
    assert_eq!(ids.first().map(String::as_str), Some("20260101T000102-operator"));
    assert_eq!(ids.last().map(String::as_str), Some("20260101T000003-operator"));
    let newest = store.receipt("20260101T000102-operator").await.expect("read");
    assert_eq!(newest.as_deref(), Some(&b"{\"again\":1}"[..]));
    assert_eq!(store.receipt("20260101T000000-operator").await.expect("looked"), None);
}

#[tokio::test]
async fn a_name_cannot_lead_out_of_the_directory() {
    let place = Place::new();
    let store = place.open();
    store.keep_intent(b"1".to_vec()).await.expect("kept");
    let long = "a".repeat(101);
    for id in ["../intent", "/etc/passwd", "", ".", "..", ".hidden", "a/b", "a\0b", "a b", "ä", &long] {
        assert!(matches!(store.receipt(id).await, Err(StoreError::Name(_))), "{id:?} was read");
        let written = store.write_receipt(id, b"2".to_vec()).await;
        assert!(matches!(written, Err(StoreError::Name(_))), "{id:?} was written");
    }
    assert_eq!(store.load_intent().await.expect("read"), Loaded::Kept(1));
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let place = Place::new();
    let file = place.root.path().join("file");
    std::fs::write(&file, "").expect("written");
    for state in [file.clone(), file.join("below"), place.root.path().join("missing/state")] {
        let error = Store::open(&state, &place.runtime()).expect_err("unusable").to_string();
        assert!(error.contains(&state.display().to_string()), "{error}");
    }
    assert!(Store::open(&place.state(), &file).is_err());
}

#[tokio::test]
async fn a_disk_that_refuses_fails_the_request_and_leaves_the_old_file() {
    let place = Place::new();
    let store = place.open();
    store.keep_verdict(b"1".to_vec()).await.expect("kept");
    let moved = place.root.path().join("moved");
    std::fs::rename(place.runtime(), &moved).expect("moved");
    let error = store.keep_verdict(b"2".to_vec()).await.expect_err("no directory");
    assert!(error.to_string().contains("verdict.json"), "{error}");
    std::fs::rename(&moved, place.runtime()).expect("moved back");
    assert_eq!(store.load_verdict().await.expect("read"), Loaded::Kept(1));
}

#[tokio::test]
async fn without_a_store_nothing_is_found_and_writing_says_so() {
    let store = Store::none();
    assert!(matches!(store.keep_intent(Vec::new()).await, Err(StoreError::Absent)));
    assert_eq!(store.load_verdict::<Value>().await.expect("nothing"), Loaded::Nothing);
    assert_eq!(store.receipts().await.expect("nothing"), [""; 0]);
    assert_eq!(store.receipt("any").await.expect("nothing"), None);
    assert_eq!(store.dropped(), 0);
}

#[tokio::test]
async fn a_hanging_disk_fills_the_queue_and_the_rest_is_dropped_and_counted() {
    let place = Place::new();
    let store = place.open();
    let (let_go, hang) = std::sync::mpsc::sync_channel::<()>(1);
    let (begun, begins) = std::sync::mpsc::sync_channel::<()>(1);
    let hanging = store.ask(move |_| {
        begun.send(()).expect("told");
        // Ends when the test lets go.
        let _ = hang.recv();
        Ok(())
    });
    begins.recv().expect("the thread hangs");
    let waiting: Vec<_> = (0..QUEUE_LENGTH).map(|_| store.keep_verdict(b"1".to_vec())).collect();
    assert!(matches!(store.keep_verdict(b"2".to_vec()).await, Err(StoreError::Busy)));
    assert!(matches!(store.receipts().await, Err(StoreError::Busy)));
    assert_eq!(store.dropped(), 2);
    drop(let_go);
    hanging.await.expect("went on");
    for answer in waiting {
        answer.await.expect("kept in the end");
    }
}

#[tokio::test]
async fn kept_files_are_for_the_agent_alone() {
    let place = Place::new();
    let store = place.open();
    store.keep_intent(b"1".to_vec()).await.expect("kept");
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&place.state().join("intent.json")), 0o600);
    assert_eq!(mode(&place.state()), 0o750);
}
