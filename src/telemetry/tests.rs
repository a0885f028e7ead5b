//! Lines, levels, floods and broken pipes: what becomes of what is logged.

use super::*;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

const PATIENCE: Duration = Duration::from_secs(20);

/// A reader that keeps what was written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("kept").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("kept").clone()).expect("text")
    }
}

/// What is written when this is said in this style at this level.
fn logged(style: Style, level: LevelFilter, say: impl FnOnce()) -> String {
    let (kept, clock) = (Kept::default(), Clock::manual());
    let lines = Lines::start(kept.clone(), |_| String::new()).expect("a thread");
    tracing::dispatcher::with_default(&dispatch(style, level, lines.clone(), &clock), say);
    lines.flush(PATIENCE);
    kept.text()
}

fn transition() {
    tracing::info!(event = "transition", old = "up", evidence = "web timed out", times = 3, "up -> down");
}

#[test]
fn a_person_reads_time_level_message_and_fields() {
    let said = logged(Style::Human { coloured: false }, LevelFilter::INFO, transition);
    let wanted = "2026-01-01T00:00:00.000Z info    up -> down old=up evidence=\"web timed out\" times=3\n";
    assert_eq!(said, wanted);
}

#[test]
fn colour_repeats_the_level() {
    let said = logged(Style::Human { coloured: true }, LevelFilter::INFO, || tracing::warn!("late"));
    assert_eq!(said, "2026-01-01T00:00:00.000Z \x1b[33mwarning\x1b[0m late\n");
}

#[test]
fn the_journal_gets_the_priority_and_no_time() {
    let said = logged(Style::Journal, LevelFilter::TRACE, || {
        tracing::error!("one");
        tracing::warn!("two");
        transition();
        tracing::debug!("four");
    });
    let wanted = "<3>one\n<4>two\n<6>up -> down old=up evidence=\"web timed out\" times=3\n<7>four\n";
    assert_eq!(said, wanted);
}

#[test]
fn programs_read_flat_json_with_the_event() {
    let said = logged(Style::Json, LevelFilter::INFO, || {
        transition();
        tracing::info!(event = "aws-call", target = "i-0a1b2c3d:4440", result = "ok", "register");
    });
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let wanted = serde_json::json!([
        {"timestamp": "2026-01-01T00:00:00.000Z", "level": "INFO", "message": "up -> down", "event": "transition",
         "old": "up", "evidence": "web timed out", "times": 3},
        {"timestamp": "2026-01-01T00:00:00.000Z", "level": "INFO", "message": "register", "event": "aws-call",
         "target": "i-0a1b2c3d:4440", "result": "ok"},
    ]);
    assert_eq!(serde_json::Value::from(lines), wanted);
}

#[test]
fn nothing_from_outside_makes_a_line_of_its_own() {
    let said = logged(Style::Journal, LevelFilter::INFO, || {
        tracing::info!(body = "a\n<2>forged \"b\"", reason = %"x\x1b[2J", empty = "", "first\r\nsecond");
    });
    let wanted = "<6>first\\r\\nsecond body=\"a\\n<2>forged \\\"b\\\"\" reason=x\\u{1b}[2J empty=\"\"\n";
    assert_eq!(said, wanted);
}

#[test]
fn other_crates_warn_at_most_and_ours_speak_at_the_level() {
    let say = || {
        tracing::info!(target: "hyper::proto", "chatter");
        tracing::warn!(target: "aws_config", "worth knowing");
        tracing::debug!("detail");
        tracing::info!("told");
    };
    assert_eq!(logged(Style::Journal, LevelFilter::INFO, say), "<4>worth knowing\n<6>told\n");
    assert_eq!(logged(Style::Journal, LevelFilter::ERROR, say), "");
    assert_eq!(logged(Style::Journal, LevelFilter::OFF, || tracing::error!("no")), "");
}

#[test]
fn the_style_follows_the_surroundings() {
    let around = |journal, terminal, no_color| Surroundings { journal, terminal, no_color };
    let human = |coloured| Style::Human { coloured };
    assert_eq!(choose(Format::Auto, true, &around(true, false, false)), Style::Journal);
    assert_eq!(choose(Format::Auto, true, &around(false, true, false)), human(true));
    assert_eq!(choose(Format::Auto, false, &around(false, true, false)), human(false), "--no-color");
    assert_eq!(choose(Format::Auto, true, &around(false, true, true)), human(false), "NO_COLOR");
    assert_eq!(choose(Format::Auto, true, &around(false, false, false)), human(false), "a file");
    assert_eq!(choose(Format::Human, true, &around(true, false, false)), human(false));
    assert_eq!(choose(Format::Json, true, &around(true, true, false)), Style::Json);
    assert_eq!(choose(Format::Journal, true, &around(false, true, false)), Style::Journal);
}

#[test]
fn only_the_stream_that_standard_error_is_counts_as_the_journal() {
    let stderr = rustix::fs::fstat(io::stderr()).expect("stderr");
    assert!(is_journal(Some(&format!("{}:{}", stderr.st_dev, stderr.st_ino))));
    assert!(!is_journal(Some(&format!("{}:{}", stderr.st_dev, stderr.st_ino + 1))), "an inherited variable");
    assert!(!is_journal(Some("")) && !is_journal(None));
}

/// A reader that hangs until it is let go, and tells when it began to.
struct Hanging {
    begun: SyncSender<()>,
    let_go: Receiver<()>,
    kept: Kept,
}

impl Write for Hanging {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Both fail once the test has let go: then it hangs no more.
        let _ = self.begun.send(());
        let _ = self.let_go.recv();
        self.kept.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_hangs_costs_lines_which_are_counted_and_told() {
    let ((begun, begins), (let_go, wait), kept) = (sync_channel(16), sync_channel::<()>(1), Kept::default());
    let out = Hanging { begun, let_go: wait, kept: kept.clone() };
    let lines = Lines::start(out, |dropped| format!("dropped {dropped}\n")).expect("a thread");
    (&lines).write_all(b"first\n").expect("queued");
    begins.recv().expect("the thread hangs");
    for _ in 0..600 {
        (&lines).write_all(b"more\n").expect("never an error");
    }
    lines.flush(Duration::from_millis(1)); // gives up
    assert_eq!(lines.dropped(), 600 - 512);
    drop((let_go, begins));
    lines.flush(PATIENCE);
    let text = kept.text();
    assert!(text.starts_with("first\ndropped 88\nmore\n"), "{}", &text[..40]);
    assert_eq!(text.lines().count(), 514);
}

#[test]
fn a_reader_that_has_gone_is_counted_and_harmless() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let lines = Lines::start(writer, |_| String::new()).expect("a thread");
    for _ in 0..3 {
        (&lines).write_all(b"nobody reads this\n").expect("never an error");
    }
    lines.flush(PATIENCE);
    assert_eq!((lines.failed(), lines.dropped()), (3, 0));
}

#[test]
fn a_line_that_is_far_too_long_is_dropped() {
    let kept = Kept::default();
    let lines = Lines::start(kept.clone(), |_| String::new()).expect("a thread");
    (&lines).write_all(&vec![b'x'; 70_000]).expect("never an error");
    (&lines).write_all(b"short\n").expect("queued");
    lines.flush(PATIENCE);
    assert_eq!((kept.text().as_str(), lines.dropped()), ("short\n", 1));
}

#[test]
fn the_notice_of_dropped_lines_has_the_style_of_the_others() {
    let clock = Clock::manual();
    let json = text::dropped_line(Style::Json, &clock, 7);
    let object: serde_json::Value = serde_json::from_str(&json).expect("an object");
    assert_eq!(object["dropped"], 7);
    assert!(text::dropped_line(Style::Journal, &clock, 7).starts_with("<4>log lines dropped"));
    assert!(text::dropped_line(Style::Human { coloured: false }, &clock, 7).ends_with(" dropped=7\n"));
}

/// Set in the child process: where it should panic, or what it should log.
const IN_CHILD: &str = "RDALB_TEST_TELEMETRY";

/// Runs one of these tests in a process of its own, with standard error in a pipe.
fn child(test: &str, what: &str) -> std::process::Output {
    Command::new(std::env::current_exe().expect("this test's file"))
        .args(["--exact", &format!("telemetry::tests::{test}"), "--nocapture"])
        .env(IN_CHILD, what)
        .env_remove("JOURNAL_STREAM")
        .output()
        .expect("a child")
}

#[test]
fn a_panic_on_any_thread_aborts_the_process_with_its_message() {
    if let Ok(place) = std::env::var(IN_CHILD) {
        panic_hook();
        if place == "here" {
            panic!("by intention {place}");
        }
        // A panic that is caught by its thread's handle is one all the same.
        let thread = std::thread::Builder::new().name(place.clone());
        let _ = thread.spawn(move || panic!("by intention {place}")).expect("a thread").join();
        return;
    }
    for place in ["here", "there"] {
        let run = child("a_panic_on_any_thread_aborts_the_process_with_its_message", place);
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.signal(), Some(6), "SIGABRT: {:?} {said}", run.status);
        assert!(said.contains(&format!("by intention {place}")) && said.contains("telemetry/tests.rs:"), "{said}");
        assert!(place == "here" || said.contains("(thread there)"), "{said}");
    }
}

#[test]
fn logging_starts_once_and_reaches_standard_error() {
    if std::env::var(IN_CHILD).is_ok() {
        let settings = Settings { format: Format::Auto, level: LevelFilter::INFO, colour: true };
        let telemetry = init(settings, &Clock::manual()).expect("logging");
        tracing::info!(event = "started", "started");
        telemetry.flush();
        assert!(matches!(init(settings, &Clock::manual()), Err(InitError::Twice(_))));
        assert_eq!((telemetry.dropped(), telemetry.failed()), (0, 0));
        return;
    }
    let run = child("logging_starts_once_and_reaches_standard_error", "log");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("2026-01-01T00:00:00.000Z info    started\n"), "{said}");
}
