//! What there is in the lab's account. The groups themselves are in [`crate::alb`].

use std::sync::Arc;

use super::scaling::Scaling;
use crate::alb::Group;

/// What the APIs are about: the target groups, the load balancer that uses them, and the Auto Scaling groups.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) groups: Vec<Arc<Group>>,
    pub(crate) balancer_arn: String,
    pub(crate) scaling: Arc<Scaling>,
}
