//! Switches Rundeck's execution mode, on the local port only: through a load balancer it would switch some other
//! member.

use crate::rundeck::{self, Client, ModeSet};
use rundeck_alb_core::{Mode, ModeTrouble};

/// Switches, and says which mode Rundeck confirmed.
///
/// # Errors
/// A text for people, and whether the switch may take effect all the same; the heart tries again.
pub async fn set(client: &Client, mode: Mode) -> Result<Mode, ModeTrouble> {
    let wanted = match mode {
        Mode::Active => rundeck::Mode::Active,
        Mode::Passive => rundeck::Mode::Passive,
    };
    match client.set_mode(wanted).await {
        ModeSet::Done => Ok(mode),
        refused @ (ModeSet::NoToken | ModeSet::Rejected | ModeSet::WithoutRights | ModeSet::StillBooting) => {
            Err(ModeTrouble::refused(refused.to_string()))
        }
        unsure @ (ModeSet::Unconfirmed(_) | ModeSet::Failed(_)) => Err(ModeTrouble::unsure(unsure.to_string())),
    }
}
