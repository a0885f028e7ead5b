//! A target that somebody else took out: told, left alone, put back or not; and whose absence is nobody else's doing.

use super::*;

const TAKEN: Finding = Finding::TakenOut;
/// The deregistration delay of these groups.
const DELAY: Span = Span::secs(60);

/// Named, joined and seen in, with looks so rare that each is one that the test waits for.
fn inside(repair: bool, names: &[&str]) -> Stand {
    let stand = Stand::new(MembershipPolicy { repair, ..configured(names) }).joined();
    assert_eq!(stand.members().len(), names.len());
    stand
}

fn is_told(stand: &Stand) -> bool {
    stand.findings().iter().any(|(finding, _)| *finding == TAKEN)
}

/// Somebody takes it out, and the room has seen it.
fn taken_out(stand: &mut Stand, name: &str) -> Moment {
    stand.aws.states.insert(arn(name), TargetState::Leaving);
    let end = stand.desk.now() + HOUR;
    while !is_told(stand) {
        assert!(stand.desk.now() < end, "never told");
        stand.turn(end);
    }
    stand.desk.now()
}

#[test]
fn what_somebody_takes_out_is_told_left_alone_for_one_delay_and_put_back() {
    let mut stand = inside(true, &["a"]);
    let seen = taken_out(&mut stand, "a");
    let text = stand.findings().remove(0).1;
    assert!(
        text.starts_with("somebody else took i-0123456789abcdef0:4440 out of a: it is put back 60 s later"),
        "{text}"
    );
    stand.aws.states.insert(arn("a"), TargetState::Absent);
    stand.pass((seen + DELAY - Span::secs(1)).since(stand.desk.now()));
    assert_eq!((stand.count(registers), stand.kept()), (1, vec![]), "left alone");
    stand.pass(Span::secs(2));
    assert_eq!(stand.count(registers), 2);
    stand.pass(MINUTE);
    assert_eq!((stand.members(), is_told(&stand)), (vec![arn("a").as_str()], false));
}

#[test]
fn without_repair_it_stays_out_until_an_order_or_the_next_start() {
    let mut stand = inside(false, &["a"]);
    taken_out(&mut stand, "a");
    stand.aws.states.insert(arn("a"), TargetState::Absent);
    stand.pass(HOUR);
    assert_eq!(stand.count(registers), 1);
    assert!(stand.room.put_back(&mut stand.desk) && !stand.room.put_back(&mut stand.desk), "once");
    stand.pass(Span::secs(10));
    assert_eq!((stand.count(registers), is_told(&stand)), (2, false));
    let mut next = Stand::new(MembershipPolicy { repair: false, ..configured(&["a"]) });
    next.room.restore(Some(registered("a", INSTANCE)));
    assert_eq!(next.joined().count(registers), 1, "a run that begins puts it back");
}

/// Whoever took it out may put it back himself, while it is left alone or as that is over: nothing is registered then.
#[test]
fn what_is_put_back_by_others_is_not_registered_once_more() {
    for late in [false, true] {
        let mut stand = inside(true, &["a"]);
        let seen = taken_out(&mut stand, "a");
        stand.aws.states.insert(arn("a"), TargetState::Absent);
        let wait = if late { DELAY - Span::secs(1) } else { Span::secs(5) };
        stand.pass((seen + wait).since(stand.desk.now()));
        stand.aws.states.insert(arn("a"), TargetState::Healthy);
        stand.pass(HOUR);
        assert_eq!((stand.count(registers), is_told(&stand)), (1, false), "late: {late}");
    }
}

/// A target that was never in is nobody's doing, nor one that this node took out: by a drain that is taken back, though
/// AWS's answer was lost.
#[test]
fn what_this_node_took_out_itself_comes_back_at_once() {
    for lost in [false, true] {
        let mut stand = inside(true, &["a"]);
        stand.mute = if lost { deregisters } else { |_| false };
        stand.leave();
        stand.until_open(if lost { deregisters } else { looks });
        // It is done, and nobody hears of it.
        stand.aws.states.insert(arn("a"), TargetState::Leaving);
        stand.pass(Span::secs(30));
        stand.resume();
        stand.mute = |_| false;
        stand.pass(Span::secs(10));
        assert_eq!((stand.count(registers), stand.told("somebody else")), (2, 0), "lost: {lost}");
    }
}

/// A registration that AWS had accepted and does not show is made once more, at once: AWS is eventually consistent. The
/// next that does not show was undone by somebody.
#[test]
fn a_registration_that_does_not_show_is_made_once_more_and_no_oftener() {
    let mut stand = Stand::new(configured(&["a"]));
    (stand.wish, stand.refusing) = (Wish::Join, None);
    for wanted in [1, 2] {
        stand.until_open(registers);
        stand.pass(Span(10));
        stand.aws.states.insert(arn("a"), TargetState::Absent);
        assert_eq!((stand.count(registers), is_told(&stand)), (wanted, false));
    }
    stand.pass(Span::secs(30));
    assert_eq!((stand.count(registers), is_told(&stand)), (2, true));
}

/// Two that undo each other's work, as two agents with one instance id do, do so no oftener than once in one delay, and
/// never faster than each quarter of a minute.
#[test]
fn whoever_takes_it_out_again_and_again_is_fought_once_in_a_delay() {
    let mut stand = inside(true, &["a"]);
    let begun = stand.desk.now();
    while stand.desk.now().since(begun) < HOUR {
        stand.turn(begun + HOUR);
        if stand.members().len() == 1 {
            stand.aws.states.insert(arn("a"), TargetState::Absent);
        }
    }
    // One registration that does not show is made twice.
    assert!((30..=125).contains(&stand.count(registers)), "{} registrations in an hour", stand.count(registers));
}

/// A node that is down, or that only observes the group, is not told of somebody at work; and one that comes up is in
/// at once.
#[test]
fn only_a_node_that_was_up_was_taken_out_by_somebody() {
    let mut stand = inside(true, &["a"]);
    (stand.wish, stand.refusing) = (Wish::Hold, Some(stand.desk.now()));
    stand.pass(MINUTE + MINUTE);
    stand.aws.states.insert(arn("a"), TargetState::Absent);
    stand.pass(MINUTE + MINUTE);
    (stand.wish, stand.refusing) = (Wish::Join, None);
    stand.pass(Span::secs(5));
    assert_eq!((stand.count(registers), stand.told("somebody else")), (2, 0));
    let mut observed = inside(true, &["a"]);
    observed.attached.insert(arn("a"));
    observed.aws.states.insert(arn("a"), TargetState::Absent);
    observed.pass(HOUR);
    assert_eq!((observed.count(registers), observed.told("somebody else")), (1, 0));
}

/// An order to resume brings back what was taken out; the drain of a Rundeck that has started again does not.
#[test]
fn a_drain_for_another_reason_puts_nothing_back() {
    let mut stand = inside(false, &["a"]);
    taken_out(&mut stand, "a");
    stand.aws.states.insert(arn("a"), TargetState::Absent);
    stand.leave();
    stand.pass(MINUTE + MINUTE);
    stand.resume();
    stand.pass(HOUR);
    assert_eq!((stand.count(registers), is_told(&stand)), (1, true));
}

#[test]
fn what_is_named_no_more_was_taken_out_by_nobody() {
    let mut stand = Stand::tagged("a b").joined();
    taken_out(&mut stand, "a");
    stand.tag("b");
    stand.pass(MINUTE + MINUTE + MINUTE);
    assert_eq!((stand.members(), is_told(&stand)), (vec![arn("b").as_str()], false));
}

/// The turn in which the delay of a leaving node's target is over leaves nothing for the next one to decide.
#[test]
fn a_delay_that_ends_in_a_drain_is_over_in_one_turn() {
    let mut stand = inside(true, &["a"]);
    let seen = taken_out(&mut stand, "a");
    stand.aws.states.insert(arn("a"), TargetState::Absent);
    stand.leave();
    stand.pass((seen + DELAY - Span(1)).since(stand.desk.now()));
    assert!(is_told(&stand));
    stand.pass(Span(1));
    assert!(!is_told(&stand), "{:?}", stand.findings());
}
