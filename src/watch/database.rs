//! One timed call with the token, in the heart's words: how it ends tells of the database behind Rundeck.

use crate::rundeck::{Client, Database, Failure};
use rundeck_alb_core::DatabaseSeen;
use std::time::Duration;

/// Asks once and waits up to `limit`.
pub async fn look(client: &Client, limit: Duration) -> DatabaseSeen {
    seen(&client.database(limit).await)
}

fn seen(database: &Database) -> DatabaseSeen {
    match database {
        Database::Answered => DatabaseSeen::Answered,
        Database::ServerError(status) => DatabaseSeen::Failed(*status),
        Database::Failed(Failure::Timeout) => DatabaseSeen::TimedOut,
        Database::Failed(Failure::Refused) => DatabaseSeen::Refused,
        Database::NoToken
        | Database::Rejected
        | Database::StillBooting
        | Database::Unreadable
        | Database::Failed(_) => DatabaseSeen::Unclear(database.to_string()),
    }
}
