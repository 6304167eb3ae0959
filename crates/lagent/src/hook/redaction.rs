//! `Redaction`: replaces secrets by value, so that neither the model nor the caller reads them.

use internlm_model::chat::Message;
use serde_json::Value;

use super::{Hook, PendingAction, Refusal};
use crate::action::ActionReturn;

/// What is written where a secret was.
const MASK: &str = "***";

/// Replaces the given texts by `***` in questions, answers and results.
///
/// The arguments of calls are left alone: a tool may need the secret that a person told it.
#[derive(Clone)]
pub struct Redaction {
    /// Sorted by falling length, so that a secret that contains another one is replaced as a whole.
    secrets: Vec<String>,
}

impl Redaction {
    /// Creates a hook for these secrets. Empty texts are ignored.
    #[must_use]
    pub fn new<T: Into<String>>(secrets: impl IntoIterator<Item = T>) -> Self {
        let mut secrets: Vec<String> =
            secrets.into_iter().map(Into::into).filter(|secret| !secret.is_empty()).collect();
        secrets.sort_by(|left, right| right.len().cmp(&left.len()).then_with(|| left.cmp(right)));
        secrets.dedup();
        Self { secrets }
    }

    /// Returns the text without secrets.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
    }

    fn message(&self, message: &mut Message) {
        if let Some(content) = &mut message.content {
            *content = self.mask(content);
        }
        for call in &mut message.calls {
            call.body = self.mask(&call.body);
        }
        for value in message.fields.values_mut() {
            self.value(value);
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.mask(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.value(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl Hook for Redaction {
    fn before_agent(&self, _: &str, messages: &mut Vec<Message>) -> Result<(), Refusal> {
        messages.iter_mut().for_each(|message| self.message(message));
        Ok(())
    }

    fn after_agent(&self, _: &str, answer: &mut Message) {
        self.message(answer);
    }

    fn after_action(&self, _: &PendingAction, value: &mut ActionReturn) {
        self.value(&mut value.args);
        for item in &mut value.result {
            item.content = self.mask(&item.content);
        }
        for text in [&mut value.errmsg, &mut value.url, &mut value.thought].into_iter().flatten() {
            *text = self.mask(text);
        }
    }
}

impl std::fmt::Debug for Redaction {
    /// Shows the number of secrets and never the secrets themselves.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Redaction").field("secrets", &self.secrets.len()).finish()
    }
}
