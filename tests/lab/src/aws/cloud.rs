//! What there is in the lab's account. The groups themselves are in [`crate::alb`].

use std::sync::Arc;

use crate::alb::Group;

/// What the API is about: the target groups and the load balancer that uses them.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) groups: Vec<Arc<Group>>,
    pub(crate) balancer_arn: String,
}
