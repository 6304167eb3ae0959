//! T-Eval: the parts that need no sentence vectors (`TEvalEvaluator` of OpenCompass 0.5.4).
//!
//! The parts `plan`, `reason` and `understand` compare meanings by the vectors of a sentence model and are refused by
//! name; of `reason_retrieve_understand` the names of tools and the share of parsed answers are reported.

use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::loose_data::{field, loose_data};
use super::python_literal::literal;
use super::python_value::Python;
use crate::score::entry::Setup;
use crate::score::text::words::built_in;
use crate::score::verdict::{answered, detail};
use crate::score::{Evaluate, Metrics, ScoredItem, Scores};
use crate::{Error, Result};

static DOTTED: LazyLock<Regex> = LazyLock::new(|| built_in(r"\w+\.\w+|FinishAction"));

/// The values of one item by metric, from 0 to 1.
type Values = Vec<(&'static str, f64)>;

/// A part of T-Eval.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Instruct,
    Review,
    ReasonRetrieveUnderstand,
    Retrieve,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    subset: String,
}

/// The evaluator of T-Eval.
pub(super) struct TEval {
    part: Part,
}

impl TEval {
    /// Reads the argument `subset`, which is one of upstream's names.
    pub(super) fn new(setup: &Setup<'_>) -> Result<Self> {
        let subset = setup.named.arguments::<Arguments>()?.subset;
        let part = match subset.strip_suffix("_zh").unwrap_or(&subset) {
            "instruct" => Part::Instruct,
            "review" => Part::Review,
            "reason_retrieve_understand" => Part::ReasonRetrieveUnderstand,
            "retrieve" => Part::Retrieve,
            _ => {
                return Err(Error::Value {
                    place: format!("{}.subset", setup.named.name()),
                    found: format!("`{subset}`"),
                    expected: "instruct, review, reason_retrieve_understand or retrieve (the others need a \
                               sentence model)"
                        .to_owned(),
                });
            }
        };
        Ok(Self { part })
    }

    fn values(&self, item: &ScoredItem<'_>) -> Values {
        let datum = datum(item);
        let text = item.pred_text();
        match self.part {
            Part::Instruct => instruct(&text, &datum),
            Part::Review => review(&text, &datum),
            Part::ReasonRetrieveUnderstand => named(&text, &datum),
            Part::Retrieve => retrieve(&text, &datum),
        }
    }
}

/// The entry of a question: the expected answer is the whole entry, as upstream's loader has it, or the row is.
pub(super) fn datum(item: &ScoredItem<'_>) -> Value {
    let answer: Value = match &item.answer {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => other.clone(),
    };
    if answer.get("ground_truth").is_some() { answer } else { Value::Object(item.columns.clone()) }
}

/// Whether the format of a call is right, and the share of its name and arguments that is.
fn instruct(text: &str, datum: &Value) -> Values {
    let template = &datum["template"];
    let (names, call) = match datum["meta_data"]["response_format"] == "json" {
        true => (["json_format_metric", "json_args_em_metric"], json_call(text, template)),
        false => (["string_format_metric", "string_args_em_metric"], string_call(text, template)),
    };
    let Some((action, arguments)) = call else { return names.map(|name| (name, 0.0)).to_vec() };
    let expected = &datum["ground_truth"];
    let mut right = usize::from(action == Python::from(&expected["action"]));
    let mut count = 1;
    for (name, value) in expected["args"].as_object().into_iter().flatten() {
        count += 1;
        let empty = Python::Text(String::new());
        let found = field(&arguments, name).unwrap_or(&empty);
        right += usize::from(found.equals(&Python::from(value)));
    }
    vec![(names[0], 1.0), (names[1], right as f64 / f64::from(count))]
}

/// Name and arguments of a call in JSON. All three fields have to be there.
fn json_call(text: &str, template: &Value) -> Option<(Python, Python)> {
    let data = loose_data(text, None)?;
    let part = |name: &str| field(&data, template[name].as_str()?).cloned();
    part("thought")?;
    Some((part("action")?, dictionary(part("args")?)))
}

/// Name and arguments of a call between the marks of a template. Upstream takes the marks for regular expressions.
fn string_call(text: &str, template: &Value) -> Option<(Python, Python)> {
    let mark = |name: &str| template[name].as_str().unwrap_or_default().to_owned();
    let parts = ["thought", "action", "args"];
    let parts =
        parts.map(|part| format!("{}(.*){}", mark(&format!("{part}_start")), mark(&format!("{part}_end"))));
    let pattern = Regex::new(&format!("(?s){}", parts.concat())).ok()?;
    let found = pattern.captures(text)?;
    let group = |place: usize| found.get(place).map_or("", |group| group.as_str().trim());
    let arguments = literal(group(3)).unwrap_or(Python::None);
    Some((Python::Text(group(2).to_owned()), dictionary(arguments)))
}

fn dictionary(value: Python) -> Python {
    if matches!(value, Python::Dict(_)) { value } else { Python::Dict(Vec::new()) }
}

fn review(text: &str, datum: &Value) -> Values {
    let rates = |parsed: bool, right: bool| {
        let rate = |holds: bool| f64::from(u8::from(holds));
        vec![("parse_rate", rate(parsed)), ("review_quality", rate(right))]
    };
    if datum["meta_data"]["response_format"] == "json" {
        // Upstream compares a table with a letter here, which is never equal.
        let data = loose_data(text, None);
        let finished = data.as_ref().and_then(|data| field(data, "is_finished"));
        return rates(matches!(finished, Some(Python::Bool(_))), false);
    }
    let answer = text.split_once(':').map_or(text, |(_, answer)| answer).trim();
    let letter = answer.chars().next().filter(|letter| ('A'..='E').contains(letter));
    let right = letter.is_some_and(|letter| datum["ground_truth"]["answer"] == letter.to_string().as_str());
    rates(letter.is_some(), right)
}

/// The expected name of the tool. Upstream makes an empty text of a name that is missing.
fn expected_name(datum: &Value) -> Option<String> {
    let data = match &datum["ground_truth"] {
        Value::String(text) => loose_data(text, Some(('{', '}'))),
        other => Some(Python::from(other)),
    };
    data.filter(|data| matches!(data, Python::Dict(_))).map(|data| name(&data))
}

fn name(data: &Python) -> String {
    match field(data, "name") {
        Some(Python::Text(name)) => name.clone(),
        _ => String::new(),
    }
}

fn named(text: &str, datum: &Value) -> Values {
    let data = loose_data(text, Some(('{', '}'))).filter(|data| matches!(data, Python::Dict(_)));
    match (data, expected_name(datum)) {
        (Some(data), Some(expected)) => {
            let right = f64::from(u8::from(name(&data) == expected));
            vec![("name", right), ("parse_rate", 1.0)]
        }
        _ => vec![("name", 0.0), ("parse_rate", 0.0)],
    }
}

fn retrieve(text: &str, datum: &Value) -> Values {
    let right = expected_name(datum).is_some_and(|expected| {
        text.contains(&expected) && DOTTED.find_iter(text).all(|found| found.as_str() == expected)
    });
    vec![("name", f64::from(u8::from(right))), ("parse_rate", 1.0)]
}

impl Evaluate for TEval {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut columns: IndexMap<&'static str, Vec<f64>> = IndexMap::new();
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let mut detail = detail(item);
            let mut values = self.values(item);
            if !item.is_answered() {
                values.iter_mut().for_each(|(_, value)| *value = 0.0);
            }
            for (metric, value) in values {
                columns.entry(metric).or_default().push(value);
                detail.extra.insert(metric.to_owned(), value.into());
            }
            details.push(detail);
        }
        let rounded = matches!(self.part, Part::Instruct | Part::Review);
        let mean = |(metric, values): (&'static str, Vec<f64>)| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let mean = if rounded { (mean * 1e4).round_ties_even() / 1e4 } else { mean };
            (metric.to_owned(), 100.0 * mean)
        };
        let metrics: Metrics = columns.into_iter().map(mean).collect();
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}
