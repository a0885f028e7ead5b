//! Looks at the Auto Scaling group that has this node, in the heart's words.

use crate::aws::{AutoScaling, Imds, InGroup, SCALING_GROUP_TAG, Size};
use rundeck_alb_core::{RefreshSeen, ScalingFacts, ScalingSeen, StandbyPreference, StandbySeen, Trouble, TroubleKind};

/// Which group has the instance, and what it is like: two calls. Where the role may not ask which, the instance tag
/// tells, if metadata show tags. A group that is not known to AWS has trouble instead of facts.
///
/// # Errors
/// As AWS answered: nobody knows whether a group has it.
pub async fn look(scaling: &AutoScaling, imds: &Imds, instance: &str) -> Result<Option<ScalingSeen>, Trouble> {
    let (name, state) = match scaling.instance(instance).await {
        Ok(None) => return Ok(None),
        Ok(Some(InGroup { group, state })) => (group, Some(state)),
        Err(trouble) if trouble.kind == TroubleKind::Denied => match imds.tag(SCALING_GROUP_TAG).await {
            Ok(Some(name)) => (name, None),
            // Tags follow the group's doings late, or are not shown at all.
            Ok(None) | Err(_) => return Err(trouble),
        },
        Err(trouble) => return Err(trouble),
    };
    let facts = match scaling.group(&name).await {
        Ok(Some(group)) => Ok(ScalingFacts { health_checks: group.health_checks, attached: group.attached }),
        Ok(None) => Err(no_group(&name)),
        Err(trouble) => Err(trouble),
    };
    Ok(Some(ScalingSeen { name, state, facts }))
}

/// What the way into Standby and back depends on in this group: two calls.
///
/// # Errors
/// As AWS answered; `NotFound` where it knows no such group.
pub async fn standby(scaling: &AutoScaling, name: &str) -> Result<StandbySeen, Trouble> {
    let group = scaling.group(name).await?.ok_or_else(|| no_group(name))?;
    let unsized_group = || Trouble {
        kind: TroubleKind::Unavailable,
        action: String::new(),
        text: format!("AWS does not tell how many instances the Auto Scaling group {name} wants"),
    };
    let Size { desired, min, max } = group.size.ok_or_else(unsized_group)?;
    let refresh = scaling.refresh(name).await?;
    let preference = |word: Option<&str>| match word {
        Some("Terminate") => StandbyPreference::Terminate,
        Some("Ignore") => StandbyPreference::Ignore,
        None | Some("Wait") => StandbyPreference::Wait,
        Some(_) => StandbyPreference::Unknown,
    };
    Ok(StandbySeen {
        desired,
        min,
        max,
        zones: group.zones,
        az_rebalance: group.az_rebalance,
        refresh: refresh.map(|refresh| RefreshSeen { standby: preference(refresh.standby.as_deref()) }),
    })
}

fn no_group(name: &str) -> Trouble {
    let text = format!("AWS knows no Auto Scaling group {name}");
    Trouble { kind: TroubleKind::NotFound, action: String::new(), text }
}
