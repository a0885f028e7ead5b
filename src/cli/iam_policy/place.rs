//! What is known of the ARNs here: by the configuration and AWS's variables. It draws no policy; what nobody tells
//! stays unknown.

use super::policy::Known;
use crate::cli::Surroundings;
use crate::config::Settings;

/// Where the region stands in the environment, as the SDK reads it.
const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// What can be told without asking anybody.
pub fn configured(settings: &Settings, surroundings: &Surroundings) -> Known {
    let from_environment = || REGION_VARIABLES.iter().find_map(|name| surroundings.text(name)).map(str::to_owned);
    Known {
        region: settings.aws.region.clone().or_else(from_environment),
        target_groups: settings.membership.groups.iter().map(|wanted| wanted.group.clone()).collect(),
        ..Known::default()
    }
}
