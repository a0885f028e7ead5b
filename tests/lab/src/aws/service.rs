//! The two services behind one address: they are told apart by the version that a call names.

/// Which API is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Service {
    ElasticLoadBalancing,
    AutoScaling,
}

impl Service {
    /// The one that speaks this version.
    pub(super) fn of(version: Option<&str>) -> Option<Self> {
        [Self::ElasticLoadBalancing, Self::AutoScaling].into_iter().find(|service| Some(service.version()) == version)
    }

    /// As permissions and signatures write it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::ElasticLoadBalancing => "elasticloadbalancing",
            Self::AutoScaling => "autoscaling",
        }
    }

    /// The version that the lab speaks.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::ElasticLoadBalancing => "2015-12-01",
            Self::AutoScaling => "2011-01-01",
        }
    }
}
