//! The result of a tool call, in the JSON form of lagent's `ActionReturn` (`schema.py`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state of a call. The numbers are those of lagent's `ActionStatusCode`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "i32", try_from = "i32")]
pub enum ActionState {
    /// 0: the tool returned a result.
    Success,
    /// 1: the tool is still running; only services that answer in pieces use it.
    Ongoing,
    /// -1000: a service that the tool needs could not be reached.
    HttpError,
    /// -1001: an argument is missing or has the wrong type.
    ArgsError,
    /// -1002: the tool ran and failed.
    ApiError,
}

impl From<ActionState> for i32 {
    fn from(state: ActionState) -> Self {
        match state {
            ActionState::Success => 0,
            ActionState::Ongoing => 1,
            ActionState::HttpError => -1000,
            ActionState::ArgsError => -1001,
            ActionState::ApiError => -1002,
        }
    }
}

impl TryFrom<i32> for ActionState {
    type Error = String;

    fn try_from(number: i32) -> Result<Self, String> {
        [Self::Success, Self::Ongoing, Self::HttpError, Self::ArgsError, Self::ApiError]
            .into_iter()
            .find(|state| i32::from(*state) == number)
            .ok_or_else(|| format!("found the action state {number}, expected 0, 1, -1000, -1001 or -1002"))
    }
}

/// One part of a result: a tool may return a text and several images.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResultItem {
    /// `text`, `image` or another media type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text itself, or the path or URL of anything that is not text.
    pub content: String,
}

/// The outcome of one call: parts of a result, or an error message.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ActionReturn {
    /// The name of the tool that ran.
    #[serde(rename = "type")]
    pub kind: String,
    /// The arguments as the tool received them.
    pub args: Value,
    /// Parts of the result in order; empty after a failure.
    #[serde(default)]
    pub result: Vec<ResultItem>,
    /// The error message that the model reads; absent after a success.
    #[serde(default)]
    pub errmsg: Option<String>,
    /// Success, or the kind of failure.
    pub state: ActionState,
}

impl ActionReturn {
    /// Creates a successful result that consists of one text.
    #[must_use]
    pub fn text(kind: impl Into<String>, args: Value, text: impl Into<String>) -> Self {
        let item = ResultItem { kind: "text".to_owned(), content: text.into() };
        Self { kind: kind.into(), args, result: vec![item], errmsg: None, state: ActionState::Success }
    }

    /// Creates a failure. `message` is what the model reads, so it should say what to do differently.
    #[must_use]
    pub fn error(
        kind: impl Into<String>,
        args: Value,
        state: ActionState,
        message: impl Into<String>,
    ) -> Self {
        Self { kind: kind.into(), args, result: Vec::new(), errmsg: Some(message.into()), state }
    }

    /// Returns the text that goes back to the model: the error message, or all parts joined by newlines.
    /// A part that is not text is written as `[type](content)`.
    #[must_use]
    pub fn for_model(&self) -> String {
        if let Some(message) = &self.errmsg {
            return message.clone();
        }
        let items = self.result.iter().map(|item| match item.kind.as_str() {
            "text" => item.content.clone(),
            kind => format!("[{kind}]({})", item.content),
        });
        items.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_lagents_and_comes_back() {
        let value = ActionReturn::error("T", Value::Null, ActionState::ApiError, "broken");
        let json = serde_json::to_string(&value).expect("serializes");
        assert_eq!(json, r#"{"type":"T","args":null,"result":[],"errmsg":"broken","state":-1002}"#);
        assert_eq!(serde_json::from_str::<ActionReturn>(&json).expect("parses"), value);
        assert!(serde_json::from_str::<ActionState>("7").is_err());
    }

    #[test]
    fn items_are_joined_and_marked() {
        let mut value = ActionReturn::text("T", Value::Null, "one");
        value.result.push(ResultItem { kind: "image".into(), content: "a.png".into() });
        assert_eq!(value.for_model(), "one\n[image](a.png)");
    }
}
