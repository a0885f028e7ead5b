//! One look at the Auto Scaling group that has this node, in the heart's words.

use crate::aws::{AutoScaling, Imds, InGroup, SCALING_GROUP_TAG};
use rundeck_alb_core::{ScalingFacts, ScalingSeen, Trouble, TroubleKind};

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
        Ok(None) => Err(Trouble {
            kind: TroubleKind::NotFound,
            action: String::new(),
            text: format!("AWS knows no Auto Scaling group {name}"),
        }),
        Err(trouble) => Err(trouble),
    };
    Ok(Some(ScalingSeen { name, state, facts }))
}
