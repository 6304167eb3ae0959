//! What a tool's function gave back, before the name of the tool and the arguments of the call are added.

use serde_json::Value;

use crate::action::{ActionReturn, ActionState, ResultItem};
use crate::python_text::{Layout, NonAscii, json_dumps};

/// The outcome of one call of a function.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Parts of a successful result.
    Parts(Vec<ResultItem>),
    /// A result that the function put together itself.
    Whole(Box<ActionReturn>),
    /// The message of a failure, which the model reads.
    Failed(String),
}

impl Outcome {
    /// Creates a successful outcome that is one text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Parts(vec![ResultItem::text(text)])
    }

    /// Returns the result of the tool `name` for a call with `arguments`.
    #[must_use]
    pub fn into_return(self, name: &str, arguments: &Value) -> ActionReturn {
        match self {
            Self::Parts(parts) => ActionReturn::success(name, arguments.clone(), parts),
            Self::Whole(value) => *value,
            Self::Failed(message) => {
                ActionReturn::error(name, arguments.clone(), ActionState::ApiError, message)
            }
        }
    }
}

impl From<ActionReturn> for Outcome {
    fn from(value: ActionReturn) -> Self {
        Self::Whole(Box::new(value))
    }
}

impl From<Vec<ResultItem>> for Outcome {
    fn from(parts: Vec<ResultItem>) -> Self {
        Self::Parts(parts)
    }
}

impl From<ResultItem> for Outcome {
    fn from(part: ResultItem) -> Self {
        Self::Parts(vec![part])
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Self::Parts(Vec::new())
    }
}

impl From<Value> for Outcome {
    /// A text stays as it is; other values become JSON as lagent prints it.
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::text(text),
            other => Self::text(json_dumps(&other, NonAscii::Keep, Layout::Line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_outcome_becomes_a_result() {
        let arguments = json!({"a": 1});
        let shown = |outcome: Outcome| outcome.into_return("T", &arguments).for_model();
        assert_eq!(shown(json!({"ü": [1, 2]}).into()), "{\"ü\": [1, 2]}");
        assert_eq!(shown(json!("text").into()), "text");
        assert_eq!(shown(().into()), "");
        assert_eq!(shown(ResultItem::file("image", "a.png").into()), "[image](a.png)");
        let value = Outcome::Failed("broken".to_owned()).into_return("T", &arguments);
        assert_eq!(value, ActionReturn::error("T", arguments.clone(), ActionState::ApiError, "broken"));
        let own = ActionReturn::text("other", json!(null), "x").with_url("http://a/");
        assert_eq!(Outcome::from(own.clone()).into_return("T", &arguments), own);
    }
}
