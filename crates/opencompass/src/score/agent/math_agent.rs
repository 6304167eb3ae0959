//! Mathematics with tools: `MATHAgentEvaluator` and `Gsm8kAgentEvaluator` of OpenCompass.
//!
//! An answer that is right counts as followed. One that is not right may still have run its code, and the result of its
//! last call may be right although the final answer is not: that is reasoning.

use crate::score::agent::step::{last, turns};
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, Metrics, Reading, ScoredItem, Scores};

/// How upstream divides the number of programs that ran.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CodeShare {
    /// By the number of items that called the tool.
    OfCalls,
    /// By the number of all items: `Gsm8kAgentEvaluator`.
    OfAll,
}

/// The evaluator of mathematics with tools.
pub(super) struct MathAgent {
    /// Name of the tool whose calls count.
    pub(super) action: String,
    /// Says whether an answer is right.
    pub(super) equality: Box<dyn Evaluate>,
    /// What `code_acc` is a share of.
    pub(super) code_share: CodeShare,
    /// Whether upstream's faults are repeated.
    pub(super) reading: Reading,
}

/// What one item adds to the counts.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    right: bool,
    called: bool,
    ran: bool,
    reasoned: bool,
}

impl MathAgent {
    fn is_right(&self, item: &ScoredItem<'_>) -> bool {
        let scores = self.equality.evaluate(std::slice::from_ref(item));
        scores.details.first().is_some_and(|detail| detail.correct == Some(true))
    }

    fn course(&self, item: &ScoredItem<'_>) -> Course {
        let steps: Vec<_> = turns(item).into_iter().flatten().collect();
        let call = last(&steps, &self.action);
        let right = item.is_answered() && self.is_right(item);
        let ran = call.is_some_and(|call| !call.failed);
        let reasoned = call.filter(|_| ran).and_then(|call| call.text.as_deref()).is_some_and(|text| {
            let result = ScoredItem { pred: text.trim().into(), ..item.clone() };
            self.is_right(&result)
        });
        Course { right, called: call.is_some(), ran, reasoned }
    }

    fn metrics(&self, courses: &[Course]) -> Metrics {
        let mut metrics = Metrics::new();
        let count = |holds: fn(&Course) -> bool| courses.iter().filter(|course| holds(course)).count();
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        let (total, called) = (courses.len(), count(|course| course.called));
        if total == 0 {
            return metrics;
        }
        // An answer that is right counts as one whose code ran; the fixed reading asks the tool.
        let ran = match self.reading {
            Reading::Compat => count(|course| course.called && (course.right || course.ran)),
            Reading::Fixed => count(|course| course.ran),
        };
        let whole = if self.code_share == CodeShare::OfAll { total } else { called };
        metrics.insert("follow_acc".to_owned(), share(count(|course| course.right), total));
        let reasoned = count(|course| course.right || course.reasoned);
        metrics.insert("reasoning_acc".to_owned(), share(reasoned, total));
        metrics.insert("code_acc".to_owned(), share(ran, whole));
        metrics.insert("action_pct".to_owned(), share(called, total));
        metrics
    }
}

impl Evaluate for MathAgent {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let courses: Vec<Course> = items.iter().map(|item| self.course(item)).collect();
        let judged = items.iter().zip(&courses).map(|(item, course)| {
            let mut detail = Detail { correct: Some(course.right), ..detail(item) };
            detail.extra.insert("tool_called".to_owned(), course.called.into());
            detail.extra.insert("code_ran".to_owned(), course.ran.into());
            detail.extra.insert("tool_result_correct".to_owned(), course.reasoned.into());
            detail
        });
        Scores {
            details: judged.collect(),
            metrics: self.metrics(&courses),
            answered: answered(items),
            correct: Some(courses.iter().filter(|course| course.right).count()),
            ..Scores::default()
        }
    }
}
