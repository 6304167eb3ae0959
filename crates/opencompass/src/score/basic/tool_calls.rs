//! `tool_call`: the answer is exactly one well-formed call of an offered tool.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{CallCheck, check_call};
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::verdict::{accuracy_scores, answered, detail};
use crate::score::{Detail, Evaluate, ScoredItem, Scores};

/// Arguments of `tool_call`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    argument: Option<String>,
}

/// Scores tool calls: `accuracy` is the share of well-formed calls, `argument_accuracy` the share of calls that also ask
/// for the right thing.
pub(super) struct ToolCalls {
    /// Name of the argument that is compared with the column of the same name. Default: only the form of the call is
    /// judged.
    argument: Option<String>,
    /// The tools on offer.
    tools: Vec<Value>,
}

impl ToolCalls {
    pub(super) fn new(setup: &Setup<'_>) -> Result<Self> {
        let Arguments { argument } = setup.named.arguments()?;
        Ok(Self { argument, tools: setup.dataset.infer.tools.clone() })
    }
}

impl Evaluate for ToolCalls {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut right = 0_usize;
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let calls = &item.prediction.calls;
            let mut detail = Detail { correct: Some(false), pred: json!(calls), ..detail(item) };
            match check_call(calls, &self.tools) {
                _ if !item.is_answered() => {}
                CallCheck::Malformed(reason) => detail.reason = Some(reason),
                CallCheck::WellFormed(arguments) => {
                    detail.correct = Some(true);
                    let column = self.argument.as_deref();
                    let expected = column.and_then(|column| Some((column, item.columns.get(column)?)));
                    if let Some((column, expected)) = expected {
                        let found = arguments.get(column).map(python_str).unwrap_or_default();
                        let equal = without_spaces(&found) == without_spaces(&python_str(expected));
                        right += usize::from(equal);
                        detail.reason = (!equal)
                            .then(|| format!("found {column} {found}, expected {}", python_str(expected)));
                    }
                }
            }
            details.push(detail);
        }
        let count = details.len();
        let mut scores = accuracy_scores("accuracy", details, answered(items));
        if self.argument.is_some() && count > 0 {
            scores.metrics.insert("argument_accuracy".to_owned(), 100.0 * right as f64 / count as f64);
        }
        scores
    }
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}
