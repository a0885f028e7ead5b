//! The Auto Scaling group that has the node and who would replace it there; the target groups that are named or
//! attached, who owns each, whether its health check asks this agent, and what the balancer says of our target. Calls
//! read alone; core judges.

use super::LIMIT;
use super::metadata::Metadata;
use super::report::{Area, GroupRow, Node, Part, ScalingRow};
use crate::aws::Services;
use crate::config::{Settings, is_target_group};
use crate::watch::{scaling, targets};
use rundeck_alb_core::{
    AutoScalingRule, Circumstances, Finding, GroupLook, GroupOwner, GroupSeen, GroupWanted, ScalingLook, ScalingSeen,
    StandbyRule, StandbySeen, Target, TargetSeen, Trouble, TroubleKind, groups_named, judge_groups, judge_target,
    replaced_by, trouble_finding,
};
use tokio::time::timeout;

/// What AWS said.
#[derive(Debug, Default)]
pub struct Seen {
    /// `None`: it was not asked, for nobody knows which instance this is.
    scaling: Option<Result<Option<ScalingSeen>, Trouble>>,
    /// What the way by Standby depends on; `None`: nobody takes it, or which group has the node is not known.
    standby: Option<Result<StandbySeen, Trouble>>,
    /// `None`: nobody knows which are named.
    wanted: Option<Vec<GroupWanted>>,
    groups: Vec<GroupSeen>,
    targets: Vec<(Target, Result<TargetSeen, Trouble>)>,
}

/// Asks, each service by itself.
pub async fn look(settings: &Settings, metadata: &Metadata, services: &Services) -> Seen {
    let Some((identity, imds)) = metadata.identity.as_ref().zip(metadata.imds.as_ref()) else {
        return Seen::default();
    };
    let named = named(settings, metadata, ScalingLook::Unknown);
    let names = names(named.as_deref().unwrap_or_default());
    let (scaling, mut groups) = tokio::join!(
        timeout(LIMIT, scaling::look(&services.scaling, imds, &identity.instance_id)),
        in_time(&names, services)
    );
    let scaling = scaling.unwrap_or_else(|_| Err(late()));
    // What it has attached is looked at too, named or not.
    let wanted = self::named(settings, metadata, place(Some(&scaling), metadata));
    let more: Vec<String> =
        self::names(wanted.as_deref().unwrap_or_default()).into_iter().filter(|name| !names.contains(name)).collect();
    if !more.is_empty() {
        groups.extend(in_time(&more, services).await);
    }
    let standby = standby(settings, &scaling, services).await;
    let policy = settings.policy(circumstances(settings));
    let judged = judge_groups(
        wanted.as_deref().unwrap_or_default(),
        &groups,
        identity,
        place(Some(&scaling), metadata),
        &policy,
    );
    let mut seen = Seen { scaling: Some(scaling), standby, wanted, groups, targets: Vec::new() };
    for target in judged.into_iter().filter_map(|group| group.target) {
        let told = timeout(LIMIT, targets::target(&services.elbv2, &target)).await.unwrap_or_else(|_| Err(late()));
        let gone = told.as_ref().is_err_and(|trouble| trouble.kind == TroubleKind::Unavailable);
        seen.targets.push((target, told));
        if gone {
            // Each of the others would wait as long.
            break;
        }
    }
    seen
}

/// As the agent asks before it goes that way.
async fn standby(
    settings: &Settings,
    scaling: &Result<Option<ScalingSeen>, Trouble>,
    services: &Services,
) -> Option<Result<StandbySeen, Trouble>> {
    let Ok(Some(group)) = scaling else { return None };
    if settings.membership.standby == StandbyRule::Off || group.facts.is_err() {
        return None;
    }
    let look = timeout(LIMIT, scaling::standby(&services.scaling, &group.name));
    Some(look.await.unwrap_or_else(|_| Err(late())))
}

async fn in_time(names: &[String], services: &Services) -> Vec<GroupSeen> {
    let late = |_| names.iter().map(|name| GroupSeen { asked: name.clone(), facts: Err(late()), lacking: None });
    match timeout(LIMIT, targets::groups(&services.elbv2, names)).await {
        Ok(seen) => seen,
        Err(elapsed) => late(elapsed).collect(),
    }
}

fn late() -> Trouble {
    let text = format!("AWS did not answer within {} s", LIMIT.as_secs());
    Trouble { kind: TroubleKind::Unavailable, action: String::new(), text }
}

/// The port that is configured is the one that the agent would have; the kernel chooses port 0.
fn circumstances(settings: &Settings) -> Circumstances {
    Circumstances { has_token: true, health_port: settings.health_port.listen.port() }
}

fn named(settings: &Settings, metadata: &Metadata, scaling: ScalingLook<'_>) -> Option<Vec<GroupWanted>> {
    let mut groups = groups_named(&settings.membership, metadata.tag.as_deref(), scaling)?;
    groups.retain(|wanted| is_target_group(&wanted.group));
    Some(groups)
}

fn names(wanted: &[GroupWanted]) -> Vec<String> {
    let mut names: Vec<String> = wanted.iter().map(|wanted| wanted.group.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// Metadata change at once, and the API knows more.
fn place<'a>(told: Option<&'a Result<Option<ScalingSeen>, Trouble>>, metadata: &Metadata) -> ScalingLook<'a> {
    let shown = metadata.lifecycle.as_ref().map(|state| state.as_deref());
    match (told, shown) {
        (Some(Ok(Some(seen))), _) => ScalingLook::Group(seen),
        (_, Some(Some("Detached"))) => ScalingLook::Alone,
        (_, Some(Some(_))) => ScalingLook::Hidden,
        (Some(Ok(None)), _) | (_, Some(None)) => ScalingLook::Alone,
        (Some(Err(_)) | None, None) => ScalingLook::Unknown,
    }
}

impl Seen {
    /// What AWS has denied.
    pub fn denied(&self) -> Vec<&Trouble> {
        let scaling = self.scaling.iter().flat_map(|told| match told {
            Ok(Some(seen)) => seen.facts.as_ref().err(),
            Ok(None) => None,
            Err(trouble) => Some(trouble),
        });
        let scaling = scaling.chain(self.standby.as_ref().and_then(|told| told.as_ref().err()));
        let groups = self.groups.iter().flat_map(|seen| [seen.facts.as_ref().err(), seen.lacking.as_ref()]).flatten();
        let targets = self.targets.iter().filter_map(|(_, told)| told.as_ref().err());
        let all = scaling.chain(groups).chain(targets);
        all.filter(|trouble| trouble.kind == TroubleKind::Denied).collect()
    }

    /// A node that no Auto Scaling group has needs no permission to ask for one.
    pub fn minds_scaling(&self, metadata: &Metadata) -> bool {
        let shows = metadata.lifecycle.as_ref().is_some_and(Option::is_some);
        shows || !matches!(place(self.scaling.as_ref(), metadata), ScalingLook::Alone)
    }
}

/// Judges what AWS said, and notes it for the report.
pub fn parts(settings: &Settings, metadata: &Metadata, seen: &Seen, node: &mut Node) -> Vec<Part> {
    let Some(identity) = &metadata.identity else {
        let not_tried = |area| Part::not_tried(area, "which instance this is is not known");
        return vec![not_tried(Area::AutoScaling), not_tried(Area::TargetGroups)];
    };
    let place = place(seen.scaling.as_ref(), metadata);
    let (scaling, row) = scaling_part(settings, metadata, seen, place);
    node.scaling = row;
    let policy = settings.policy(circumstances(settings));
    let wanted = seen.wanted.as_deref().unwrap_or_default();
    let judged = judge_groups(wanted, &seen.groups, identity, place, &policy);
    node.groups = judged.iter().map(|group| row_of(group, seen)).collect();
    vec![scaling, groups_part(&judged, seen)]
}

fn scaling_part(
    settings: &Settings,
    metadata: &Metadata,
    seen: &Seen,
    place: ScalingLook<'_>,
) -> (Part, Option<ScalingRow>) {
    let replaced_by = replaced_by(place, settings.membership.auto_scaling);
    let told = match place {
        ScalingLook::Alone => "no group has this node: nobody replaces it".to_owned(),
        ScalingLook::Hidden => "a group has this node, and nobody tells which: taken to replace it".to_owned(),
        ScalingLook::Unknown if settings.membership.auto_scaling == AutoScalingRule::None => {
            "none, by membership.auto_scaling".to_owned()
        }
        ScalingLook::Unknown => "nobody tells whether a group has this node: taken to replace it".to_owned(),
        ScalingLook::Group(group) => group_words(group, replaced_by.as_deref()),
    };
    let mut part = Part::seen(Area::AutoScaling, told);
    let trouble = match &seen.scaling {
        Some(Err(trouble)) => Some(trouble),
        Some(Ok(Some(ScalingSeen { facts: Err(trouble), .. }))) => Some(trouble),
        Some(Ok(_)) | None => None,
    };
    if let Some(trouble) = trouble.filter(|_| seen.minds_scaling(metadata)) {
        part = with_trouble(part, trouble);
    }
    if let Some(Err(trouble)) = &seen.standby {
        part = with_trouble(part, trouble);
    }
    let row = match place {
        ScalingLook::Group(group) => Some(ScalingRow {
            name: group.name.clone(),
            state: group.state.clone(),
            health_checks: group.facts.as_ref().ok().map(|facts| facts.health_checks.clone()),
            replaced_by,
        }),
        ScalingLook::Alone | ScalingLook::Hidden | ScalingLook::Unknown => None,
    };
    (part, row)
}

fn group_words(group: &ScalingSeen, replaced_by: Option<&[String]>) -> String {
    let state = group.state.as_deref().map(|state| format!(" ({state})")).unwrap_or_default();
    let checks = group.facts.as_ref().map(|facts| facts.health_checks.join(", "));
    let checks = checks.map(|checks| format!(", health checks {checks}")).unwrap_or_default();
    let replaces = match replaced_by {
        Some([]) => "a 503 does not get the node replaced".to_owned(),
        Some(by) => format!("it replaces the node for a 503 ({}): use Standby for planned work", by.join(", ")),
        None => "taken to replace the node for a 503".to_owned(),
    };
    format!("{}{state}{checks}: {replaces}", group.name)
}

fn groups_part(judged: &[GroupLook], seen: &Seen) -> Part {
    let Some(wanted) = &seen.wanted else {
        return Part::not_tried(Area::TargetGroups, "which are named is not known: see tags");
    };
    if wanted.is_empty() {
        let part = Part::seen(Area::TargetGroups, "none is named");
        return part.wrong(Finding::NoTargetGroup, "no target group is named: only /health is served");
    }
    let (ours, all) = (judged.iter().filter(|group| group.owner == GroupOwner::Us).count(), judged.len());
    let asking = judged.iter().filter(|group| group.asks_agent == Some(true)).count();
    let mut part =
        Part::seen(Area::TargetGroups, format!("{all} in all: {ours} ours to register in, {asking} ask this agent"));
    for group in judged {
        part = group.findings.iter().fold(part, |part, (finding, text)| told_once(part, *finding, text));
    }
    for (target, told) in &seen.targets {
        part = match told {
            Ok(seen) => match judge_target(&target.name, seen) {
                Some((finding, text)) => part.wrong(finding, text),
                None => part,
            },
            Err(trouble) => with_trouble(part, trouble),
        };
    }
    part
}

fn with_trouble(part: Part, trouble: &Trouble) -> Part {
    let (finding, text) = trouble_finding(trouble);
    told_once(part, finding, &text)
}

/// A permission is told once for each action, by a look of its own.
fn told_once(part: Part, finding: Finding, text: &str) -> Part {
    if finding == Finding::PermissionMissing { part.untold() } else { part.wrong(finding, text) }
}

fn row_of(group: &GroupLook, seen: &Seen) -> GroupRow {
    let target = group.target.as_ref();
    let told = seen.targets.iter().find(|(other, _)| target.is_some_and(|target| target.is(other)));
    GroupRow {
        name: group.facts.as_ref().map_or_else(|| group.named.clone(), |facts| facts.name.clone()),
        arn: target.map(|target| target.group.clone()),
        target: target.map(|target| format!("{}:{}", target.id, target.port)),
        owner: group.owner,
        asks_agent: group.asks_agent,
        state: told.and_then(|(_, seen)| seen.as_ref().ok()).map(|seen| seen.state.word().to_owned()),
    }
}
