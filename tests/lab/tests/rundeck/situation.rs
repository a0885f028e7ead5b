//! Brings a stand-in into a state that the tables know: a version, a stage of life, switches, faults.

use std::time::Duration;

use rundeck_alb_lab::rundeck::{Bootstrap, Config, Life, Phases, Rundeck, State, Token, Version};

/// A token of the file.
pub const FILE: &str = "filetoken";
/// A token kept in the database.
pub const DATABASE: &str = "dbtoken-1";
/// A token past its end.
pub const EXPIRED: &str = "expired-token";
/// A token without any ACL.
pub const POOR: &str = "poor-token";
/// Nobody's token.
pub const WRONG: &str = "wrong-token";

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(3600);
/// What stands for Hikari's 30 s.
pub const DATABASE_WAIT: Duration = Duration::from_millis(250);

/// A state to be brought about.
#[derive(Clone, Copy)]
pub struct Situation {
    pub life: Life,
    pub jobs: usize,
    pub tweak: fn(&mut Config),
    pub then: fn(&State),
}

/// That stage of life, nothing else.
pub const fn at(life: Life) -> Situation {
    Situation { life, jobs: 0, tweak: |_| {}, then: |_| {} }
}

/// Ready.
pub const READY: Situation = at(Life::Ready);

impl Situation {
    /// With another configuration.
    pub const fn with(self, tweak: fn(&mut Config)) -> Self {
        Situation { tweak, ..self }
    }

    /// With something done once it is there.
    pub const fn then(self, then: fn(&State)) -> Self {
        Situation { then, ..self }
    }

    /// With jobs that run for ever.
    pub const fn jobs(self, jobs: usize) -> Self {
        Situation { jobs, ..self }
    }

    /// A node of that version in this state.
    pub async fn bring(&self, version: Version) -> Rundeck {
        let mut config = Config::new(version, FILE);
        config.tokens.push(Token::database(DATABASE));
        config.tokens.push(Token::database(EXPIRED).expired());
        config.tokens.push(Token::file(POOR).without_rights());
        config.database_wait = DATABASE_WAIT;
        config.phases = held(self.life);
        (self.tweak)(&mut config);
        let rundeck = Rundeck::start(config).expect("a free port of loopback");
        if self.life < Life::Ready {
            if version.opens_port_before_bootstrap() {
                rundeck.reach(self.life).await;
            }
        } else {
            rundeck.reach(Life::Ready).await;
        }
        for _ in 0..self.jobs {
            let _ = rundeck.state().jobs.start("demo", "admin", FOR_EVER);
        }
        if self.life >= Life::Stopping {
            rundeck.terminate();
            rundeck.reach(self.life).await;
        }
        (self.then)(rundeck.state());
        rundeck
    }
}

/// Lengths of the start-up that stop at `life`.
pub fn held(life: Life) -> Phases {
    let mut phases = Phases::NONE;
    match life {
        Life::Booting => phases.boot = FOR_EVER,
        Life::Plugins => phases.plugins = FOR_EVER,
        Life::TokenFile => phases.token_file = FOR_EVER,
        Life::Rest => phases.rest = FOR_EVER,
        _ => {}
    }
    phases
}

/// A node whose bootstrap fails in that way.
pub fn failing(version: Version, how: Bootstrap) -> Config {
    Config {
        bootstrap: how,
        phases: Phases::new(Duration::ZERO, Duration::from_millis(600)),
        ..Config::new(version, FILE)
    }
}
