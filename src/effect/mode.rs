//! Switches Rundeck's execution mode, on the local port only: through a load balancer it would switch some other
//! member.

use crate::rundeck::{self, Client, ModeSet};
use rundeck_alb_core::Mode;

/// Switches, and says which mode Rundeck confirmed.
///
/// # Errors
/// A text for people; the heart tries again.
pub async fn set(client: &Client, mode: Mode) -> Result<Mode, String> {
    let wanted = match mode {
        Mode::Active => rundeck::Mode::Active,
        Mode::Passive => rundeck::Mode::Passive,
    };
    match client.set_mode(wanted).await {
        ModeSet::Done => Ok(mode),
        other @ (ModeSet::Unconfirmed(_)
        | ModeSet::NoToken
        | ModeSet::Rejected
        | ModeSet::WithoutRights
        | ModeSet::StillBooting
        | ModeSet::Failed(_)) => Err(other.to_string()),
    }
}
