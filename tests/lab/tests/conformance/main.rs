//! The conformance report held against nodes that are the stand-in: no differences, and exactly the one that was put
//! in.

use rundeck_alb_lab::conformance::{Address, Options, Report, Trust, run};
use rundeck_alb_lab::rundeck::{Certificate, Config, Fault, Life, Mode, Rundeck, Scope, Token, Version};

const TOKEN: &str = "conformance-secret";

async fn node(version: Version, tweak: fn(&mut Config)) -> Rundeck {
    let mut config = Config::new(version, TOKEN);
    tweak(&mut config);
    let node = Rundeck::start(config).expect("a free port");
    node.reach(Life::Ready).await;
    node
}

async fn report(node: &Rundeck, switch_mode: bool) -> Report {
    let address = Address::parse(&node.url(), None, Trust::Nothing).expect("an address");
    run(&Options { address, token: TOKEN.into(), switch_mode }).await.expect("a report")
}

fn different(report: &Report) -> Vec<String> {
    report.different().flat_map(|one| one.differences.iter().map(|text| format!("{}: {text}", one.row))).collect()
}

#[tokio::test]
async fn every_version_conforms_to_itself_in_every_setting() {
    let settings: [fn(&mut Config); 7] = [
        |_| {},
        |config| config.switches.actuator = true,
        |config| config.switches.health = false,
        |config| *config = config.clone().in_docker(),
        |config| config.context_path = "/rundeck".into(),
        |config| config.mode = Mode::Passive,
        |config| config.projects.clear(),
    ];
    for version in Version::ALL {
        for tweak in settings {
            let node = node(version, tweak).await;
            let before = node.state().mode();
            let report = report(&node, true).await;
            assert_eq!(different(&report), [""; 0], "{version}");
            assert_eq!(node.state().mode(), before, "the mode is as it was");
            assert!(report.outcomes.len() > 30);
        }
    }
}

#[tokio::test]
async fn a_token_without_rights_is_a_setting_from_4_4_on() {
    let node = node(Version::V5_20, |config| config.tokens = vec![Token::file(TOKEN).without_rights()]).await;
    assert_eq!(different(&report(&node, false).await), [""; 0]);
}

#[tokio::test]
async fn one_broken_answer_is_exactly_one_difference() {
    for (fault, scope, wanted) in [
        (Fault::OtherBody, Scope::Health, "3    GET /health: body: expected \"ok\", seen \"maintenance\""),
        (Fault::Truncated, Scope::Health, "3    GET /health: no whole answer"),
    ] {
        let node = node(Version::V6_1, |_| {}).await;
        let address = Address::parse(&node.url(), None, Trust::Nothing).expect("an address");
        let options = Options { address, token: TOKEN.into(), switch_mode: false };
        node.state().fault(fault, scope);
        match run(&options).await {
            Ok(report) => assert_eq!(different(&report), [wanted]),
            // What cannot be learned cannot be compared.
            Err(problem) => assert!(fault == Fault::Truncated, "{problem}"),
        }
    }
    let node = node(Version::V4_17, |_| {}).await;
    node.state().fault(Fault::StatsNull, Scope::All);
    let found = different(&report(&node, false).await);
    assert!(!found.is_empty() && found.iter().all(|line| line.contains("system.stats")), "{found:#?}");
}

#[tokio::test]
async fn nothing_is_switched_without_leave_and_nothing_secret_is_told() {
    let node = node(Version::V5_20, |_| {}).await;
    let report = report(&node, false).await;
    let text = report.to_string();
    assert!(!text.contains(TOKEN) && !text.contains("127.0.0.1"), "{text}");
    assert!(text.contains("Rundeck 5.20.1 (API 58)") && text.contains("0 different"), "{text}");
    assert!(!text.contains("POST"), "{text}");
    assert_eq!(node.state().mode(), Mode::Active);
}

#[tokio::test]
async fn tls_is_asked_with_a_file_or_without_belief() {
    let tls: fn(&mut Config) = |config| config.tls = Some(Certificate::WithoutNames);
    let node = node(Version::V5_20, tls).await;
    let ask = |trust| {
        let address = Address::parse(&node.url(), None, trust).expect("an address");
        let options = Options { address, token: TOKEN.into(), switch_mode: false };
        async move { run(&options).await }
    };
    let refused = ask(Trust::Roots(Certificate::WithoutNames.pem().to_vec())).await.expect_err("no names in it");
    assert!(refused.to_string().contains("--insecure"), "{refused}");
    assert_eq!(different(&ask(Trust::Anybody).await.expect("a report")), [""; 0]);
    assert!(Address::parse("https://localhost:4443", None, Trust::Nothing).is_err());
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let mut gone = node(Version::V5_20, |_| {}).await;
    let ask = |url: String, token: &str| {
        let address = Address::parse(&url, None, Trust::Nothing).expect("an address");
        let options = Options { address, token: token.into(), switch_mode: false };
        async move { run(&options).await.expect_err("no report").to_string() }
    };
    assert!(ask(gone.url(), "other").await.contains("token"));
    assert!(ask(format!("{}/elsewhere", gone.url()), TOKEN).await.contains("context path"));
    gone.kill().await;
    assert!(ask(gone.url(), TOKEN).await.contains("no connection"));
}
