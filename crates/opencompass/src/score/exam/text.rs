//! Free answers that are normalized on both sides: AGIEval's blanks, BIG-Bench Hard and Extra Hard.

use serde_json::Value;

use crate::Result;
use crate::dataset::Named;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::math::same_blank;
use crate::score::post::Post;
use crate::score::verdict::{accuracy_scores, answered, detail};
use crate::score::{Detail, Evaluate, ScoredItem, Scores};

/// Compares answers that a post-processor normalizes.
struct Normalized {
    post: Post,
    right: fn(&Post, &Value, &str) -> bool,
}

/// Creates an evaluator that passes each answer through a post-processor and judges the result.
fn normalized(
    setup: &Setup<'_>,
    post: &str,
    right: fn(&Post, &Value, &str) -> bool,
) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(Normalized { post: Post::new(&Named::new(post), setup.reading)?, right }))
}

/// Creates the evaluator of AGIEval's blanks.
pub(super) fn agieval(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    normalized(setup, "agieval_parse_math_answer", |_, pred, answer| {
        // Upstream compares a missing answer with nothing.
        pred.as_str().is_some_and(|pred| same_blank(pred, answer))
    })
}

/// Creates the evaluator of BIG-Bench Hard's free answers.
pub(super) fn bbh(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    normalized(setup, "bbh-freeform", |post, pred, answer| {
        folded(&python_str(pred)) == folded(&python_str(&post.apply(answer)))
    })
}

/// Creates the evaluator of BIG-Bench Extra Hard's free answers.
pub(super) fn bbeh(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    normalized(setup, "bbeh_freeform", |_, pred, answer| {
        let (pred, answer) = (python_str(pred), answer.to_lowercase());
        let bare = answer.trim_matches(['\'', '"', '(', ')', '[', ']']);
        pred == answer || pred == bare || (answer.contains(',') && joined(&pred) == joined(&answer))
    })
}

/// Creates the evaluator of BIG-Bench Extra Hard's letters.
pub(super) fn bbeh_mcq(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    normalized(setup, "bbeh_mcq", |_, pred, answer| {
        python_str(pred) == answer.to_lowercase().trim_matches(['(', ')'])
    })
}

/// Text without differences of case, as Python's `casefold`.
fn folded(text: &str) -> String {
    text.to_lowercase().replace('ß', "ss")
}

/// A list without white space around its commas.
fn joined(text: &str) -> String {
    text.split(',').enumerate().fold(String::new(), |joined, (index, part)| {
        if index == 0 {
            return part.trim_end().to_owned();
        }
        format!("{},{}", joined.trim_end(), part.trim_start())
    })
}

impl Evaluate for Normalized {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let judge = |item: &ScoredItem<'_>| {
            if !item.is_answered() {
                return Detail { correct: Some(false), ..detail(item) };
            }
            let pred = self.post.apply(&item.pred_text());
            let correct = (self.right)(&self.post, &pred, &python_str(&item.answer));
            Detail { pred, correct: Some(correct), ..detail(item) }
        };
        accuracy_scores("score", items.iter().map(judge).collect(), answered(items))
    }
}
