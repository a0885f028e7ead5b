//! One question to instance metadata each: who are we, where does the Auto Scaling group move us, which tag do we
//! carry.

use crate::aws::Imds;
use rundeck_alb_core::Identity;

/// Who this machine is.
///
/// # Errors
/// A text for people; the heart asks again.
pub async fn identity(imds: &Imds) -> Result<Identity, String> {
    let seen = imds.identity().await.map_err(|e| e.to_string())?;
    Ok(Identity {
        instance_id: seen.instance_id,
        private_ip: seen.private_ip,
        region: seen.region,
        zone: seen.availability_zone,
    })
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
