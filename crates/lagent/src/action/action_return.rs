//! The result of a tool call, in the JSON form of lagent's `ActionReturn` (`schema.py`).

use std::path::Path;

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

/// What the call means for the conversation. The numbers are those of lagent's `ActionValidCode`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "i32", try_from = "i32")]
pub enum ActionValid {
    /// 1: the call ends the question, its result is the answer.
    Finish,
    /// 0: an ordinary call.
    #[default]
    Open,
    /// -1: the tool takes no further calls.
    Closed,
    /// -2: there is no tool of this name.
    Invalid,
    /// -3: the reply contains no call.
    Absent,
}

impl ActionValid {
    fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

impl From<ActionValid> for i32 {
    fn from(valid: ActionValid) -> Self {
        match valid {
            ActionValid::Finish => 1,
            ActionValid::Open => 0,
            ActionValid::Closed => -1,
            ActionValid::Invalid => -2,
            ActionValid::Absent => -3,
        }
    }
}

impl TryFrom<i32> for ActionValid {
    type Error = String;

    fn try_from(number: i32) -> Result<Self, String> {
        [Self::Finish, Self::Open, Self::Closed, Self::Invalid, Self::Absent]
            .into_iter()
            .find(|valid| i32::from(*valid) == number)
            .ok_or_else(|| format!("found the action validity {number}, expected -3 to 1"))
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

impl ResultItem {
    /// Creates a part that is text.
    #[must_use]
    pub fn text(content: impl Into<String>) -> Self {
        Self { kind: "text".to_owned(), content: content.into() }
    }

    /// Creates a part that is in a file. `kind` is `image`, `audio` or `file`.
    #[must_use]
    pub fn file(kind: &str, path: impl AsRef<Path>) -> Self {
        Self { kind: kind.to_owned(), content: path.as_ref().display().to_string() }
    }
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
    /// Address that the result comes from; absent if it was computed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the model wrote in front of the call; absent unless a protocol keeps it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thought: Option<String>,
    /// What the call means for the conversation. Not serialized when it is an ordinary call.
    #[serde(default, skip_serializing_if = "ActionValid::is_open")]
    pub valid: ActionValid,
}

impl ActionReturn {
    /// Creates a successful result from its parts.
    #[must_use]
    pub fn success(kind: impl Into<String>, args: Value, result: Vec<ResultItem>) -> Self {
        Self {
            kind: kind.into(),
            args,
            result,
            errmsg: None,
            state: ActionState::Success,
            url: None,
            thought: None,
            valid: ActionValid::Open,
        }
    }

    /// Creates a successful result that consists of one text.
    #[must_use]
    pub fn text(kind: impl Into<String>, args: Value, text: impl Into<String>) -> Self {
        Self::success(kind, args, vec![ResultItem::text(text)])
    }

    /// Creates a failure. `message` is what the model reads, so it should say what to do differently.
    #[must_use]
    pub fn error(
        kind: impl Into<String>,
        args: Value,
        state: ActionState,
        message: impl Into<String>,
    ) -> Self {
        Self { errmsg: Some(message.into()), state, ..Self::success(kind, args, Vec::new()) }
    }

    /// Returns the same result with the address that it comes from.
    #[must_use]
    pub fn with_url(self, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// Returns the same result with another meaning for the conversation.
    #[must_use]
    pub fn with_valid(self, valid: ActionValid) -> Self {
        Self { valid, ..self }
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
        assert!(serde_json::from_str::<ActionValid>("2").is_err());
    }

    #[test]
    fn what_differs_from_an_ordinary_call_is_written() {
        let value =
            ActionReturn::text("T", Value::Null, "x").with_url("http://a/").with_valid(ActionValid::Finish);
        let json = serde_json::to_string(&value).expect("serializes");
        let expected = concat!(
            r#"{"type":"T","args":null,"result":[{"type":"text","content":"x"}],"#,
            r#""errmsg":null,"state":0,"url":"http://a/","valid":1}"#,
        );
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<ActionReturn>(&json).expect("parses"), value);
        let upstream = r#"{"args":{},"url":null,"type":"T","result":[],"errmsg":null,"state":0,"thought":null,"valid":-3}"#;
        let value = serde_json::from_str::<ActionReturn>(upstream).expect("parses");
        assert_eq!(value.valid, ActionValid::Absent);
    }

    #[test]
    fn items_are_joined_and_marked() {
        let mut value = ActionReturn::text("T", Value::Null, "one");
        value.result.push(ResultItem::file("image", "a.png"));
        assert_eq!(value.for_model(), "one\n[image](a.png)");
    }
}
