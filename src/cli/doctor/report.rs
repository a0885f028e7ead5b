//! What was looked at and what is wrong, put in order. Looks at nothing and prints nothing.

use super::word::Word;
use rundeck_alb_core::{GroupOwner, Identity, Info};

/// Bytes of one text that are kept: AWS's messages and pages have no end.
const MOST_TEXT: usize = 2_000;

/// What is looked at, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    Configuration,
    Agent,
    Ports,
    State,
    Programs,
    Rundeck,
    Token,
    Metadata,
    Tags,
    Network,
    Credentials,
    Clock,
    Permissions,
    AutoScaling,
    TargetGroups,
}

impl Area {
    /// As it stands in output.
    pub fn word(self) -> &'static str {
        match self {
            Area::Configuration => "configuration",
            Area::Agent => "agent",
            Area::Ports => "ports",
            Area::State => "state",
            Area::Programs => "programs",
            Area::Rundeck => "rundeck",
            Area::Token => "token",
            Area::Metadata => "metadata",
            Area::Tags => "tags",
            Area::Network => "network",
            Area::Credentials => "credentials",
            Area::Clock => "clock",
            Area::Permissions => "permissions",
            Area::AutoScaling => "auto-scaling",
            Area::TargetGroups => "target-groups",
        }
    }
}

/// How a look came out; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Fine,
    /// It could not be looked at, for another reason that is told.
    NotTried,
    Warning,
    Error,
}

impl Level {
    /// As it stands in output.
    pub fn word(self) -> &'static str {
        match self {
            Level::Fine => "ok",
            Level::NotTried => "not tried",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub area: Area,
    pub word: Word,
    /// What is wrong; each line is a paragraph.
    pub text: String,
    /// What to do about it.
    pub cure: String,
}

impl Problem {
    pub fn level(&self) -> Level {
        if self.word.is_grave() { Level::Error } else { Level::Warning }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub area: Area,
    /// What was seen, on one line.
    pub seen: String,
    tried: bool,
    pub problems: Vec<Problem>,
}

impl Part {
    /// It was looked at, and this was seen.
    pub fn seen(area: Area, seen: impl Into<String>) -> Part {
        Part { area, seen: seen.into(), tried: true, problems: Vec::new() }
    }

    /// It was not looked at, and why.
    pub fn not_tried(area: Area, why: impl Into<String>) -> Part {
        Part { tried: false, ..Part::seen(area, why) }
    }

    /// The same with something that is wrong.
    pub fn wrong(self, word: impl Into<Word>, text: impl Into<String>) -> Part {
        self.wrong_and(word, text, "")
    }

    /// The same, and with more to do about it than the word's own cure.
    pub fn wrong_and(mut self, word: impl Into<Word>, text: impl Into<String>, more: &str) -> Part {
        let (word, text) = (word.into(), text.into());
        let cure = if more.is_empty() { word.cure().to_owned() } else { format!("{}; {more}", word.cure()) };
        let text = text.chars().take(MOST_TEXT).collect();
        self.problems.push(Problem { area: self.area, word, text, cure });
        self
    }

    /// What kept it from being looked at is told by another look.
    pub fn untold(self) -> Part {
        Part { tried: false, ..self }
    }

    /// Without what another look tells better.
    pub fn without(mut self, word: Word) -> Part {
        let before = self.problems.len();
        self.problems.retain(|problem| problem.word != word);
        if self.problems.len() < before { self.untold() } else { self }
    }

    /// How it came out.
    pub fn level(&self) -> Level {
        let worst = self.problems.iter().map(Problem::level).max();
        worst.unwrap_or(if self.tried { Level::Fine } else { Level::NotTried })
    }
}

/// Whether an action is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// AWS did it, or refused it for another reason than a permission.
    Allowed,
    Denied,
    /// AWS gave no answer that tells.
    Unknown,
    /// Nothing had to be asked by it here.
    Unneeded,
    /// It changes something.
    Untried,
}

impl Tried {
    /// As it stands in output.
    pub fn word(self) -> &'static str {
        match self {
            Tried::Allowed => "allowed",
            Tried::Denied => "denied",
            Tried::Unknown => "unknown",
            Tried::Unneeded => "not asked",
            Tried::Untried => "not tried",
        }
    }
}

/// One action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// As permissions write it.
    pub action: String,
    pub tried: Tried,
}

/// A target group as this node has it, as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    pub name: String,
    pub arn: Option<String>,
    /// `i-0a1b2c3d4e5f60718:4440`.
    pub target: Option<String>,
    pub owner: GroupOwner,
    /// Its health check asks this agent.
    pub asks_agent: Option<bool>,
    /// What the balancer says of the target, in AWS's word.
    pub state: Option<String>,
}

/// The Auto Scaling group that has the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalingRow {
    pub name: String,
    pub state: Option<String>,
    pub health_checks: Option<Vec<String>>,
    /// Those that a 503 fails; `None`: nobody tells.
    pub replaced_by: Option<Vec<String>>,
}

/// What is known of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub identity: Option<Identity>,
    /// What Rundeck says of itself to the token.
    pub rundeck: Option<Info>,
    pub groups: Vec<GroupRow>,
    pub scaling: Option<ScalingRow>,
    pub permissions: Vec<Permission>,
    /// The statements for what was not tried, as IAM reads them.
    pub policy: Vec<String>,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// In the order of the areas.
    pub parts: Vec<Part>,
    /// The gravest first, then in that order.
    pub problems: Vec<Problem>,
    pub node: Node,
}

impl Report {
    /// Puts it in order. What several looks have found alike is told once, where it was found first.
    pub fn new(mut parts: Vec<Part>, node: Node) -> Report {
        parts.sort_by_key(|part| part.area);
        let mut problems: Vec<Problem> = Vec::new();
        for problem in parts.iter().flat_map(|part| &part.problems) {
            if !problems.iter().any(|known| (known.word, &known.text) == (problem.word, &problem.text)) {
                problems.push(problem.clone());
            }
        }
        problems.sort_by(|one, other| {
            let key = |problem: &Problem| (std::cmp::Reverse(problem.level()), problem.area);
            key(one).cmp(&key(other)).then_with(|| (one.word.word(), &one.text).cmp(&(other.word.word(), &other.text)))
        });
        Report { parts, problems, node }
    }

    /// How many problems are of this level.
    pub fn count(&self, level: Level) -> usize {
        self.problems.iter().filter(|problem| problem.level() == level).count()
    }

    /// How many looks came out so.
    pub fn looks(&self, level: Level) -> usize {
        self.parts.iter().filter(|part| part.level() == level).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rundeck_alb_core::Finding;

    #[test]
    fn the_gravest_comes_first_and_the_same_once() {
        let denied = "AWS denied a";
        let parts = vec![
            Part::seen(Area::TargetGroups, "").wrong(Finding::PermissionMissing, denied),
            Part::not_tried(Area::Clock, "nobody tells"),
            Part::seen(Area::Permissions, "").wrong(Finding::PermissionMissing, denied),
            Part::seen(Area::Agent, "").wrong(Finding::DiskLow, "low"),
            Part::seen(Area::Rundeck, "up"),
        ];
        let report = Report::new(parts, Node::default());
        let told: Vec<_> = report.problems.iter().map(|problem| (problem.word.word(), problem.area)).collect();
        assert_eq!(told, [("permission-missing", Area::Permissions), ("disk-low", Area::Agent)]);
        assert_eq!((report.count(Level::Error), report.count(Level::Warning)), (1, 1));
        assert_eq!((report.looks(Level::Error), report.looks(Level::NotTried), report.looks(Level::Fine)), (2, 1, 1));
    }

    #[test]
    fn a_cure_may_say_more_than_its_word() {
        let part = Part::seen(Area::Network, "").wrong_and(Finding::AwsUnreachable, "x", "make an endpoint");
        assert_eq!(part.problems[0].cure, format!("{}; make an endpoint", Finding::AwsUnreachable.cure()));
    }
}
