//! [`Form`]: the body of an error in the form that the clients of a route read.

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use serde_json::{Value, json};

use crate::protocol::{ErrorBody, ErrorDetail};

/// How an error is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// Flat and nested fields, both complete; what a failure is before it is dressed.
    Superset,
    /// The nested object alone, as the Responses API has it.
    Nested,
    /// That of Anthropic's API.
    Anthropic,
}

impl Form {
    /// The form of the errors of a path, whether it is a route or not.
    pub(super) fn of(path: &str) -> Self {
        let under = |start: &str| {
            path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if under("/v1/messages") || under("/anthropic") {
            Self::Anthropic
        } else if under("/v1/responses") || under("/responses") {
            Self::Nested
        } else {
            Self::Superset
        }
    }

    /// Writes the error of a response, if it is one, in this form; `name` is the name of the request.
    pub(super) fn dress(self, mut response: Response, name: &str) -> Response {
        let Some(body) = response.extensions().get::<ErrorBody>() else { return response };
        let error = &body.error;
        let text = match self {
            Self::Superset => return response,
            Self::Nested => json!({ "error": nested(error) }),
            Self::Anthropic => json!({
                "type": "error",
                "error": { "type": anthropic_type(error.code), "message": error.message },
                "request_id": name,
            }),
        };
        *response.body_mut() = Body::from(text.to_string());
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response
    }
}

/// An error of the Responses API. There `code` is a word or null, and strict clients do not read a number; `param` is a
/// field of the body, and the message names the place inside of it.
fn nested(error: &ErrorDetail) -> Value {
    let param = error.param.as_deref().and_then(|path| path.split(['.', '[']).next());
    let mut body = json!(error);
    (body["code"], body["param"]) = (json!(error.reason), json!(param));
    body
}

/// The type that Anthropic's API gives to a status.
pub(super) fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        500..=599 => "api_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::super::failure::Failure;
    use super::*;

    async fn dressed(path: &str) -> serde_json::Value {
        let failure = Failure::new(404, "no such thing").into_response();
        let response = Form::of(path).dress(failure, "r7");
        let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.expect("a body in memory");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn each_api_has_its_own_form() {
        for (path, form) in [
            ("/v1/messages", Form::Anthropic),
            ("/v1/messages/count_tokens", Form::Anthropic),
            ("/anthropic/v1/models", Form::Anthropic),
            ("/v1/responses", Form::Nested),
            ("/v1/responses/resp_1", Form::Nested),
            ("/responses/resp_1", Form::Nested),
            ("/v1/responsesX", Form::Superset),
            ("/v1/chat/completions", Form::Superset),
            ("/", Form::Superset),
        ] {
            assert_eq!(Form::of(path), form, "{path}");
        }
    }

    #[test]
    fn a_nested_error_names_a_field_of_the_body() {
        for (path, field) in [("input.0.type", "input"), ("tools[1].name", "tools"), ("stream", "stream")] {
            let body = ErrorBody::new(400, "wrong", Some(path.to_owned()));
            assert_eq!(nested(&body.error)["param"], field);
        }
        assert_eq!(nested(&ErrorBody::new(400, "wrong", None).error)["param"], Value::Null);
        let known = ErrorBody::new(400, "gone", None).with_reason("not_found").error;
        assert_eq!(nested(&known)["code"], "not_found");
    }

    #[test]
    fn an_error_says_the_same_in_every_form() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let body = dressed("/v1/messages").await;
            let error = json!({ "type": "not_found_error", "message": "no such thing" });
            assert_eq!(body, json!({ "type": "error", "error": error, "request_id": "r7" }));
            let body = dressed("/v1/responses").await;
            assert_eq!(body.as_object().map(serde_json::Map::len), Some(1));
            assert_eq!(
                (&body["error"]["message"], &body["error"]["code"]),
                (&json!("no such thing"), &Value::Null)
            );
            let body = dressed("/generate").await;
            assert_eq!((&body["message"], &body["error"]["code"]), (&json!("no such thing"), &json!(404)));
        });
    }
}
