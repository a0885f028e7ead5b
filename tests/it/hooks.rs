//! The operator's own commands around a registration, by the real program.

use crate::support::{Scene, until};
use rundeck_alb_lab::alb::State;

/// Each command notes what the balancer's record of calls, which is the lab's, cannot know of it.
fn script(mark: &str, file: &std::path::Path) -> String {
    format!(
        "[\"/bin/sh\", \"-c\", 'echo \"{mark} $RDALB_HOOK $RDALB_REASON\" >> \"$0\"; env >> \"$0.env\"', '{}']",
        file.display()
    )
}

#[tokio::test]
async fn the_operators_commands_run_before_and_after_the_registration() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("order");
    // The first holds its hook open for as long as this file is not there.
    let gate = folder.path().join("gate");
    let waits = format!("[\"/bin/sh\", \"-c\", 'until test -e \"$0\"; do :; done', '{}']", gate.display());
    let hooks = format!(
        "[hooks]\npre_register = [{}, {waits}]\npost_register = {}\n",
        script("before", &file),
        script("after", &file)
    );
    let scene = Scene::new(|_| (), |c| c.with(&hooks)).await;
    let order = || std::fs::read_to_string(&file).unwrap_or_default();
    scene.agent.says("200 ok").await;
    until("the first command", async || order() == "before pre_register first up\n").await;
    assert_eq!(scene.registers(), 0, "it waits for the second one");
    let hook = &scene.agent.status().await["hook"];
    let told = (&hook["hook"], &hook["commands"], &hook["waits"]);
    assert_eq!(told, (&"pre_register".into(), &2.into(), &true.into()), "{hook}");
    let (_, text) = scene.agent.command(&["status"]).await;
    assert!(text.contains("pre_register: 2 commands run") && text.contains("the node is registered once"), "{text}");
    std::fs::write(&gate, "").expect("opened");
    until("the last command", async || order().ends_with("after post_register first up\n")).await;
    assert_eq!(scene.registers(), 1);
    until("healthy", async || scene.state() == State::Healthy).await;
    until("nothing to run any more", async || scene.agent.status().await["hook"].is_null()).await;
    let environment = std::fs::read_to_string(folder.path().join("order.env")).expect("told");
    assert!(environment.contains(&format!("RDALB_INSTANCE_ID={}", scene.world.node(0).instance_id)), "{environment}");
    assert!(!environment.contains("AWS_") && !environment.contains("test-token"), "{environment}");
}

#[tokio::test]
async fn a_command_that_fails_is_told_and_keeps_nobody_out() {
    let hooks = "[hooks]\npre_register = [\"/bin/sh\", \"-c\", \"echo no luck; exit 7\"]\n";
    let scene = Scene::new(|_| (), |c| c.with(hooks)).await;
    until("the finding", async || scene.agent.finds("hook-failed").await).await;
    until("healthy", async || scene.state() == State::Healthy).await;
    let findings = scene.agent.status().await["findings"].to_string();
    assert!(findings.contains("pre_register: /bin/sh exited with 7") && !findings.contains("no luck"), "{findings}");
    assert!(scene.agent.log().contains("/bin/sh exited with 7; it said last: no luck"), "{}", scene.agent.log());
}
