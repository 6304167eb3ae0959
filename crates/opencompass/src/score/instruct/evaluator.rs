//! `ifeval`: shares of followed instructions, strict and loose, by prompt and by instruction.

use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::check::{follows, is_approximate};
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};

/// Checks the instructions of each row, which are in `instruction_id_list` and `kwargs` of the expected answer or, if
/// it is not an object, of the row.
///
/// Loose means that one of eight variants of the answer follows the instruction: without the first line, the last line
/// or both, and each with and without asterisks.
pub(super) struct IfEval;

/// Verdicts on the instructions of one item.
#[derive(Default)]
struct Followed {
    strict: Vec<bool>,
    loose: Vec<bool>,
    problem: Option<String>,
}

impl Evaluate for IfEval {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let (mut strict, mut loose) = (Tally::default(), Tally::default());
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let source = item.answer.as_object().unwrap_or(item.columns);
            let (instructions, kwargs) = (list(source, "instruction_id_list"), list(source, "kwargs"));
            let followed = if item.is_answered() {
                followed(instructions, kwargs, &item.pred_text())
            } else {
                let none = vec![false; instructions.len()];
                Followed { strict: none.clone(), loose: none, problem: None }
            };
            strict.count(&followed.strict);
            loose.count(&followed.loose);
            let (is_strict, is_loose) = (all(&followed.strict), all(&followed.loose));
            let mut detail = Detail { correct: Some(is_strict), ..detail(item) };
            let grade = if is_strict {
                "strict"
            } else if is_loose {
                "loose"
            } else {
                "none"
            };
            detail.extra.insert("is_strict_correct".to_owned(), json!(is_strict));
            detail.extra.insert("is_loose_correct".to_owned(), json!(is_loose));
            detail.extra.insert("grade".to_owned(), json!(grade));
            let approximate =
                instructions.iter().filter_map(Value::as_str).filter(|name| is_approximate(name));
            let approximate: Vec<&str> = approximate.collect();
            if !approximate.is_empty() {
                detail.extra.insert("approximate".to_owned(), json!(approximate));
            }
            detail.reason = detail.reason.or(followed.problem);
            details.push(detail);
        }
        let mut metrics = Metrics::new();
        if !items.is_empty() {
            for (name, tally) in [("strict", &strict), ("loose", &loose)] {
                metrics.insert(format!("Prompt-level-{name}-accuracy"), percent(tally.prompts, items.len()));
                metrics
                    .insert(format!("Inst-level-{name}-accuracy"), percent(tally.right, tally.instructions));
            }
        }
        Scores {
            metrics,
            details,
            answered: answered(items),
            correct: Some(strict.prompts),
            ..Scores::default()
        }
    }
}

/// Numbers of followed prompts and instructions.
#[derive(Default)]
struct Tally {
    prompts: usize,
    right: usize,
    instructions: usize,
}

impl Tally {
    fn count(&mut self, verdicts: &[bool]) {
        self.prompts += usize::from(all(verdicts));
        self.right += verdicts.iter().filter(|verdict| **verdict).count();
        self.instructions += verdicts.len();
    }
}

fn all(verdicts: &[bool]) -> bool {
    verdicts.iter().all(|verdict| *verdict)
}

fn percent(number: usize, total: usize) -> f64 {
    if total == 0 { 0.0 } else { number as f64 / total as f64 * 100.0 }
}

fn list<'a>(source: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    source.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

fn followed(instructions: &[Value], kwargs: &[Value], text: &str) -> Followed {
    let mut followed = Followed::default();
    if instructions.is_empty() {
        followed.problem = Some("row: found no `instruction_id_list`, expected instructions".to_owned());
        followed.strict.push(false);
        followed.loose.push(false);
    }
    let variants = variants(text);
    let nothing = Map::new();
    for (place, instruction) in instructions.iter().enumerate() {
        let name = instruction.as_str().unwrap_or_default();
        let arguments = Arguments(kwargs.get(place).and_then(Value::as_object).unwrap_or(&nothing));
        let mut check = |text: &str| {
            let verdict = if text.trim().is_empty() { Ok(false) } else { follows(name, arguments, text) };
            verdict.unwrap_or_else(|problem| {
                followed.problem = Some(problem);
                false
            })
        };
        let strict = check(text);
        let loose = strict || variants.iter().any(|variant| check(variant));
        followed.strict.push(strict);
        followed.loose.push(loose);
    }
    followed
}

/// The answer without asterisks, and without its first line, its last line or both, each with and without asterisks.
fn variants(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.split('\n').collect();
    let last = lines.len() - 1;
    let joined = |lines: &[&str]| lines.join("\n").trim().to_owned();
    let inner = if last > 1 { joined(&lines[1..last]) } else { String::new() };
    let shorter = [joined(&lines[1..]), joined(&lines[..last]), inner];
    let plain = |text: &str| text.replace('*', "");
    let mut variants = vec![plain(text)];
    variants.extend(shorter.iter().map(|variant| plain(variant)));
    variants.extend(shorter);
    variants
}

#[cfg(test)]
mod tests;
