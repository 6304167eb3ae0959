//! CIBench: what the last call of the interpreter in each step of an experiment gave (`CIBenchEvaluator`).
//!
//! Every step counts for `tool_rate` and `executable`; a step with an expected output also counts for the metric of
//! its kind. Metrics are means over all steps of all experiments, -1 where no step is of the kind.

use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::Regex;
use serde_json::{Value, json};

use super::picture::similarity;
use super::step::{Step, last, turns};
use crate::score::text::rouge_score::measures;
use crate::score::text::words::built_in;
use crate::score::verdict::{answered, detail};
use crate::score::{Evaluate, Metrics, ScoredItem, Scores};

/// Name of the tool.
const INTERPRETER: &str = "IPythonInterpreter";

static VALUE: LazyLock<Regex> = LazyLock::new(|| built_in("(?s)execute_result:\n\n```\n(.*?)\n```"));
static PRINTED: LazyLock<Regex> = LazyLock::new(|| built_in("(?s)stdout:\n\n```\n(.*?)\n```"));
static BLOCK: LazyLock<Regex> = LazyLock::new(|| built_in("(?s)```\n(.*?)\n```"));

/// The evaluator of CIBench.
pub(super) struct CiBench;

/// What an output is compared by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tag {
    Exec,
    General,
    Num,
    Text,
    Vis,
}

impl Tag {
    fn read(word: &str) -> Option<Self> {
        match word {
            "exec" => Some(Self::Exec),
            "general" => Some(Self::General),
            "num" => Some(Self::Num),
            "text" => Some(Self::Text),
            "vis" => Some(Self::Vis),
            _ => None,
        }
    }

    const fn metric(self) -> &'static str {
        match self {
            Self::Exec => "executable",
            Self::General => "general_correct",
            Self::Num => "numeric_correct",
            Self::Text => "text_score",
            Self::Vis => "vis_sim",
        }
    }

    fn score(self, step: &[Step], target: &str) -> f64 {
        match self {
            Self::Exec => 0.0,
            Self::General | Self::Num => correct(step, target),
            Self::Text => text_score(step, target),
            Self::Vis => {
                let image = results(step).find_map(|call| call.image.as_deref());
                image.map_or(0.0, |image| similarity(image, target))
            }
        }
    }
}

/// The calls of the interpreter, the last one first.
fn results(step: &[Step]) -> impl Iterator<Item = &Step> {
    step.iter().rev().filter(|call| call.kind == INTERPRETER)
}

/// The output of a call. Upstream's interpreter puts values and prints into blocks; a text without a block is the output
/// itself.
fn output(text: &str) -> Option<&str> {
    let group = |pattern: &Regex| Some(pattern.captures(text)?.get(1)?.as_str());
    let plain = || (!text.contains("```")).then_some(text);
    group(&VALUE).or_else(|| group(&PRINTED)).or_else(plain)
}

/// 1 if the output contains the expected one.
fn correct(step: &[Step], target: &str) -> f64 {
    let found = results(step).find_map(|call| output(call.text.as_deref()?));
    if found.is_some_and(|found| found.trim().contains(target.trim())) { 1.0 } else { 0.0 }
}

/// ROUGE-1 of the output and the expected one.
fn text_score(step: &[Step], target: &str) -> f64 {
    let block = |text| match BLOCK.captures(text) {
        Some(found) => found.get(1).map(|block| block.as_str()),
        None => output(text),
    };
    let found = results(step).find_map(|call| block(call.text.as_deref()?));
    found.map_or(0.0, |found| measures(found, target)[0])
}

/// The sums and numbers of steps of all metrics, in upstream's order.
#[derive(Clone, Debug, Default)]
struct Totals {
    sums: IndexMap<&'static str, (f64, usize)>,
}

impl Totals {
    fn begin(&mut self, metric: &'static str) -> &mut (f64, usize) {
        self.sums.entry(metric).or_default()
    }

    fn add(&mut self, metric: &'static str, value: f64) {
        let (sum, count) = self.begin(metric);
        *sum += value;
        *count += 1;
    }

    fn metrics(&self) -> Metrics {
        let mean = |(metric, (sum, count)): (&&'static str, &(f64, usize))| {
            ((*metric).to_owned(), if *count > 0 { 100.0 * sum / *count as f64 } else { -1.0 })
        };
        self.sums.iter().map(mean).collect()
    }
}

/// The references of an experiment, which are a table or its JSON.
fn references(item: &ScoredItem<'_>) -> Result<Value, String> {
    let parsed = match &item.answer {
        Value::String(text) => serde_json::from_str(text).map_err(|error| error.to_string())?,
        other => other.clone(),
    };
    match parsed["tags"].is_array() && parsed["outputs"].is_array() {
        true => Ok(parsed),
        false => Err("references: found no `tags` and `outputs`, expected those of an experiment".to_owned()),
    }
}

fn experiment(item: &ScoredItem<'_>, totals: &mut Totals) -> Result<Vec<Value>, String> {
    let references = references(item)?;
    let hard = references["metadata"]["step_types"].as_array().filter(|types| !types.is_empty());
    let kinds: &[Tag] = match hard {
        Some(_) => &[Tag::Exec, Tag::Num, Tag::Text, Tag::Vis],
        None => &[Tag::Exec, Tag::General, Tag::Vis],
    };
    for tag in kinds {
        totals.begin(tag.metric());
    }
    totals.begin("tool_rate");
    let tags = hard.or(references["tags"].as_array()).into_iter().flatten();
    let outputs = references["outputs"].as_array().into_iter().flatten();
    let turns = if item.is_answered() { turns(item) } else { Vec::new() };
    let mut shown = Vec::new();
    for (place, (tag, target)) in tags.zip(outputs).enumerate() {
        let word = tag.as_str().unwrap_or_default();
        let tag = Tag::read(word).ok_or_else(|| format!("tags: found `{word}`, expected a kind of step"))?;
        let step = turns.get(place).map(Vec::as_slice).unwrap_or_default();
        let call = last(step, INTERPRETER);
        let ran = call.is_some_and(|call| !call.failed);
        totals.add("tool_rate", f64::from(u8::from(call.is_some())));
        totals.add(Tag::Exec.metric(), f64::from(u8::from(ran)));
        let mut line = json!({ "tag": word, "tool": call.is_some(), "executable": ran });
        // A step whose expected output is not in the set counts only for the first two metrics.
        if tag != Tag::Exec
            && let Some(target) = target.as_str()
        {
            let score = tag.score(step, target);
            totals.add(tag.metric(), score);
            line["score"] = score.into();
        }
        shown.push(line);
    }
    Ok(shown)
}

impl Evaluate for CiBench {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut totals = Totals::default();
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let mut detail = detail(item);
            match experiment(item, &mut totals) {
                Ok(steps) => {
                    detail.extra.insert("steps".to_owned(), Value::Array(steps));
                }
                Err(problem) => detail.reason = Some(problem),
            }
            details.push(detail);
        }
        Scores { metrics: totals.metrics(), details, answered: answered(items), ..Scores::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> Vec<Step> {
        let other = Step { kind: "Search".to_owned(), ..Step::default() };
        vec![Step { kind: INTERPRETER.to_owned(), text: Some(text.to_owned()), ..Step::default() }, other]
    }

    #[test]
    fn values_come_before_prints_and_texts_without_blocks_are_outputs() {
        let both = "stdout:\n\n```\n5\n```\nexecute_result:\n\n```\n42\n```";
        for (text, target, expected) in [
            (both, "42", 1.0),
            (both, "5", 0.0),
            ("stdout:\n\n```\nthe 5 rows\n```", " 5 ", 1.0),
            ("5\n", "5", 1.0),
            ("error:\n\n```\n5\n```", "5", 0.0),
        ] {
            assert_eq!(Tag::Num.score(&step(text), target), expected, "{text} {target}");
        }
        assert!((Tag::Text.score(&step("the cat"), "the cat") - 1.0).abs() < 1e-12);
        assert_eq!(Tag::Vis.score(&step("x"), "AAAA"), 0.0);
        assert_eq!(Tag::Num.score(&[], "5"), 0.0);
    }
}
