//! The evaluators of LawBench by task.

use super::correction::Correction;
use super::grade::Graded;
use super::parallel::on_all_processors;
use super::{amount, choice, labels, overlap};
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::{EvaluatorEntry, Setup};
use crate::score::text::plain;
use crate::score::verdict::{answered, detail};
use crate::score::{Evaluate, Metrics, ScoredItem, Scores};

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[
    entry("lawbench_1_1", &["LawBenchEvaluator_1_1"], |setup| task(setup, overlap::article_text, "")),
    entry("lawbench_1_2", &["LawBenchEvaluator_1_2"], |setup| task(setup, choice::knowledge, ABSTENTIONS)),
    EvaluatorEntry {
        name: "lawbench_2_1",
        upstream: &["LawBenchEvaluator_2_1"],
        has_fixed: true,
        make: Correction::create,
    },
    entry("lawbench_2_2", &["LawBenchEvaluator_2_2"], |setup| task(setup, choice::dispute, ABSTENTIONS)),
    entry("lawbench_2_3", &["LawBenchEvaluator_2_3"], |setup| task(setup, labels::marriage, ABSTENTIONS)),
    entry("lawbench_2_4", &["LawBenchEvaluator_2_4"], |setup| task(setup, choice::consultation, ABSTENTIONS)),
    entry("lawbench_2_5", &["LawBenchEvaluator_2_5"], |setup| task(setup, overlap::reading, "")),
    // The name of the second metric is spelled as upstream spells it.
    entry("lawbench_2_6", &["LawBenchEvaluator_2_6"], |setup| {
        task(setup, overlap::entities, "anstention_rate")
    }),
    entry("lawbench_2_7", &["LawBenchEvaluator_2_7"], |setup| task(setup, overlap::rouge, "")),
    entry("lawbench_2_8", &["LawBenchEvaluator_2_8"], |setup| task(setup, choice::argument, ABSTENTIONS)),
    entry("lawbench_2_9", &["LawBenchEvaluator_2_9"], |setup| task(setup, labels::events, ABSTENTIONS)),
    entry("lawbench_2_10", &["LawBenchEvaluator_2_10"], |setup| task(setup, overlap::triggers, "")),
    entry("lawbench_3_1", &["LawBenchEvaluator_3_1"], |setup| task(setup, labels::articles, ABSTENTIONS)),
    entry("lawbench_3_2", &["LawBenchEvaluator_3_2"], |setup| task(setup, overlap::rouge, "")),
    entry("lawbench_3_3", &["LawBenchEvaluator_3_3"], |setup| task(setup, labels::accusations, ABSTENTIONS)),
    entry("lawbench_3_4", &["LawBenchEvaluator_3_4"], |setup| task(setup, amount::prison_term, ABSTENTIONS)),
    entry("lawbench_3_5", &["LawBenchEvaluator_3_5"], |setup| task(setup, amount::prison_term, ABSTENTIONS)),
    entry("lawbench_3_6", &["LawBenchEvaluator_3_6"], |setup| {
        task(setup, choice::case_analysis, ABSTENTIONS)
    }),
    entry("lawbench_3_7", &["LawBenchEvaluator_3_7"], |setup| task(setup, amount::money, ABSTENTIONS)),
    entry("lawbench_3_8", &["LawBenchEvaluator_3_8"], |setup| task(setup, overlap::rouge, "")),
];

/// The metric of answers with nothing to grade.
const ABSTENTIONS: &str = "abstention_rate";

const fn entry(
    name: &'static str,
    upstream: &'static [&'static str],
    make: fn(&Setup<'_>) -> Result<Box<dyn Evaluate>>,
) -> EvaluatorEntry {
    EvaluatorEntry { name, upstream, has_fixed: false, make }
}

/// A task whose metric is the mean of the items' grades in percent.
struct Task {
    grade: fn(&str, &str) -> Graded,
    /// Name of the second metric; empty if the task has only one.
    abstentions: &'static str,
}

fn task(
    setup: &Setup<'_>,
    grade: fn(&str, &str) -> Graded,
    abstentions: &'static str,
) -> Result<Box<dyn Evaluate>> {
    plain(setup, Task { grade, abstentions })
}

impl Evaluate for Task {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let graded = on_all_processors(items, |item| {
            item.is_answered().then(|| (self.grade)(&item.pred_text(), &python_str(&item.answer)))
        });
        let (mut sum, mut counted, mut abstained) = (0.0, 0_usize, 0_usize);
        let mut details = Vec::with_capacity(items.len());
        for (item, graded) in items.iter().zip(graded) {
            let mut detail = detail(item);
            match graded {
                Some(Ok(Some(grade))) => {
                    sum += grade.score;
                    counted += 1;
                    abstained += usize::from(grade.abstained);
                    detail.score = Some(grade.score);
                    detail.correct = grade.correct;
                }
                Some(Ok(None)) => detail.reason = Some("left out by LawBench".to_owned()),
                Some(Err(reason)) => {
                    counted += 1;
                    (detail.score, detail.reason) = (Some(0.0), Some(reason));
                }
                None => {
                    counted += 1;
                    abstained += 1;
                    detail.score = Some(0.0);
                }
            }
            details.push(detail);
        }
        let mut metrics = Metrics::new();
        if counted > 0 {
            metrics.insert("score".to_owned(), 100.0 * sum / counted as f64);
            if !self.abstentions.is_empty() {
                metrics.insert(self.abstentions.to_owned(), 100.0 * abstained as f64 / items.len() as f64);
            }
        }
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}
