//! The error body: one superset of flat and nested fields that every client reads.

use serde::{Deserialize, Serialize};

/// Maximum number of characters of a text in an error. What it quotes may be as long as a request.
const LENGTH: usize = 1000;
/// How many characters of a longer text are kept at its beginning, and at its end, where the expected value is.
const KEPT: [usize; 2] = [600, 300];

/// What every route answers when it fails: the nested object, and the same fields flat.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct ErrorBody {
    /// The nested form, which OpenAI clients read.
    pub error: ErrorDetail,
    /// The flat form, which upstream's clients read.
    #[serde(flatten)]
    pub flat: ErrorDetail,
}

/// The fields of an error.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct ErrorDetail {
    /// What went wrong, in words for people.
    pub message: String,
    /// `invalid_request_error`, `not_found_error`, `rate_limit_error`, `server_error`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Path of the field that is wrong, such as `messages[0].role`.
    pub param: Option<String>,
    /// The HTTP status of the answer; 0 when another server did not say.
    #[serde(deserialize_with = "status_number")]
    pub code: u16,
    /// Kind of the body: always `error`.
    pub object: String,
    /// Number of tokens in a prompt that is too long; llama.cpp's name of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_prompt_tokens: Option<u64>,
    /// The context that such a prompt does not fit into, in tokens; llama.cpp's name of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_ctx: Option<u64>,
    /// A word for the reason, which is the `code` of an error of the Responses API.
    #[serde(skip)]
    pub reason: Option<&'static str>,
}

impl ErrorBody {
    /// The body for `status` with its usual `type`. The middle of a very long message is left out.
    #[must_use]
    pub fn new(status: u16, message: impl Into<String>, param: Option<String>) -> Self {
        let kind = match status {
            401 => "authentication_error",
            404 => "not_found_error",
            409 => "conflict",
            429 => "rate_limit_error",
            504 => "timeout_error",
            500..=599 => "server_error",
            _ => "invalid_request_error",
        };
        let detail = ErrorDetail {
            message: shortened(message.into()),
            kind: kind.to_owned(),
            param: param.map(shortened),
            code: status,
            object: "error".to_owned(),
            ..ErrorDetail::default()
        };
        Self { error: detail.clone(), flat: detail }
    }

    /// The same body with the lengths of a prompt and of the context, both in tokens.
    #[must_use]
    pub fn with_lengths(mut self, prompt: u64, context: u64) -> Self {
        for detail in [&mut self.error, &mut self.flat] {
            (detail.n_prompt_tokens, detail.n_ctx) = (Some(prompt), Some(context));
        }
        self
    }

    /// The same body with a word for the reason.
    #[must_use]
    pub fn with_reason(mut self, reason: &'static str) -> Self {
        (self.error.reason, self.flat.reason) = (Some(reason), Some(reason));
        self
    }

    /// The message, whichever form the server used.
    #[must_use]
    pub fn message(&self) -> &str {
        if self.error.message.is_empty() { &self.flat.message } else { &self.error.message }
    }
}

/// A text without its middle when it is too long.
fn shortened(text: String) -> String {
    let count = text.chars().count();
    if count <= LENGTH {
        return text;
    }
    let [first, last] = KEPT;
    let start: String = text.chars().take(first).collect();
    let end: String = text.chars().skip(count - last).collect();
    format!("{start} ... ({count} characters) ... {end}")
}

/// Reads a status. Other servers put null or a word there, which is read as 0.
fn status_number<'de, D: serde::Deserializer<'de>>(input: D) -> Result<u16, D::Error> {
    let value = serde_json::Value::deserialize(input)?;
    Ok(value.as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_complete() {
        let body = serde_json::to_value(ErrorBody::new(404, "no such model", None)).expect("serializes");
        for place in [&body, &body["error"]] {
            assert_eq!(place["message"], "no such model");
            assert_eq!(place["type"], "not_found_error");
            assert_eq!(place["code"], 404);
            assert_eq!(place["object"], "error");
        }
    }

    #[test]
    fn lengths_are_in_both_forms_and_a_reason_in_none() {
        let body = ErrorBody::new(400, "too long", None).with_lengths(300, 256).with_reason("why");
        let written = serde_json::to_value(&body).expect("serializes");
        for place in [&written, &written["error"]] {
            assert_eq!((place["n_prompt_tokens"].as_u64(), place["n_ctx"].as_u64()), (Some(300), Some(256)));
            assert_eq!(place.get("reason"), None);
        }
        let read: ErrorBody = serde_json::from_value(written).expect("parses");
        assert_eq!((read.error.n_ctx, read.flat.n_prompt_tokens), (Some(256), Some(300)));
        let plain = serde_json::to_value(ErrorBody::new(400, "wrong", None)).expect("serializes");
        assert_eq!((plain.get("n_ctx"), plain["error"].get("n_prompt_tokens")), (None, None));
    }

    #[test]
    fn long_texts_keep_both_ends() {
        let long = format!("seed: found \"{}\", expected a number", "\u{e9}".repeat(100_000));
        let body = ErrorBody::new(400, long, Some("p".repeat(5000)));
        let message = body.message();
        assert!(
            message.starts_with("seed: found \"\u{e9}") && message.ends_with("\u{e9}\", expected a number")
        );
        assert!(message.contains(" ... (100033 characters) ... ") && message.chars().count() <= LENGTH);
        assert!(body.error.param.is_some_and(|param| param.len() <= LENGTH));
        let fits = "a".repeat(LENGTH);
        assert_eq!(ErrorBody::new(400, fits.clone(), None).message(), fits);
    }

    #[test]
    fn reads_the_nested_form_of_other_servers() {
        let body: ErrorBody =
            serde_json::from_str(r#"{"error":{"message":"m","type":"t","code":"model_not_found"}}"#)
                .expect("parses");
        assert_eq!((body.message(), body.error.code), ("m", 0));
    }
}
