//! The kinds of events, and which reply is to which call: complete, so that a new one finds its way into the table of
//! phases.

use rundeck_alb_core::{BootSeen, Call, Event, Order, Reply, WebSeen};

/// What a reply is to. No `_` here: a new kind of event or call must find its way into the table.
pub fn answers(reply: &Reply, call: &Call) -> bool {
    match call {
        Call::ProbeWeb { with_boot } => match reply {
            Reply::Web(WebSeen::Ok | WebSeen::Disabled, boot) => *with_boot || *boot == Some(BootSeen::Past),
            other => matches!(other, Reply::Web(..)),
        },
        Call::ProbeApi => matches!(reply, Reply::Api(_)),
        Call::ProbeReadiness { .. } => matches!(reply, Reply::Ready(_)),
        Call::ProbeDatabase { .. } => matches!(reply, Reply::Database(_)),
        Call::LookDisks { .. } => matches!(reply, Reply::Disks(_)),
        Call::LookHost => matches!(reply, Reply::Host(_)),
        Call::FindProcess { .. } => matches!(reply, Reply::Process(_)),
        Call::CountInFlight => matches!(reply, Reply::InFlight(_)),
        Call::AskIdentity => matches!(reply, Reply::Identity(_)),
        Call::AskLifecycle => matches!(reply, Reply::Lifecycle(_)),
        Call::AskScaling { .. } => matches!(reply, Reply::Scaling(_)),
        Call::AskStandby { .. } => matches!(reply, Reply::Standby(_)),
        Call::EnterStandby { .. } | Call::ExitStandby { .. } => matches!(reply, Reply::Moved(_)),
        Call::AskTag(_) => matches!(reply, Reply::Tag(_)),
        Call::DescribeGroups(_) => matches!(reply, Reply::Groups(_)),
        Call::AskFleet(_) => matches!(reply, Reply::Fleet(_)),
        Call::DescribeTarget(_) => matches!(reply, Reply::Target(_)),
        Call::Register { .. } | Call::Deregister { .. } => matches!(reply, Reply::Changed(_)),
        Call::SetMode(_) => matches!(reply, Reply::Mode(_)),
        Call::RunHook(_) => matches!(reply, Reply::Hook(_)),
        Call::KeepIntent(_) | Call::KeepRegistered(_) | Call::KeepHeld(_) | Call::WriteReceipt(_) => {
            matches!(reply, Reply::Written(_))
        }
    }
}

/// The kind of an event. No `_` here: a new one breaks the build until it stands in the table.
pub fn kind(event: &Event) -> &'static str {
    match event {
        Event::Kept(_) => "kept",
        Event::ProcessEnded(_) => "process ended",
        Event::Order(_, Order::Drain(_)) => "order drain",
        Event::Order(_, Order::Resume(_)) => "order resume",
        Event::Order(_, Order::Maintain(_)) => "order maintain",
        Event::Order(_, Order::EndMaintenance) => "order end maintenance",
        Event::Stop { .. } => "stop",
        Event::Noticed(..) => "noticed",
        Event::Tick => "tick",
        Event::Reply(_, reply) => match reply {
            Reply::Web(..) => "web",
            Reply::Api(_) => "api",
            Reply::Process(_) => "process",
            Reply::Ready(_) => "readiness",
            Reply::Database(_) => "database",
            Reply::Disks(_) => "disks",
            Reply::Host(_) => "host",
            Reply::Mode(_) => "mode",
            Reply::InFlight(_) => "in flight",
            Reply::Identity(_) => "identity",
            Reply::Lifecycle(_) => "lifecycle",
            Reply::Scaling(_) => "scaling",
            Reply::Standby(_) => "standby",
            Reply::Moved(_) => "moved",
            Reply::Tag(_) => "tag",
            Reply::Groups(_) => "groups",
            Reply::Fleet(_) => "fleet",
            Reply::Hook(_) => "hook",
            Reply::Target(_) => "target",
            Reply::Changed(_) => "changed",
            Reply::Written(_) => "written",
        },
    }
}
