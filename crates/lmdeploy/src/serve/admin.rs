//! What an operator asks: version, whether the engine sleeps, ending requests, ending the server.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;

use super::App;
use super::extract::JsonBody;
use super::failure::Failure;
use crate::engine::RequestId;
use crate::protocol::{AbortRequest, SleepStatus, Version};
use crate::{Error, Result};

/// Ends requests, which answer with what they have so far and the finish reason `abort`.
pub(super) async fn abort(
    State(app): State<App>,
    JsonBody(request): JsonBody<AbortRequest>,
) -> Result<Json<serde_json::Value>, Failure> {
    let reason = request.abort_message.as_deref().unwrap_or_default();
    let ended = match (request.abort_all.unwrap_or(false), &request.request_id) {
        (true, None) => {
            tracing::info!(reason, "all requests are aborted");
            app.responder.engine().abort_all();
            "all"
        }
        (false, Some(name)) => {
            let found = app.calls.generations(name, generation(name, app.responder.model().created));
            // What has ended in between needs no abort.
            let aborted = found.into_iter().filter(|id| app.responder.engine().abort(*id)).count();
            if aborted == 0 {
                let message =
                    format!("found `{name}`, expected the name or the answer's id of a running request");
                return Err(Error::field("request_id", message).into());
            }
            tracing::info!(reason, request = name.as_str(), "a request is aborted");
            name.as_str()
        }
        (true, Some(_)) => {
            return Err(Error::field("request_id", "found a name together with `abort_all: true`").into());
        }
        (false, None) => {
            return Err(
                Error::field("request_id", "found nothing, expected a name, or `abort_all: true`").into()
            );
        }
    };
    Ok(Json(serde_json::json!({ "aborted": ended })))
}

/// The generation after which an answer was named: its id ends with the hexadecimal time of the server's start and
/// the generation's number.
fn generation(name: &str, created: u64) -> Option<RequestId> {
    let (_, digits) = name.rsplit_once(['-', '_'])?;
    let number = digits.strip_prefix(&format!("{created:x}"))?;
    u64::from_str_radix(number, 16).ok().map(RequestId)
}

/// Stops the server as a signal would, when clients may do that.
pub(super) async fn terminate(State(app): State<App>) -> Result<Json<serde_json::Value>, Failure> {
    if !app.config.allow_terminate_by_client {
        let message = "the server was started without --allow-terminate-by-client: clients cannot stop it";
        return Err(Failure::new(400, message));
    }
    tracing::info!("a client stops the server");
    app.terminate();
    Ok(Json(serde_json::json!({ "terminated": true })))
}

/// Whether weights and cache have been released; this server always keeps them.
pub(super) async fn is_sleeping() -> Json<SleepStatus> {
    Json(SleepStatus { is_sleeping: false })
}

/// The version of the server.
pub(super) async fn version() -> Json<Version> {
    let git = option_env!("GIT_HASH").map(str::to_owned);
    Json(Version { version: env!("CARGO_PKG_VERSION").to_owned(), git })
}

/// Answers for a route of upstream that is not here yet.
pub(super) async fn not_yet(uri: Uri) -> Failure {
    Failure::new(501, format!("{} is not supported by this server yet", uri.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_answer_names_its_generation() {
        assert_eq!(generation("chatcmpl-65a00007", 0x65a), Some(RequestId(7)));
        assert_eq!(generation("resp_65a1000f", 0x65a), Some(RequestId(0x1000f)));
        for other in ["", "chatcmpl-", "chatcmpl-65b00007", "65a00007", "chatcmpl-65axyz"] {
            assert_eq!(generation(other, 0x65a), None, "{other}");
        }
    }
}
