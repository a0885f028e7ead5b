//! The machine under Rundeck, through the whole agent: its file systems, held against marks that no used disk can meet.

use crate::support::{Config, Rundeck, TestAgent, until};

/// An agent that judges a look at once. Of the folder only its file system matters.
async fn agent(rundeck: &Rundeck, folder: &tempfile::TempDir, marks: [(&str, &str); 2]) -> TestAgent {
    let mut config = Config::new(rundeck.addr);
    config.env.push(("RUNDECK_ALB_AGENT__HEALTH__FALL".into(), "1".into()));
    config.env.push(("RUNDECK_ALB_AGENT__HEALTH__DISK__PATHS".into(), folder.path().display().to_string()));
    for (key, mark) in marks {
        config.env.push((format!("RUNDECK_ALB_AGENT__HEALTH__DISK__{key}"), mark.into()));
    }
    TestAgent::start(&config).await
}

#[tokio::test]
async fn a_file_system_below_the_first_mark_degrades_the_node_and_is_named() {
    let (rundeck, folder) = (Rundeck::ready().await, tempfile::tempdir().expect("a folder"));
    let agent = agent(&rundeck, &folder, [("DEGRADED_BELOW", "99.9%"), ("DOWN_BELOW", "0%")]).await;
    agent.says("200 ok").await;
    let place = folder.path().display().to_string();
    until("the flag and the finding", async || {
        let status = agent.status().await;
        let finding = status["findings"].as_array().into_iter().flatten().find(|f| f["finding"] == "disk-low");
        status["health"]["degraded"].to_string().contains("\"disk\"")
            && finding.is_some_and(|finding| finding["text"].to_string().contains(&place))
    })
    .await;
    agent.says("200 ok").await;
}

#[tokio::test]
async fn a_file_system_below_the_floor_takes_the_node_out() {
    let (rundeck, folder) = (Rundeck::ready().await, tempfile::tempdir().expect("a folder"));
    let agent = agent(&rundeck, &folder, [("DEGRADED_BELOW", "99.9%"), ("DOWN_BELOW", "99.8%")]).await;
    agent.says("503 down: disk").await;
}
