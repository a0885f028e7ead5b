//! What the agent makes of every state that a Rundeck can be in: the real client looks at the stand-in, the real heart
//! judges, in virtual time, and `tests/golden/verdicts.txt` tells the verdicts for people.
//!
//! No agent process, no process of Rundeck, no disk and no AWS is here: only what Rundeck itself shows. `BLESS=1`
//! writes the file anew.

mod looks;
mod states;

use looks::Eyes;
use rundeck_alb_core::{
    Call, CallId, Check, Circumstances, Command, Event, Heart, MembershipPolicy, Moment, Policy, ProcessSeen, Reply,
    Snapshot, Span,
};
use rundeck_alb_lab::rundeck::{Rundeck, Version};
use states::{HANGING, SCENES, Scene};

/// So long a state is looked at before its verdict is written down: every check has looked and counted (the slowest
/// asks every 30 s and waits for 40 s), and the boot budget is far from used up.
const LOOK: Span = Span::secs(200);
/// The API is asked so soon: before any other check has failed often enough.
const SOON: Span = Span::secs(1);
/// Turns within that time, far more than there are.
const TURNS: u32 = 5_000;
/// Findings that say only that no AWS is here.
const ABOUT_AWS: [&str; 2] = ["metadata-unreachable", "no-target-group"];
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/verdicts.txt");

/// The defaults, with no question to instance metadata about groups.
fn policy(has_token: bool) -> Policy {
    Policy {
        membership: MembershipPolicy { discover_tag: None, ..MembershipPolicy::default() },
        circumstances: Circumstances { has_token, ..Circumstances::default() },
        ..Policy::default()
    }
}

/// A heart with its eyes on one node, in a time of its own.
struct Watcher {
    heart: Heart,
    eyes: Eyes,
    now: Moment,
    /// Replies under way: when they come, and what they say.
    coming: Vec<(Moment, CallId, Reply)>,
}

impl Watcher {
    fn new(node: &Rundeck, scene: &Scene) -> Watcher {
        let now = Moment(1_000_000);
        let heart = Heart::new(policy(scene.token.is_some()), 7, now);
        Watcher { heart, eyes: Eyes::new(node, scene), now, coming: Vec::new() }
    }

    /// Lets `LOOK` pass.
    async fn watch(&mut self) {
        let end = self.now + LOOK;
        self.feed(Event::Tick).await;
        for _ in 0..TURNS {
            if !self.turn(end).await {
                return;
            }
        }
        panic!("the heart asks too often: {TURNS} turns and only at {:?}", self.now);
    }

    /// Until the API is about to be asked, where it is: what changes then is seen by each check before any takes the
    /// node out.
    async fn until_the_api_is_due(&mut self) {
        let end = self.now + LOOK;
        let due = |snapshot: &Snapshot| {
            let next = |check| snapshot.checks.iter().find(|row| row.check == check).and_then(|row| row.next);
            // Both share a lane: the timed call does not come first.
            let first = |at| next(Check::Database).is_some_and(|other| other > at + SOON);
            next(Check::Api).is_some_and(|at| at.since(snapshot.at) <= SOON && first(at))
        };
        for _ in 0..TURNS {
            if due(&self.heart.snapshot()) || !self.turn(end).await {
                return;
            }
        }
    }

    /// The next thing that happens; false: nothing does before the end.
    async fn turn(&mut self, end: Moment) -> bool {
        let reply = self.coming.iter().map(|(at, ..)| *at).min();
        let due = self.heart.next_deadline();
        let next = [reply, due].into_iter().flatten().min().unwrap_or(end).max(self.now);
        if next > end {
            self.now = end;
            return false;
        }
        self.now = next;
        let event = match self.coming.iter().position(|(at, ..)| *at == next) {
            Some(place) => {
                let (_, id, reply) = self.coming.remove(place);
                Event::Reply(id, reply)
            }
            None => Event::Tick,
        };
        self.feed(event).await;
        true
    }

    async fn feed(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            self.heart.handle(event, self.now);
            for command in self.heart.take_commands() {
                if let Command::Call { id, call, .. } = command
                    && let Some((reply, length)) = self.answer(&call).await
                {
                    self.coming.push((self.now + length, id, reply));
                }
            }
            events.extend(self.eyes.take_noticed());
        }
    }

    /// What is no look at Rundeck is answered as a machine that shows nothing.
    async fn answer(&mut self, call: &Call) -> Option<(Reply, Span)> {
        if let Some(seen) = self.eyes.look(call).await {
            return Some(seen);
        }
        let reply = match call {
            Call::FindProcess { .. } => Reply::Process(ProcessSeen::None),
            Call::LookDisks { .. } => Reply::Disks(Vec::new()),
            Call::LookHost => Reply::Host(None),
            Call::CountInFlight => Reply::InFlight(None),
            Call::AskLifecycle => Reply::Lifecycle(Ok(None)),
            Call::AskTag(_) => Reply::Tag(Ok(None)),
            _ => return None,
        };
        Some((reply, Span(1)))
    }

    fn verdict(&self) -> String {
        let snapshot = self.heart.snapshot();
        let answer = snapshot.answer_at(self.now);
        let degraded: Vec<&str> = snapshot.degraded.iter().map(|word| word.word()).collect();
        let mut findings: Vec<&str> =
            snapshot.findings.iter().map(|one| one.finding.word()).filter(|word| !ABOUT_AWS.contains(word)).collect();
        // Several things may be wrong in one way.
        findings.dedup();
        let verdict =
            format!("{} {}: {}", if answer.ok { 200 } else { 503 }, answer.state.word(), answer.reason.word());
        let or_none = |words: Vec<&str>| if words.is_empty() { "-".to_owned() } else { words.join(" ") };
        format!("{verdict:<34} | {:<18} | {}", or_none(degraded), or_none(findings))
    }
}

async fn judge(scene: &'static Scene, version: Version) -> String {
    let mut node = scene.bring(version).await;
    let mut watcher = Watcher::new(&node, scene);
    watcher.watch().await;
    if let Some(then) = scene.then {
        watcher.until_the_api_is_due().await;
        let asked = node.state().stats().requests;
        then(&node);
        settle(&mut node, scene, asked).await;
        watcher.watch().await;
    }
    let (row, what) = (scene.row, scene.what);
    format!("{:<6} | {row:<9} | {what:<46} | {}", version.release(), watcher.verdict()).trim_end().to_owned()
}

/// What the change sets going in the node has come to its end.
async fn settle(node: &mut Rundeck, scene: &Scene, asked: u64) {
    while scene.row == "i 17" && node.state().stats().requests < asked + HANGING {
        tokio::task::yield_now().await;
    }
    if scene.row == "37" {
        node.gone().await;
    }
    while scene.what == "port refused, process alive" && tokio::net::TcpStream::connect(node.addr()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // The listener sees a fault in its next turn.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_state_of_every_version_has_its_verdict() {
    let mut text = String::from(
        "# What the agent answers in every state of Rundeck (rows of its answer table, `i`: items of the misbehaviour \
         list), once each check\n\
         # has settled. It sees what Rundeck shows on the wire, no process and no disk. \
         BLESS=1 writes this file anew.\n\
         # version | row | state of Rundeck | verdict | degraded | findings\n",
    );
    for scene in SCENES {
        // The versions at the same time: most of a look is waiting.
        let judging = Version::ALL.map(|version| tokio::spawn(judge(scene, version)));
        for line in judging {
            text += &line.await.expect("no panic");
            text.push('\n');
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(GOLDEN, &text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    let differs: Vec<_> = text.lines().zip(golden.lines()).filter(|(now, kept)| now != kept).collect();
    assert!(differs.is_empty(), "differences (now, golden): {differs:#?}; BLESS=1 writes the table anew");
    assert_eq!(text.lines().count(), golden.lines().count(), "BLESS=1 writes the table anew");
}
