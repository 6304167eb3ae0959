//! BFCL's simple functions: one call of one function, compared with the accepted values of its parameters.
//!
//! The rules are those of the package bfcl-eval 2026.3 (Apache-2.0). Calls come from the server's tool calls or, without
//! any, from Python syntax in the text. Sets of questions that no function fits want no call at all.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::bfcl_check::{Call, problem};
use super::python_literal::parse;
use super::python_value::Python;
use crate::Result;
use crate::score::entry::Setup;
use crate::score::verdict::{accuracy_scores, answered, detail};
use crate::score::{Detail, Evaluate, ScoredItem, Scores};

/// What a set expects of the model.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Expects {
    /// One call with accepted values.
    #[default]
    Call,
    /// No call, since no function fits.
    NoCall,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    expects: Expects,
}

/// The evaluator of BFCL's simple functions.
pub(super) struct Bfcl {
    expects: Expects,
}

impl Bfcl {
    /// Reads the argument `expects`, which is `call` or `no_call`.
    pub(super) fn new(setup: &Setup<'_>) -> Result<Self> {
        Ok(Self { expects: setup.named.arguments::<Arguments>()?.expects })
    }

    fn problem(&self, item: &ScoredItem<'_>) -> Option<String> {
        let calls = match (calls(item), self.expects) {
            // A text without a call is what these sets want.
            (Err(_), Expects::NoCall) => return None,
            (Err(problem), Expects::Call) => return Some(problem),
            (Ok(calls), _) => calls,
        };
        match (self.expects, &calls[..]) {
            (Expects::NoCall, []) => None,
            (Expects::NoCall, calls) => Some(format!("found {} calls, expected none", calls.len())),
            (Expects::Call, [call]) => wrong(call, item),
            (Expects::Call, calls) => Some(format!("found {} calls, expected one", calls.len())),
        }
    }
}

/// What is wrong with a call, by the function and the accepted values of the row.
fn wrong(call: &Call, item: &ScoredItem<'_>) -> Option<String> {
    let functions = match item.columns.get("function") {
        Some(Value::Array(functions)) => functions.first(),
        other => other,
    };
    let Some(function) = functions else { return Some("found no column `function`".to_owned()) };
    let accepted = match &item.answer {
        Value::Array(answers) => answers.first().cloned().unwrap_or_default(),
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => other.clone(),
    };
    let Some((_, Value::Object(accepted))) = accepted.as_object().and_then(|calls| calls.iter().next())
    else {
        return Some("found no accepted values as the expected answer".to_owned());
    };
    problem(call, function, accepted)
}

/// The calls of an answer.
fn calls(item: &ScoredItem<'_>) -> Result<Vec<Call>, String> {
    if item.prediction.calls.is_empty() {
        return written(&item.pred_text());
    }
    let call = |call: &crate::model::FunctionCall| {
        let arguments: Map<String, Value> =
            serde_json::from_str(&call.arguments).map_err(|error| format!("arguments: {error}"))?;
        let arguments = arguments.into_iter().map(|(name, value)| (name, Python::from(&value)));
        Ok(Call { name: call.name.clone(), arguments: arguments.collect() })
    };
    item.prediction.calls.iter().map(call).collect()
}

/// The calls of a text such as `[f(x=1)]`.
fn written(text: &str) -> Result<Vec<Call>, String> {
    let text = text.trim_matches(['`', '\n', ' ']);
    let text = text.strip_prefix("python\n").unwrap_or(text);
    let items = match parse(text)? {
        Python::List(items) | Python::Tuple(items) => items,
        one => vec![one],
    };
    let call = |item: Python| match item {
        // As in the package, arguments without a keyword are not arguments.
        Python::Call { name, keywords, .. } => Ok(Call { name, arguments: keywords }),
        _ => Err("found a value, expected a call".to_owned()),
    };
    items.into_iter().map(call).collect()
}

impl Evaluate for Bfcl {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let judge = |item: &ScoredItem<'_>| {
            let problem = if item.is_answered() { self.problem(item) } else { item.prediction.error.clone() };
            Detail { correct: Some(problem.is_none()), reason: problem, ..detail(item) }
        };
        accuracy_scores("accuracy", items.iter().map(judge).collect(), answered(items))
    }
}
