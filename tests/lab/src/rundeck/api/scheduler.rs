//! `scheduler/takeover`: understood and answered, with no schedules to take over.

use serde_json::{Value, json};

use super::super::wire::Answer;
use super::Call;
use super::error::server_error;

/// PUT `scheduler/takeover`.
pub(super) async fn takeover(call: &Call<'_>) -> Answer {
    if call.state.call_database().await.is_err() {
        return server_error(call.request);
    }
    if !call.token.rights {
        let message = "Not authorized for action \"ops_admin\" for Reschedule Jobs (Server Takeover)";
        return call.error(403, "api.error.item.unauthorized", message);
    }
    let body: Value = serde_json::from_slice(&call.request.body).unwrap_or_default();
    let server = match (body.pointer("/server/uuid"), body.pointer("/server/all")) {
        (Some(Value::String(uuid)), _) => json!({ "uuid": uuid }),
        (_, Some(Value::Bool(true))) => json!({ "all": true }),
        _ => {
            return call.error(400, "api.error.invalid.request", "Expected server.uuid or server.all in the content.");
        }
    };
    let answer = json!({
        "takeoverSchedule": {"jobs": {"failed": [], "successful": [], "total": 0}, "server": server},
        "self": {"server": {"uuid": call.state.config.uuid}},
        "message": "Schedule Takeover successful for 0/0 Jobs.",
        "apiversion": call.api, "success": true,
    });
    call.json(200, &answer)
}
