//! The words for what `doctor` finds: those of the running agent, and some that only a look from outside can find. How
//! grave each is, and its cure. Looks at nothing.

use rundeck_alb_core::Finding;

/// What only `doctor` finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Own {
    /// The agent that runs has other variables than this command.
    AgentEnvironment,
    /// An agent is there and does not answer, or may not be asked.
    AgentSilent,
    /// The SDK cannot be set up: proxy, certificates, region.
    AwsSetup,
    /// The clock is wrong.
    ClockSkew,
    /// The agent was started with another configuration.
    ConfigChanged,
    /// The configuration has mistakes.
    ConfigInvalid,
    /// A look did not come back in time.
    LookHung,
    /// Somebody else has a port that is ours.
    PortTaken,
    /// A program of `[hooks]` cannot be run by the agent's user.
    ProgramUnusable,
    /// A program of `[hooks]` can be written by others.
    ProgramWritable,
    /// Rundeck is not up.
    RundeckDown,
    /// Rundeck cannot be asked with these settings.
    RundeckSetup,
    /// The state directory is another instance's.
    StateOfAnother,
}

impl Own {
    fn word(self) -> &'static str {
        match self {
            Own::AgentEnvironment => "agent-environment",
            Own::AgentSilent => "agent-silent",
            Own::AwsSetup => "aws-setup",
            Own::ClockSkew => "clock-skew",
            Own::ConfigChanged => "config-changed",
            Own::ConfigInvalid => "config-invalid",
            Own::LookHung => "look-hung",
            Own::PortTaken => "port-taken",
            Own::ProgramUnusable => "program-unusable",
            Own::ProgramWritable => "program-writable",
            Own::RundeckDown => "rundeck-down",
            Own::RundeckSetup => "rundeck-setup",
            Own::StateOfAnother => "state-of-another",
        }
    }

    fn cure(self) -> &'static str {
        match self {
            Own::AgentEnvironment => "set it in the agent's unit or environment file, or run doctor with the same",
            Own::AgentSilent => {
                "ask as root or in the group rundeck-alb-agent; if it stays so, look at the agent's log"
            }
            Own::AwsSetup => "correct what the text names",
            Own::ClockSkew => "let chrony or systemd-timesyncd set the clock; EC2's own time server is 169.254.169.123",
            Own::ConfigChanged => "restart the agent: no health check fails by that",
            Own::ConfigInvalid => "correct it; rundeck-alb-agent config validate looks again",
            Own::LookHung => "run doctor again; if it stays so, look for a disk or a name service that hangs",
            Own::PortTaken => "stop what has it, or give the agent another port",
            Own::ProgramUnusable => {
                "correct the command in [hooks], or let the agent's user run the program (chmod 755)"
            }
            Own::ProgramWritable => {
                "let root own it and each directory on the way, and nobody else write there (chmod go-w)"
            }
            Own::RundeckDown => "look at Rundeck's service.log; rundeck-alb-agent check shows each look",
            Own::RundeckSetup => "correct the setting that the text names",
            Own::StateOfAnother => {
                "remove the state directory before an image is made; here, while the agent is stopped"
            }
        }
    }

    fn is_grave(self) -> bool {
        match self {
            Own::AwsSetup
            | Own::ClockSkew
            | Own::ConfigInvalid
            | Own::PortTaken
            | Own::RundeckDown
            | Own::RundeckSetup => true,
            Own::AgentEnvironment
            | Own::AgentSilent
            | Own::ConfigChanged
            | Own::LookHung
            | Own::ProgramUnusable
            | Own::ProgramWritable
            | Own::StateOfAnother => false,
        }
    }
}

/// What is wrong, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// As the agent says it.
    Agents(Finding),
    /// As only this command does.
    Own(Own),
}

impl From<Finding> for Word {
    fn from(finding: Finding) -> Word {
        Word::Agents(finding)
    }
}

impl From<Own> for Word {
    fn from(own: Own) -> Word {
        Word::Own(own)
    }
}

impl Word {
    /// As it stands in output.
    pub fn word(self) -> &'static str {
        match self {
            Word::Agents(finding) => finding.word(),
            Word::Own(own) => own.word(),
        }
    }

    /// What to do about it.
    pub fn cure(self) -> &'static str {
        match self {
            Word::Agents(finding) => finding.cure(),
            Word::Own(own) => own.cure(),
        }
    }

    /// An error: the node cannot do its work, or does it wrongly. Anything else is a warning.
    pub fn is_grave(self) -> bool {
        match self {
            Word::Agents(finding) => is_grave(finding),
            Word::Own(own) => own.is_grave(),
        }
    }
}

/// Of what keeps the node out, leaves it in wrongly, or lets the agent see or do nothing.
fn is_grave(finding: Finding) -> bool {
    match finding {
        Finding::AddressMissing
        | Finding::AddressNotHere
        | Finding::ApiUnreadable
        | Finding::AwsRefused
        | Finding::AwsUnreachable
        | Finding::Certificate
        | Finding::CredentialsRejected
        | Finding::DatabaseFailing
        | Finding::HealthCheckElsewhere
        | Finding::HostRefused
        | Finding::MetadataUnreachable
        | Finding::OtherVpc
        | Finding::PermissionMissing
        | Finding::RundeckElsewhere
        | Finding::RundeckName
        | Finding::RundeckUrl
        | Finding::StateDirectory
        | Finding::TargetGroupMissing
        | Finding::TokenFile
        | Finding::TokenRejected => true,
        Finding::ApiFailing
        | Finding::ApiTimeout
        | Finding::AsgWillReplace
        | Finding::AwsThrottled
        | Finding::Clone
        | Finding::DiskLow
        | Finding::HookFailed
        | Finding::InstanceTagUnreadable
        | Finding::IntentNotKept
        | Finding::Detached
        | Finding::StandbyLeft
        | Finding::MaintenanceIgnored
        | Finding::NoTargetGroup
        | Finding::OwnershipConflict
        | Finding::PassiveMode
        | Finding::PortNotRegistered
        | Finding::ProcessHidden
        | Finding::ProcessUnwatched
        | Finding::ReceiptNotKept
        | Finding::SeveralRundecks
        | Finding::TakenOut
        | Finding::TargetNotInUse
        | Finding::TokenInQuery
        | Finding::TokenMissing
        | Finding::TokenWithoutRights => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ALL: [Own; 13] = [
        Own::AgentEnvironment,
        Own::AgentSilent,
        Own::AwsSetup,
        Own::ClockSkew,
        Own::ConfigChanged,
        Own::ConfigInvalid,
        Own::LookHung,
        Own::PortTaken,
        Own::ProgramUnusable,
        Own::ProgramWritable,
        Own::RundeckDown,
        Own::RundeckSetup,
        Own::StateOfAnother,
    ];

    #[test]
    fn the_page_has_a_row_for_each_word_of_doctors_own() {
        let page = fs::read_to_string("docs/FINDINGS.md").expect("the page");
        for own in ALL {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", own.word())));
            let row = row.unwrap_or_else(|| panic!("docs/FINDINGS.md has no row for {}", own.word()));
            let plain = row.replace('`', "");
            let cure = plain.rsplit(" | ").next().unwrap_or_default().to_lowercase();
            assert!(cure.starts_with(&own.cure().to_lowercase()), "{}: {cure}", own.word());
            assert!(Finding::from_word(own.word()).is_none(), "{} is the agent's", own.word());
        }
    }
}
