//! `POST /abort_request`: ends requests, which answer with what they have so far and the finish reason `abort`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::extract::JsonBody;
use super::failure::Failure;
use crate::engine::RequestId;
use crate::protocol::AbortRequest;
use crate::{Error, Result};

/// What upstream writes for no conversation.
const NO_SESSION: i64 = -1;

/// Which requests are to end.
enum Target<'r> {
    All,
    /// Those of this name.
    Named(&'r str),
    /// Those of this conversation.
    Session(i64),
}

/// Ends all requests, one, or those of a conversation.
pub(super) async fn abort(
    State(app): State<App>,
    JsonBody(request): JsonBody<AbortRequest>,
) -> Result<Json<Value>, Failure> {
    let reason = request.abort_message.as_deref().unwrap_or_default();
    let engine = app.responder.engine();
    let (ended, running, missing) = match target(&request)? {
        Target::All => {
            tracing::info!(reason, "all requests are aborted");
            engine.abort_all();
            return Ok(Json(json!({ "aborted": "all" })));
        }
        Target::Named(name) => {
            let generation = generation(name, app.responder.model().created);
            let expected = "the name or the answer's id of a running request";
            let missing = Error::field("request_id", format!("found `{name}`, expected {expected}"));
            (name.to_owned(), app.calls.generations(name, generation), missing)
        }
        Target::Session(session) => {
            let ended = session.to_string();
            let expected = "the session of a running request";
            let missing = Error::field("session_id", format!("found {ended}, expected {expected}"));
            (ended, app.calls.of_session(&Value::from(session)), missing)
        }
    };
    // What has ended in between needs no abort.
    let aborted = running.into_iter().filter(|id| engine.abort(*id)).count();
    if aborted == 0 {
        return Err(missing.into());
    }
    tracing::info!(reason, request = ended.as_str(), "requests are aborted");
    Ok(Json(json!({ "aborted": ended })))
}

/// Reads what the body asks for. As upstream, all requests are more than those of one conversation.
fn target(request: &AbortRequest) -> Result<Target<'_>> {
    let session = request.session_id.filter(|session| *session != NO_SESSION);
    match (request.abort_all.unwrap_or(false), &request.request_id, session) {
        (true, None, _) => Ok(Target::All),
        (false, Some(name), None) => Ok(Target::Named(name)),
        (false, None, Some(session)) => Ok(Target::Session(session)),
        (true, Some(_), _) => Err(Error::field("request_id", "found a name together with `abort_all: true`")),
        (false, Some(_), Some(_)) => {
            Err(Error::field("session_id", "found a number together with `request_id`, expected one of them"))
        }
        (false, None, None) => Err(Error::field(
            "request_id",
            "found nothing, expected a name, the number of a session, or `abort_all: true`",
        )),
    }
}

/// The generation after which an answer was named: its id ends with the hexadecimal time of the server's start and
/// the generation's number.
fn generation(name: &str, created: u64) -> Option<RequestId> {
    let (_, digits) = name.rsplit_once(['-', '_'])?;
    let number = digits.strip_prefix(&format!("{created:x}"))?;
    u64::from_str_radix(number, 16).ok().map(RequestId)
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

    fn read(body: Value) -> AbortRequest {
        serde_json::from_value(body).expect("a request")
    }

    #[test]
    fn exactly_one_target_is_taken() {
        for (body, expected) in [
            (json!({"abort_all": true}), Some("all")),
            (json!({"abort_all": true, "session_id": 7}), Some("all")),
            (json!({"request_id": "a", "session_id": -1}), Some("a")),
            (json!({"session_id": 7, "abort_all": false}), Some("7")),
            (json!({"session_id": 7.0}), Some("7")),
            (json!({"session_id": -1}), None),
            (json!({"session_id": null, "abort_all": false}), None),
            (json!({"request_id": "a", "abort_all": true}), None),
            (json!({"request_id": "a", "session_id": 7}), None),
            (json!({}), None),
        ] {
            let found = match target(&read(body.clone())) {
                Ok(Target::All) => Some("all".to_owned()),
                Ok(Target::Named(name)) => Some(name.to_owned()),
                Ok(Target::Session(session)) => Some(session.to_string()),
                Err(_) => None,
            };
            assert_eq!(found.as_deref(), expected, "{body}");
        }
    }
}
