//! [`Step`]: one call of a tool, as agents report it in their steps.
//!
//! Two forms are read: that of upstream's agents, whose results are tables (`{"text": ..., "image_path": ...}`), and
//! that of lagent's `ActionReturn`, whose results are lists of parts. Images may be `data:` addresses.

use serde_json::Value;

use crate::score::ScoredItem;

/// One call of a tool with what came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Step {
    /// Name of the tool.
    pub(super) kind: String,
    /// Whether the call failed.
    pub(super) failed: bool,
    /// Text of the result; absent after a failure.
    pub(super) text: Option<String>,
    /// The first image of the result, as the agent wrote it.
    pub(super) image: Option<String>,
}

impl Step {
    fn read(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (found, image) = match &value["result"] {
            Value::Array(parts) => {
                let of = |kind: &str| {
                    let part = parts.iter().filter(move |part| part["type"] == kind);
                    part.filter_map(|part| part["content"].as_str().map(str::to_owned)).collect::<Vec<_>>()
                };
                let texts = of("text");
                ((!texts.is_empty()).then(|| texts.join("\n")), of("image").into_iter().next())
            }
            Value::Object(parts) => {
                let image = parts.get("image_path").and_then(Value::as_str).and_then(linked);
                (parts.get("text").and_then(text), image)
            }
            _ => (None, None),
        };
        Self {
            kind: value["type"].as_str().unwrap_or_default().to_owned(),
            // Upstream asks whether the message is empty.
            failed: value["errmsg"].as_str().is_some_and(|message| !message.is_empty()),
            text: found,
            image,
        }
    }
}

/// The address in a Markdown image such as `![fig-001](figures/a.png)`.
fn linked(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("![fig-")?;
    let (_, rest) = rest.split_once("](")?;
    rest.split_once(')').map(|(address, _)| address.to_owned())
}

/// Returns the steps of an item, one list per turn of its conversation.
pub(super) fn turns(item: &ScoredItem<'_>) -> Vec<Vec<Step>> {
    let Some(steps) = item.prediction.record["steps"].as_array() else { return Vec::new() };
    if steps.iter().all(Value::is_array) && !steps.is_empty() {
        let turn = |turn: &Value| turn.as_array().into_iter().flatten().map(Step::read).collect();
        return steps.iter().map(turn).collect();
    }
    vec![steps.iter().map(Step::read).collect()]
}

/// Returns the last call of the tool `kind`.
pub(super) fn last<'a>(steps: &'a [Step], kind: &str) -> Option<&'a Step> {
    steps.iter().rev().find(|step| step.kind == kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_of_results_are_read() {
        let upstream = json!({"type": "P", "errmsg": null, "args": {},
            "result": {"text": "4", "image_path": "![fig-001](a/b.png)"}});
        let ours = json!({"type": "P", "errmsg": null, "state": 0, "args": {},
            "result": [{"type": "text", "content": "4"}, {"type": "image", "content": "a/b.png"}]});
        let expected = Step {
            kind: "P".to_owned(),
            failed: false,
            text: Some("4".to_owned()),
            image: Some("a/b.png".to_owned()),
        };
        assert_eq!([Step::read(&upstream), Step::read(&ours)], [expected.clone(), expected]);
        let failed = Step::read(&json!({"type": "P", "errmsg": "no", "result": []}));
        assert!(failed.failed && failed.text.is_none());
        assert_eq!(Step::read(&Value::Null), Step::default());
    }
}
