//! `SuperGPQAEvaluator` of OpenCompass 0.5.4 (Apache-2.0): the letter of an option, or its text.

use regex::Regex;
use serde_json::Value;

use crate::Result;
use crate::dataset::Named;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::post::Post;
use crate::score::verdict::{accuracy_scores, answered, detail};
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};

/// What may be around an option.
const OPENED: &str = r"(?:[*${(\[\\]*?(?:(?:\\boxed|\\mathbf|\\mathrm|\\text)\{)?)*\s*";
const CLOSED: &str = r"(?:\\?\}?\$?\)?\]?\}?)*(?:[\s:.*)]|$)";

/// What is in front of an option, in the order in which it is tried.
const CUES: [&str; 3] =
    [r"[Tt]he\s+(?:\w+\s+)?(?:answer|option)(?:\w+\s+)?\s+is:?\s*", r"(?i:Answer)\s*", r"^[^\w\r\n]*"];

/// Finds letters, then texts of options.
struct SuperGpqa {
    letter: Post,
}

/// Creates the evaluator of SuperGPQA. Its metrics are shares, as in upstream.
pub(super) fn make(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    let named = Named::new("supergpqa_option").with("options", "ABCDEFGHIJ");
    Ok(Box::new(SuperGpqa { letter: Post::new(&named, setup.reading)? }))
}

impl SuperGpqa {
    /// The letter of an answer; `None` without one.
    fn found(&self, item: &ScoredItem<'_>) -> Option<String> {
        let text = item.pred_text();
        let options: Vec<String> = item
            .columns
            .get("options")
            .and_then(Value::as_array)
            .map(|options| options.iter().map(python_str).collect())
            .unwrap_or_default();
        let in_text = |text: &str| self.letter_in(text).or_else(|| option_in(text, &options));
        match item.columns.get("prompt_mode").and_then(Value::as_str) {
            Some("five-shot") => {
                in_text(text.split("Question:").next().unwrap_or_default()).or_else(|| in_text(&text))
            }
            _ => in_text(&text),
        }
    }

    fn letter_in(&self, text: &str) -> Option<String> {
        self.letter.apply(text).as_str().filter(|letter| !letter.is_empty()).map(str::to_owned)
    }
}

/// The letter of the option whose text follows a cue, in the last line or anywhere.
fn option_in(text: &str, options: &[String]) -> Option<String> {
    if options.is_empty() {
        return None;
    }
    let any = options.iter().map(|option| regex::escape(option)).collect::<Vec<_>>().join("|");
    let patterns: Vec<Regex> =
        CUES.iter().filter_map(|cue| Regex::new(&format!("{cue}{OPENED}({any}){CLOSED}")).ok()).collect();
    let text = text.trim_end();
    let last_line = text.rsplit('\n').next().unwrap_or_default();
    let found = [last_line, text]
        .into_iter()
        .find_map(|part| patterns.iter().find_map(|pattern| pattern.captures(part)))?;
    let index = options.iter().position(|option| option == &found[1])?;
    ('A'..='Z').nth(index).map(String::from)
}

impl Evaluate for SuperGpqa {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let judge = |item: &ScoredItem<'_>| {
            let found = if item.is_answered() { self.found(item) } else { None };
            let correct = found.as_deref() == Some(python_str(&item.answer).as_str());
            Detail { pred: found.into(), correct: Some(correct), ..detail(item) }
        };
        let scores = accuracy_scores("accuracy", items.iter().map(judge).collect(), answered(items));
        let mut metrics = Metrics::new();
        if items.is_empty() {
            return Scores { metrics, ..scores };
        }
        let count = items.len() as f64;
        let missing = scores.details.iter().filter(|detail| detail.pred.is_null()).count();
        metrics.insert("accuracy".to_owned(), scores.correct.unwrap_or_default() as f64 / count);
        metrics.insert("error_rate".to_owned(), 0.0);
        metrics.insert("miss_rate".to_owned(), missing as f64 / count);
        for level in ["hard", "middle", "easy"] {
            let of_level =
                |item: &ScoredItem<'_>| item.columns.get("difficulty").and_then(Value::as_str) == Some(level);
            let own = items.iter().zip(&scores.details).filter(|(item, _)| of_level(item));
            let right = own.clone().filter(|(_, detail)| detail.correct == Some(true)).count();
            let all = own.count();
            let share = if all == 0 { 0.0 } else { right as f64 / all as f64 };
            metrics.insert(format!("{level}_accuracy"), share);
        }
        Scores { metrics, ..scores }
    }
}
