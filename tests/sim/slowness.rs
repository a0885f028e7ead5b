//! How long a call takes to get where it is for. It knows nothing of what becomes of it there.

use rundeck_alb_core::Call;

/// Milliseconds per step of latency: the net is slower than the node.
pub fn slowness(call: &Call) -> u64 {
    match call {
        Call::ProbeWeb { .. }
        | Call::ProbeReadiness { .. }
        | Call::KeepIntent(_)
        | Call::KeepRegistered(_)
        | Call::KeepHeld(_)
        | Call::WriteReceipt(_)
        | Call::CountInFlight => 1,
        Call::FindProcess { .. }
        | Call::LookDisks { .. }
        | Call::LookHost
        | Call::AskIdentity
        | Call::AskLifecycle
        | Call::AskTag(_) => 2,
        Call::ProbeApi | Call::ProbeDatabase { .. } | Call::SetMode(_) => 10,
        // As long as they may take, and longer.
        Call::RunHook(_) => 500,
        Call::AskScaling { .. }
        | Call::AskStandby { .. }
        | Call::EnterStandby { .. }
        | Call::ExitStandby { .. }
        | Call::DescribeGroups(_)
        | Call::AskFleet(_)
        | Call::DescribeTarget(_)
        | Call::Register { .. }
        | Call::Deregister { .. } => 40,
    }
}
