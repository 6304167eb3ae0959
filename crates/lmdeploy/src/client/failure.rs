//! What went wrong between client and server, as [`Error`]: connections, error statuses, errors inside of streams,
//! answers that cannot be read.

use std::time::SystemTime;

use reqwest::Response;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::retry_after;
use crate::Error;
use crate::error::StatusDetail;

/// Number of characters that an error shows of a body that cannot be read.
const SHOWN: usize = 200;
/// Headers in which servers name a request: this one and most others, and Anthropic's.
const REQUEST_IDS: [&str; 2] = ["x-request-id", "request-id"];
/// Status of an error that came inside of a stream without a status.
const UNKNOWN: u16 = 500;

/// The error of an answer with an error status.
pub(super) async fn refused(url: &str, response: Response) -> Error {
    let status = response.status().as_u16();
    let headers = response.headers();
    let wait = text_of(headers, RETRY_AFTER.as_str());
    let retry_after = wait.and_then(|wait| retry_after::seconds(&wait, SystemTime::now()));
    let request_id = REQUEST_IDS.iter().find_map(|name| text_of(headers, name));
    // A body that cannot be read tells nothing; the status does.
    let text = response.text().await.unwrap_or_default();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    let mut detail = detail(&body);
    detail.request_id = request_id.or(detail.request_id);
    let message = message(&body).map_or_else(|| start(&text), str::to_owned);
    Error::Status { url: url.to_owned(), status, message, retry_after, detail: Box::new(detail) }
}

/// The error that an event of a stream tells; none for an event that does not.
pub(super) fn failed(url: &str, event: &Value) -> Option<Error> {
    let body = match event.get("type").and_then(Value::as_str) {
        Some("response.failed") => event.get("response")?,
        Some("error") => event,
        _ if event.get("error").is_some_and(|error| !error.is_null()) => event,
        _ => return None,
    };
    let detail = detail(body);
    let code = detail.code.as_deref().and_then(|code| code.parse::<u16>().ok());
    let status = code.filter(|code| (400..600).contains(code)).unwrap_or(UNKNOWN);
    let message = message(body).map_or_else(|| start(&event.to_string()), str::to_owned);
    Some(Error::Status { url: url.to_owned(), status, message, retry_after: None, detail: Box::new(detail) })
}

/// The error of an answer that is not what the protocol says.
pub(super) fn unreadable(url: &str, error: &serde_json::Error, body: &str) -> Error {
    Error::Answer { url: url.to_owned(), message: format!("{error}; found `{}`", start(body)) }
}

/// The error of a connection that could not be made, or that broke later.
pub(super) fn connection(url: &str, error: &reqwest::Error) -> Error {
    let (url, message) = (url.to_owned(), chain(error));
    if error.is_connect() { Error::Unreachable { url, message } } else { Error::Connection { url, message } }
}

/// An error with its causes on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The beginning of a text, for messages.
fn start(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A field of an error: inside of `error`, as OpenAI and Anthropic write it, or flat, as LMDeploy and older vLLM do.
fn field<'b>(body: &'b Value, name: &str) -> Option<&'b Value> {
    let nested = body.get("error").and_then(|error| error.get(name));
    nested.or_else(|| body.get(name)).filter(|value| !value.is_null())
}

/// What the body says to people; some servers have only a text in `error` or `detail`.
fn message(body: &Value) -> Option<&str> {
    let texts = [field(body, "message"), body.get("error"), body.get("detail")];
    texts.into_iter().flatten().filter_map(Value::as_str).find(|text| !text.is_empty())
}

fn detail(body: &Value) -> StatusDetail {
    let text = |name| field(body, name).and_then(Value::as_str).map(str::to_owned);
    let code = field(body, "code").map(|code| code.as_str().map_or_else(|| code.to_string(), str::to_owned));
    let request_id = body.get("request_id").and_then(Value::as_str).map(str::to_owned);
    StatusDetail { kind: text("type"), param: text("param"), code, request_id }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_errors_of_every_server_are_read() {
        for (body, expected, kind) in [
            (json!({"error": {"message": "no", "type": "t"}, "message": "flat"}), Some("no"), Some("t")),
            (json!({"object": "error", "message": "flat", "type": "u"}), Some("flat"), Some("u")),
            (json!({"error": "a text"}), Some("a text"), None),
            (json!({"detail": "of FastAPI"}), Some("of FastAPI"), None),
            (json!({"error": {"message": ""}}), None, None),
            (json!([1]), None, None),
            (Value::Null, None, None),
        ] {
            assert_eq!(message(&body), expected, "{body}");
            assert_eq!(detail(&body).kind.as_deref(), kind, "{body}");
        }
        let numbers = detail(&json!({"error": {"code": 400, "param": "top_p"}, "request_id": "req-1"}));
        assert_eq!(
            (numbers.code.as_deref(), numbers.param.as_deref(), numbers.request_id.as_deref()),
            (Some("400"), Some("top_p"), Some("req-1"))
        );
        assert_eq!(detail(&json!({"error": {"code": "gone"}})).code.as_deref(), Some("gone"));
    }

    #[test]
    fn an_event_that_fails_is_told_from_one_that_does_not() {
        for (event, expected) in [
            (json!({"error": {"message": "m", "code": 504}}), Some((504, "m"))),
            (json!({"type": "error", "error": {"message": "m", "type": "api_error"}}), Some((500, "m"))),
            (json!({"type": "error", "message": "m", "code": "server_error"}), Some((500, "m"))),
            (
                json!({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "m"}}}),
                Some((500, "m")),
            ),
            (json!({"type": "response.created", "response": {"error": null}}), None),
            (json!({"choices": [], "error": null}), None),
        ] {
            let error = failed("url", &event);
            let found = error.as_ref().map(|error| match error {
                Error::Status { status, message, .. } => (*status, message.as_str()),
                other => panic!("{other}"),
            });
            assert_eq!(found, expected, "{event}");
        }
    }
}
