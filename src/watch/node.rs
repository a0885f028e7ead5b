//! One question to instance metadata each: who are we, where does the Auto Scaling group move us, which tag do we
//! carry; and to the kernel, which addresses this machine bears.

use super::host::Machine;
use crate::aws::{Imds, ImdsError, Network};
use rundeck_alb_core::Identity;

/// Who this machine is.
///
/// # Errors
/// A text for people; the heart asks again.
pub async fn identity(imds: &Imds, machine: &Machine) -> Result<Identity, String> {
    let seen = imds.identity().await.map_err(|e| e.to_string())?;
    let Network { vpc, ipv6 } = if_shown(imds.network().await)?.unwrap_or_default();
    let partition = if_shown(imds.partition().await)?.flatten();
    Ok(Identity {
        instance_id: seen.instance_id,
        private_ip: seen.private_ip,
        ipv6,
        region: seen.region,
        zone: seen.availability_zone,
        partition,
        account: seen.account,
        vpc,
        borne: machine.addresses().await,
    })
}

/// What a node can do without, and some services do not show: only where nobody has answered may it come yet.
fn if_shown<T>(answer: Result<T, ImdsError>) -> Result<Option<T>, String> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ImdsError::BadAnswer(_) | ImdsError::Forbidden | ImdsError::NoTags) => Ok(None),
        Err(error @ (ImdsError::Absent(_) | ImdsError::Unauthorized | ImdsError::Unavailable(_))) => {
            Err(error.to_string())
        }
        Err(error @ ImdsError::Disabled) => Err(error.to_string()),
    }
}

/// `autoscaling/target-lifecycle-state`: where the instance is going; `None` outside a group.
///
/// # Errors
/// As [`identity`].
pub async fn lifecycle(imds: &Imds) -> Result<Option<String>, String> {
    imds.lifecycle().await.map_err(|e| e.to_string())
}

/// An instance tag; `None`: there is none of this name.
///
/// # Errors
/// As [`identity`]; metadata that show no tags at all tell nothing about this one.
pub async fn tag(imds: &Imds, key: &str) -> Result<Option<String>, String> {
    imds.tag(key).await.map_err(|e| e.to_string())
}
