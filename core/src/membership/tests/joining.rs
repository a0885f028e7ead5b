//! When the operator's own commands run: once for each joining, before the first registration and after AWS has
//! accepted, whatever the groups do by themselves.

use super::*;
use crate::contract::HookView;
use std::mem::take;

fn command(name: &str) -> Vec<Vec<String>> {
    vec![vec![format!("/usr/local/bin/{name}"), "--quiet".into()]]
}

/// With commands of both kinds.
fn hooked(names: &[&str]) -> Stand {
    let mut stand = Stand::new(MembershipPolicy { repair: true, ..configured(names) });
    stand.hooks = HookPolicy { pre_register: command("warm"), post_register: command("tell"), ..HookPolicy::default() };
    stand
}

fn runs(call: &Call) -> bool {
    matches!(call, Call::RunHook(_))
}

/// What was run and changed since the last time.
fn deeds(stand: &mut Stand) -> Vec<&'static str> {
    let deed = |call: &Call| {
        if let Call::RunHook(run) = call {
            Some(if run.hook == Hook::PreRegister { "pre" } else { "post" })
        } else if registers(call) {
            Some("in")
        } else {
            deregisters(call).then_some("out")
        }
    };
    take(&mut stand.sent).iter().filter_map(deed).collect()
}

#[test]
fn commands_run_once_before_and_once_after_all_groups_are_joined() {
    let mut stand = hooked(&["a", "b"]).joined();
    let run = stand.sent.iter().find_map(|call| if let Call::RunHook(run) = call { Some(run.clone()) } else { None });
    let run = run.expect("some");
    assert_eq!((run.commands, run.limit, run.instance.as_str()), (command("warm"), Span::secs(30), INSTANCE));
    assert_eq!((run.target_groups, run.reason.as_str()), (vec![arn("a"), arn("b")], "first up"));
    assert_eq!(deeds(&mut stand), ["pre", "in", "in", "post"]);
    stand.pass(HOUR);
    assert_eq!(deeds(&mut stand), [""; 0], "a look changes nothing");
}

#[test]
fn nothing_is_registered_before_the_commands_have_ended_or_their_time_is_over() {
    for failed in [None, Some("it exited with 3")] {
        let mut stand = hooked(&["a"]);
        stand.aws.hook = failed.map_or(Ok(()), |why| Err(why.into()));
        stand.mute = if failed.is_some() { |_| false } else { runs };
        (stand.wish, stand.refusing) = (Wish::Join, None);
        stand.until_open(runs);
        let begun = stand.desk.now();
        let seen =
            HookView { hook: Hook::PreRegister, commands: 1, since: begun, until: begun + Span::secs(30), waits: true };
        assert_eq!(stand.room.hook_view(), Some(seen), "people see what it waits for");
        stand.pass(Span::secs(34));
        assert_eq!(stand.count(registers), usize::from(failed.is_some()), "{failed:?}");
        stand.until_open(if failed.is_some() { looks } else { registers });
        assert!(stand.desk.now().since(begun) <= Span::secs(70), "kept out for ever");
        let told = format!("pre_register: {}", failed.unwrap_or("no answer"));
        assert!(stand.findings().iter().any(|(word, text)| *word == Finding::HookFailed && text.starts_with(&told)));
    }
}

/// After a drain, a crash ejection and what somebody else took out; not for one group of two, nor for a registration
/// that AWS does not show yet, nor after a restart of the agent.
#[test]
fn each_joining_runs_them_once_more_and_nothing_else_does() {
    let mut stand = hooked(&["a", "b"]).joined();
    deeds(&mut stand);
    stand.leave();
    stand.pass(MINUTE + MINUTE);
    stand.resume();
    stand.pass(MINUTE);
    assert_eq!(deeds(&mut stand), ["out", "out", "pre", "in", "in", "post"]);
    stand.pass(HOUR);
    stand.aws.states.insert(arn("a"), TargetState::Absent);
    stand.pass(MINUTE + MINUTE + MINUTE);
    assert_eq!(deeds(&mut stand), ["in"], "it was in the other group all the time");
    let mut alone = hooked(&["a"]).joined();
    deeds(&mut alone);
    alone.aws.states.insert(arn("a"), TargetState::Absent);
    alone.pass(MINUTE + MINUTE + MINUTE);
    assert_eq!(deeds(&mut alone), ["pre", "in", "post"]);
    let mut next = hooked(&["a"]);
    next.aws.states.insert(arn("a"), TargetState::Healthy);
    next.room.restore(Some(registered("a", INSTANCE)));
    let mut next = next.joined();
    assert_eq!(deeds(&mut next), [""; 0], "it was in already");
}

/// A leaving node runs none; and commands that are still under way from before are not run beside themselves.
#[test]
fn a_leaving_node_runs_no_commands_and_never_two_at_a_time() {
    let mut stand = hooked(&["a"]);
    stand.hooks.timeout = HOUR;
    stand.mute = runs;
    (stand.wish, stand.refusing) = (Wish::Join, None);
    stand.until_open(runs);
    stand.leave();
    stand.pass(MINUTE + MINUTE);
    stand.resume();
    stand.pass(MINUTE + MINUTE);
    assert_eq!((stand.count(runs), stand.count(registers)), (1, 0));
    stand.mute = |_| false;
    stand.pass(MINUTE);
    assert_eq!(deeds(&mut stand).iter().filter(|deed| **deed == "pre").count(), 2, "the joining anew has its own");
    assert_eq!(stand.members(), [arn("a")]);
}

/// A group that refuses for good does not keep the rest waiting for ever.
#[test]
fn a_group_that_refuses_delays_the_last_commands_for_a_minute() {
    let mut stand = hooked(&["a", "b"]);
    stand.aws.changes.insert("b".into(), TroubleKind::Denied);
    let mut stand = stand.joined();
    let post = |call: &Call| matches!(call, Call::RunHook(run) if run.hook == Hook::PostRegister);
    let found = stand.sent.iter().find(|call| post(call)).cloned();
    let Some(Call::RunHook(run)) = found else { panic!("never: {:?}", deeds(&mut stand)) };
    assert_eq!(run.target_groups, [arn("a")]);
    stand.pass(HOUR);
    assert_eq!(stand.count(post), 1);
}

#[test]
fn a_dry_run_says_which_commands_it_would_run() {
    let mut stand = hooked(&["a"]);
    stand.dry_run = true;
    let mut stand = stand.joined();
    stand.pass(HOUR);
    assert_eq!(stand.told("dry run: would run 1 command (pre_register)"), 1, "{:?}", stand.told);
    assert_eq!(stand.told("dry run: would run 1 command (post_register)"), 1);
    assert_eq!((stand.told("dry run: would register"), stand.count(runs)), (1, 0));
}

#[test]
fn one_kind_of_commands_needs_no_other() {
    for (hooks, wanted) in [
        (HookPolicy { pre_register: command("warm"), ..HookPolicy::default() }, vec!["pre", "in"]),
        (HookPolicy { post_register: command("tell"), ..HookPolicy::default() }, vec!["in", "post"]),
        (HookPolicy::default(), vec!["in"]),
    ] {
        let mut stand = Stand::new(configured(&["a"]));
        stand.hooks = hooks;
        assert_eq!(deeds(&mut stand.joined()), wanted);
    }
}
