//! T-Eval: the parts that compare meanings (`plan`, `reason`, `understand`; upstream's `PlanningEvaluator` and
//! `ReasonRetrieveUnderstandEvaluator` of OpenCompass 0.5.4). The sentence vectors come from one of the run's judges.

mod matching;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::loose_data::{field, loose_data};
use super::python_value::Python;
use super::teval::datum;
use crate::Result;
use crate::model::{Answer, Request};
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::verdict::{answered, detail};
use crate::score::{Evaluate, FollowUp, Helper, Metrics, Participant, ScoredItem, Scores};
use matching::{longest_rising, matched};

/// Weights of the names and of the arguments of actions.
const NAME_WEIGHT: f64 = 0.75;
const ARGS_WEIGHT: f64 = 0.25;
/// Likeness above which two actions may be matched.
const THRESHOLD: f64 = 0.7;
/// The action that ends a plan.
const FINISH: &str = "FinishAction";

/// A part of T-Eval.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// A list of actions.
    Plan,
    /// The thought before an action.
    Reason,
    /// The arguments of an action.
    Understand,
}

/// Arguments of `teval_meaning`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    subset: Part,
    /// Place of the sentence model in the run's list of judges. Default: the first.
    #[serde(default)]
    judge: usize,
}

/// The evaluator of these parts. The metrics are means in percent.
pub(super) struct Meaning {
    arguments: Arguments,
}

/// An action of a plan.
struct Action {
    id: i128,
    name: String,
    args: String,
}

impl Meaning {
    /// Reads the arguments `subset` and `judge`.
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        Ok(Box::new(Self { arguments: setup.named.arguments()? }))
    }

    /// The texts whose vectors are needed: pairs of answer and expected text, or the names and arguments of two plans.
    fn texts(&self, item: &ScoredItem<'_>) -> Vec<String> {
        match self.arguments.subset {
            Part::Plan => {
                let (ours, theirs) = plans(item);
                let names = ours.iter().chain(&theirs).map(|action| action.name.clone());
                let args = ours.iter().chain(&theirs).map(|action| action.args.clone());
                if ours.is_empty() || theirs.is_empty() { Vec::new() } else { names.chain(args).collect() }
            }
            Part::Reason => pair(item, "thought"),
            Part::Understand => pair(item, "args"),
        }
    }

    /// The values of one item by metric, from 0 to 1.
    fn values(&self, item: &ScoredItem<'_>) -> Vec<(&'static str, f64)> {
        let vectors = match item.evidence.first() {
            Some(Ok(Answer::Vectors { vectors })) => vectors.as_slice(),
            _ => &[],
        };
        let metric = match self.arguments.subset {
            Part::Plan => return plan_values(item, vectors),
            Part::Reason => "thought",
            Part::Understand => "args",
        };
        let likeness = if let [ours, theirs] = vectors { cosine(ours, theirs) } else { 0.0 };
        vec![(metric, likeness), ("parse_rate", 1.0)]
    }
}

/// The answer and the expected text. None if the expected answer is not a dictionary.
fn pair(item: &ScoredItem<'_>, name: &str) -> Vec<String> {
    let datum = datum(item);
    let read = |text: &str| loose_data(text, Some(('{', '}')));
    let expected = match &datum["ground_truth"] {
        Value::String(text) => read(text),
        other => Some(Python::from(other)),
    };
    let member = |data: Option<Python>| {
        let data = data.filter(|data| matches!(data, Python::Dict(_)))?;
        Some(field(&data, name).map_or_else(String::new, printed))
    };
    let ours = match datum["meta_data"]["response_format"] == "json" {
        true => member(read(&item.pred_text())),
        false => Some(item.pred_text()),
    };
    ours.zip(member(expected)).map_or_else(Vec::new, |(ours, theirs)| vec![ours, theirs])
}

/// The plan of the answer and the expected one, without the action that ends them. Both are empty if one cannot be read.
fn plans(item: &ScoredItem<'_>) -> (Vec<Action>, Vec<Action>) {
    let datum = datum(item);
    let expected = match &datum["ground_truth"] {
        Value::String(text) => loose_data(text, Some(('[', ']'))),
        other => Some(Python::from(other)),
    };
    let text = item.pred_text();
    let ours = match datum["meta"]["prompt_type"].as_str() {
        Some("str") => told(&text, &datum["meta"]["API_list"]),
        _ => loose_data(&text, Some(('[', ']'))).and_then(|data| listed(&data)).unwrap_or_default(),
    };
    let theirs = expected.and_then(|data| listed(&data)).unwrap_or_default();
    if ours.is_empty() || theirs.is_empty() { (Vec::new(), Vec::new()) } else { (open(ours), open(theirs)) }
}

/// The actions of a list. `None` if one lacks its name, number or arguments.
fn listed(data: &Python) -> Option<Vec<Action>> {
    let Python::List(items) = data else { return None };
    let action = |item: &Python| {
        let id = match field(item, "id")? {
            Python::Int(id) => *id,
            Python::Text(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        Some(Action { id, name: printed(field(item, "name")?), args: printed(field(item, "args")?) })
    };
    items.iter().map(action).collect()
}

/// The tools that a text names, the first of each sentence.
fn told(text: &str, tools: &Value) -> Vec<Action> {
    let tools: Vec<&str> = tools.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut actions = Vec::new();
    for step in text.replace(". ", "\n").split('\n') {
        let found = tools.iter().filter_map(|tool| Some((step.find(tool)?, *tool)));
        if let Some((_, tool)) = found.min_by_key(|(place, _)| *place) {
            let id = actions.len() as i128;
            actions.push(Action { id, name: tool.to_owned(), args: step.to_owned() });
        }
    }
    actions
}

/// The actions in the order of their numbers, without the one that ends the plan.
fn open(mut actions: Vec<Action>) -> Vec<Action> {
    actions.sort_by_key(|action| action.id);
    if actions.last().is_some_and(|action| action.name == FINISH) {
        actions.pop();
    }
    actions
}

/// Matches the actions of two plans; those matched in a rising order count as right.
fn plan_values(item: &ScoredItem<'_>, vectors: &[Vec<f32>]) -> Vec<(&'static str, f64)> {
    let all = |precision: f64, recall: f64, parsed: bool| {
        let sum = precision + recall;
        let f1 = if sum == 0.0 { 0.0 } else { 2.0 * precision * recall / sum };
        let parsed = f64::from(u8::from(parsed));
        vec![("precision", precision), ("recall", recall), ("f1_score", f1), ("parse_rate", parsed)]
    };
    let (ours, theirs) = plans(item);
    let (height, width) = (ours.len(), theirs.len());
    if height == 0 || width == 0 || vectors.len() != 2 * (height + width) {
        return all(0.0, 0.0, height > 0 && width > 0);
    }
    let (names, args) = vectors.split_at(height + width);
    let likeness = |row: usize, column: usize| {
        let one = |vectors: &[Vec<f32>]| cosine(&vectors[row], &vectors[height + column]);
        let likeness = NAME_WEIGHT * one(names) + ARGS_WEIGHT * one(args);
        if likeness > THRESHOLD { likeness } else { 0.0 }
    };
    let weights: Vec<Vec<f64>> =
        (0..height).map(|row| (0..width).map(|column| likeness(row, column)).collect()).collect();
    let right = longest_rising(&matched(&weights)) as f64;
    all(right / height as f64, right / width as f64, true)
}

/// The cosine of two vectors, 0 if it is negative.
fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let product = |one: &[f32], other: &[f32]| -> f64 {
        one.iter().zip(other).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum()
    };
    let norms = (product(one, one) * product(other, other)).sqrt();
    if norms == 0.0 { 0.0 } else { (product(one, other) / norms).max(0.0) }
}

/// A value as Python's `str` prints it; tuples and sets are printed as lists.
fn printed(value: &Python) -> String {
    python_str(&plain(value))
}

fn plain(value: &Python) -> Value {
    match value {
        Python::None => Value::Null,
        Python::Bool(flag) => json!(flag),
        Python::Int(number) => i64::try_from(*number).map_or_else(|_| json!(number.to_string()), Value::from),
        Python::Float(number) => json!(number),
        Python::Text(text) | Python::Name(text) | Python::Call { name: text, .. } => json!(text),
        Python::List(items) | Python::Tuple(items) | Python::Set(items) => items.iter().map(plain).collect(),
        Python::Dict(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| (printed(key), plain(value)));
            Value::Object(pairs.collect::<Map<String, Value>>())
        }
    }
}

impl Evaluate for Meaning {
    fn participants(&self) -> Vec<Participant> {
        vec![Participant::Vectors(self.arguments.judge)]
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        let texts = if item.evidence.is_empty() { self.texts(item) } else { Vec::new() };
        if texts.is_empty() {
            return Vec::new();
        }
        vec![FollowUp { to: Helper::Judge(self.arguments.judge), request: Request::Embed { texts } }]
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut columns: IndexMap<&'static str, Vec<f64>> = IndexMap::new();
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let mut detail = detail(item);
            for (metric, value) in self.values(item) {
                let value = if item.is_answered() { value } else { 0.0 };
                columns.entry(metric).or_default().push(value);
                detail.extra.insert(metric.to_owned(), value.into());
            }
            details.push(detail);
        }
        let mean = |(metric, values): (&'static str, Vec<f64>)| {
            (metric.to_owned(), 100.0 * values.iter().sum::<f64>() / values.len() as f64)
        };
        let metrics: Metrics = columns.into_iter().map(mean).collect();
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}
