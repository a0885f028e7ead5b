//! What AWS's words about a target mean: reasons with their descriptions, overrides, anomalies ("TargetHealth",
//! "AdministrativeOverride" and "AnomalyDetection" of the ELBv2 API reference). Each of these lists is open.

use aws_sdk_elasticloadbalancingv2::types::{
    AdministrativeOverride, AnomalyDetection, AnomalyResultEnum, MitigationInEffectEnum,
    TargetAdministrativeOverrideStateEnum, TargetHealth, TargetHealthReasonEnum,
};
use rundeck_alb_core::{Anomaly, Overridden, TargetReason};

/// Most statuses that are taken from one description: it names the last few answers.
const MOST_CODES: usize = 16;

/// Why the target is in its state.
pub(super) fn because(health: &TargetHealth) -> TargetReason {
    let words = health.description().unwrap_or_default();
    match health.reason() {
        None => TargetReason::None,
        Some(TargetHealthReasonEnum::RegistrationInProgress) => TargetReason::Registering,
        Some(TargetHealthReasonEnum::InitialHealthChecking) => TargetReason::FirstChecks,
        Some(TargetHealthReasonEnum::ResponseCodeMismatch) => TargetReason::Codes(codes(words)),
        Some(TargetHealthReasonEnum::Timeout) => TargetReason::TimedOut,
        Some(TargetHealthReasonEnum::FailedHealthChecks) => TargetReason::Failed,
        Some(TargetHealthReasonEnum::InternalError) => TargetReason::BalancerError,
        Some(TargetHealthReasonEnum::NotRegistered) => TargetReason::NotRegistered,
        Some(TargetHealthReasonEnum::NotInUse) => not_in_use(words),
        Some(TargetHealthReasonEnum::InvalidState) => TargetReason::NotRunning,
        Some(TargetHealthReasonEnum::IpUnusable) => TargetReason::AddressTaken,
        Some(TargetHealthReasonEnum::DeregistrationInProgress) => TargetReason::Deregistering,
        Some(TargetHealthReasonEnum::HealthCheckDisabled) => TargetReason::ChecksOff,
        Some(other) => TargetReason::Other(other.as_str().to_owned()),
    }
}

/// One code stands for two mistakes; its description tells them apart.
fn not_in_use(words: &str) -> TargetReason {
    let words = words.to_ascii_lowercase();
    if words.contains("availability zone") {
        TargetReason::ZoneOff
    } else if words.contains("not configured to receive traffic") {
        TargetReason::NoListener
    } else {
        TargetReason::NotInUse
    }
}

/// The statuses in `Health checks failed with these codes: [503, 502]`.
fn codes(words: &str) -> Vec<u16> {
    let list = words.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    list.split(',').filter_map(|code| code.trim().parse().ok()).take(MOST_CODES).collect()
}

/// What an administrator has laid over it. Any word but the one that says "none" may be one that keeps traffic away.
pub(super) fn overridden(by: Option<&AdministrativeOverride>) -> Overridden {
    match by.and_then(AdministrativeOverride::state) {
        None | Some(TargetAdministrativeOverrideStateEnum::NoOverride) => Overridden::No,
        Some(TargetAdministrativeOverrideStateEnum::ZonalShiftActive) => Overridden::ZonalShift,
        Some(TargetAdministrativeOverrideStateEnum::ZonalShiftDelegatedToDns) => Overridden::ByDns,
        Some(other) => Overridden::Other(other.as_str().to_owned()),
    }
}

/// Whether it errs more than the others.
pub(super) fn anomaly(detection: Option<&AnomalyDetection>) -> Anomaly {
    let mitigated = detection.and_then(AnomalyDetection::mitigation_in_effect) == Some(&MitigationInEffectEnum::Yes);
    match detection.and_then(AnomalyDetection::result) {
        None | Some(AnomalyResultEnum::Normal) => Anomaly::No,
        Some(AnomalyResultEnum::Anomalous) if mitigated => Anomaly::Mitigated,
        Some(AnomalyResultEnum::Anomalous) => Anomaly::Noted,
        Some(other) => Anomaly::Other(other.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_of_aws_has_a_meaning_and_an_unknown_one_is_kept() {
        let off = "Target is in an Availability Zone that is not enabled for the load balancer";
        let rule = "Target group is not configured to receive traffic from the load balancer";
        for (word, words, means) in [
            ("Elb.RegistrationInProgress", "", TargetReason::Registering),
            ("Elb.InitialHealthChecking", "", TargetReason::FirstChecks),
            (
                "Target.ResponseCodeMismatch",
                "Health checks failed with these codes: [503, 404]",
                TargetReason::Codes(vec![503, 404]),
            ),
            ("Target.ResponseCodeMismatch", "Health checks failed", TargetReason::Codes(Vec::new())),
            ("Target.Timeout", "Request timed out", TargetReason::TimedOut),
            ("Target.FailedHealthChecks", "Health checks failed", TargetReason::Failed),
            ("Elb.InternalError", "", TargetReason::BalancerError),
            ("Target.NotRegistered", "", TargetReason::NotRegistered),
            ("Target.NotInUse", off, TargetReason::ZoneOff),
            ("Target.NotInUse", rule, TargetReason::NoListener),
            ("Target.NotInUse", "", TargetReason::NotInUse),
            ("Target.InvalidState", "Target is in the stopped state", TargetReason::NotRunning),
            ("Target.IpUnusable", "", TargetReason::AddressTaken),
            ("Target.DeregistrationInProgress", "", TargetReason::Deregistering),
            ("Target.HealthCheckDisabled", "", TargetReason::ChecksOff),
            ("Target.Meditating", "", TargetReason::Other("Target.Meditating".into())),
        ] {
            let health = TargetHealth::builder().reason(word.into()).description(words).build();
            assert_eq!(because(&health), means, "{word}: {words}");
        }
        assert_eq!(because(&TargetHealth::builder().build()), TargetReason::None);
    }

    #[test]
    fn a_description_without_an_end_gives_no_list_without_one() {
        assert_eq!(codes(&format!("[{}]", "503,".repeat(1_000))).len(), MOST_CODES);
        assert_eq!(codes("[503"), Vec::<u16>::new());
    }

    #[test]
    fn overrides_and_anomalies_are_read_and_their_words_come_back() {
        for (word, means) in [
            ("no_override", Overridden::No),
            ("zonal_shift_active", Overridden::ZonalShift),
            ("zonal_shift_delegated_to_dns", Overridden::ByDns),
            ("unknown", Overridden::Other("unknown".into())),
            ("brand_new", Overridden::Other("brand_new".into())),
        ] {
            let read = overridden(Some(&AdministrativeOverride::builder().state(word.into()).build()));
            assert_eq!((read.word(), &read), (word, &means));
        }
        for (result, mitigation, means) in [
            ("normal", "no", Anomaly::No),
            ("anomalous", "no", Anomaly::Noted),
            ("anomalous", "yes", Anomaly::Mitigated),
            ("odd", "yes", Anomaly::Other("odd".into())),
        ] {
            let detection = AnomalyDetection::builder().result(result.into()).mitigation_in_effect(mitigation.into());
            assert_eq!(anomaly(Some(&detection.build())), means, "{result} {mitigation}");
        }
        assert_eq!((overridden(None), anomaly(None)), (Overridden::No, Anomaly::No));
    }
}
