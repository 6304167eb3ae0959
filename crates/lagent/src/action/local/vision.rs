//! `ImageDescription` and `VQA`: questions about pictures to a vision model behind an `OpenAI`-like endpoint.

use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::form::media_type;
use super::local_tool::{Consent, Definition, Means};
use super::service::data_url;
use crate::action::ResultItem;
use crate::action::parameter::text;

/// The route that answers.
const ROUTE: &str = "chat/completions";
/// The model of a service that does not set `extra.model`.
const MODEL: &str = "gpt-4o-mini";
/// The question behind a description.
const DESCRIBE: &str = "Describe this picture in one or two sentences.";

pub(super) const DESCRIPTION: Definition = Definition {
    name: "ImageDescription",
    group: "image",
    description: "Describes what a picture shows, by a vision model.",
    parameters: &[text("image", "Path of the picture.")],
    means: Means::Service,
    needs: "a vision model; describe_image measures without one",
    consent: Consent::NotNeeded,
    run: |call| Ok(vec![ResultItem::text(ask(call, "image", DESCRIBE)?)]),
};

pub(super) const VQA: Definition = Definition {
    name: "VQA",
    group: "image",
    description: "Answers a question about a picture, by a vision model.",
    parameters: &[text("image", "Path of the picture."), text("question", "The question.")],
    means: Means::Service,
    needs: "a vision model",
    consent: Consent::NotNeeded,
    run: |call| Ok(vec![ResultItem::text(ask(call, "image", call.text("question")?)?)]),
};

/// Asks a vision model about the picture that a parameter names.
pub(super) fn ask(call: &Call<'_>, parameter: &str, question: &str) -> Result<String, Failure> {
    let image = call.input(parameter)?;
    let url = data_url(media_type(&image.name), &image.bytes);
    let content = json!([
        {"type": "text", "text": question},
        {"type": "image_url", "image_url": {"url": url}},
    ]);
    converse(call, content)
}

/// Sends one message of the user and returns the text of the reply.
pub(super) fn converse(call: &Call<'_>, content: Value) -> Result<String, Failure> {
    let api = call.required_api()?;
    let body = json!({"model": api.model(MODEL), "messages": [{"role": "user", "content": content}]});
    let answer = api.ask(ROUTE, body)?;
    let text = answer.pointer("/choices/0/message/content").and_then(Value::as_str);
    text.map(|text| text.trim().to_owned()).ok_or_else(|| {
        Failure::service(format!("{ROUTE}: found {answer}, expected choices[0].message.content"))
    })
}
