//! Whether the load balancer and this node say the same of it, as closed lists; docs/MEMBERSHIP.md tells people more.
//!
//! When they do, and when a difference is one, is decided in `membership/view.rs`.

use super::words::words;
use serde::{Deserialize, Serialize};
use std::fmt;

words! {
    /// Whether the load balancer says of this node what it says of itself.
    Agreement {
        /// They say the same.
        Agrees = "agrees",
        /// They do not yet: the balancer's own time for it has not passed.
        Counting = "counting",
        /// They do not.
        Differs = "differs",
        /// Nobody can tell: what AWS says is unknown to this version.
        Unknown = "unknown",
    }
}

words! {
    /// What most likely makes the load balancer say something else than the node.
    LikelyCause {
        /// A load balancer has the address.
        AddressTaken = "address-taken",
        /// It errs more than others, and gets fewer requests for it.
        AnomalyMitigation = "anomaly-mitigation",
        /// An error of the load balancer's own.
        BalancerError = "balancer-error",
        /// No connection to this agent, or what came back was no answer.
        ConnectionFailed = "connection-failed",
        /// Somebody takes the target out.
        Deregistered = "deregistered",
        /// The health check takes no 200 for good.
        CheckMatcher = "health-check-matcher",
        /// The health check is switched off.
        CheckOff = "health-check-off",
        /// The health check asks another path.
        CheckPath = "health-check-path",
        /// The health check asks another port.
        CheckPort = "health-check-port",
        /// The health check speaks HTTPS.
        CheckProtocol = "health-check-protocol",
        /// The instance does not run, AWS says.
        InstanceStopped = "instance-stopped",
        /// No listener leads to the group.
        NoListener = "no-listener",
        /// Nothing checks the target.
        NotChecked = "not-checked",
        /// No listener, or a zone that is off: AWS does not tell which.
        NotInUse = "not-in-use",
        /// It is not in the group.
        NotRegistered = "not-registered",
        /// Something else than this agent answers the health check.
        OtherAnswer = "other-answer",
        /// AWS does not come to an end with the registration.
        RegistrationSlow = "registration-slow",
        /// A word that this version does not know.
        UnknownWord = "unknown-word",
        /// What the agent answers does not get there: most often a security group.
        Unreachable = "unreachable",
        /// A zonal shift keeps requests away.
        ZonalShift = "zonal-shift",
        /// The load balancer is not in the node's zone.
        ZoneOff = "zone-off",
    }
}
