//! What a run says at its end: warnings about doubtful cells, and the exit code.

use std::process::ExitCode;

use internlm_kit::exit::Failure;
use internlm_kit::outln;

use crate::plan::{Plan, Work};
use crate::run_folder::differing;
use crate::score::Scores;
use crate::summary::Summary;
use crate::{CellResult, CellState, Evaluation};

/// Number of columns of a table before the models.
const FACTS: usize = 4;

/// Names the cells whose scores need a second look.
pub(super) fn warn(evaluation: &Evaluation, plan: &Plan, results: &[CellResult]) {
    warn_of_ties(plan, results);
    warn_of_cut_answers(plan, results);
    tell_other_readings(evaluation, plan, results);
}

/// Names the cells whose scores do not tell the labels apart. The table marks them with `?`.
fn warn_of_ties(plan: &Plan, results: &[CellResult]) {
    for (result, cell) in results.iter().zip(&plan.cells) {
        if let (Some(ties), Some(scores)) = (result.ties(), result.scores()) {
            tracing::warn!(
                "{}: {ties} of {} items are ties: their labels have the same log-probabilities, and order or length \
                 chose among them",
                cell.name,
                scores.details.len()
            );
        }
    }
}

/// Names the cells with answers that the maximum number of tokens ended: they may lack what the score looks for.
fn warn_of_cut_answers(plan: &Plan, results: &[CellResult]) {
    for (result, cell) in results.iter().zip(&plan.cells) {
        if let CellState::Scored { predictions, .. } = &result.state {
            let cut = predictions.iter().filter(|prediction| prediction.cut).count();
            if cut > 0 {
                tracing::warn!(
                    "{}: {cut} of {} answers end at infer.max-out-len, not at their own end",
                    cell.name,
                    predictions.len()
                );
            }
        }
    }
}

/// Names the cells whose score depends on the reading.
fn tell_other_readings(evaluation: &Evaluation, plan: &Plan, results: &[CellResult]) {
    for (result, cell) in results.iter().zip(&plan.cells) {
        let CellState::Scored { scores, other: Some(other), .. } = &result.state else { continue };
        let compat = evaluation.datasets()[result.dataset].config.score.compat;
        let reading = if compat { "fixed" } else { "compat" };
        let headline = |scores: &Scores| {
            scores.metrics.first().map_or_else(String::new, |(metric, score)| format!("{metric} {score:.2}"))
        };
        let (here, there) = (headline(scores), headline(other));
        let items = differing(scores, other).len();
        tracing::info!("{}: {here}, in the reading `{reading}` {there}; {items} items differ", cell.name);
    }
}

/// Returns 0 if every item of every cell was answered; otherwise reports what is missing and returns 3.
pub(super) fn exit_code(plan: &Plan, results: &[CellResult]) -> ExitCode {
    let partial = results.iter().zip(&plan.cells).filter(|(result, _)| result.is_partial());
    let mut code = ExitCode::SUCCESS;
    for (result, cell) in partial {
        match &result.state {
            CellState::Refused(reason) => tracing::warn!("{}: {reason}", cell.name),
            CellState::Scored { predictions, scores, .. } => {
                let failed = scores.details.len() - scores.answered;
                let first = predictions.iter().find_map(|prediction| prediction.error.as_deref());
                tracing::warn!(
                    "{}: {failed} items failed, the first: {}",
                    cell.name,
                    first.unwrap_or_default()
                );
            }
        }
        code = Failure::Partial.code().into();
    }
    code
}

/// Returns 0 if every cell of a table has a score without missing items and every group its members, otherwise 3.
pub(super) fn table_code(summary: &Summary) -> ExitCode {
    let cells = summary.rows.iter().skip(1).flat_map(|row| row.iter().skip(FACTS));
    let complete = cells.into_iter().all(|cell| cell != "-" && !cell.contains('!'));
    if complete && summary.problems.is_empty() { ExitCode::SUCCESS } else { Failure::Partial.code().into() }
}

/// Prints the number of items and requests of every cell.
pub(super) fn print_plan(plan: &Plan) -> std::io::Result<()> {
    for cell in &plan.cells {
        match &cell.work {
            Work::Refused(reason) => outln!("{}: refused: {reason}", cell.name)?,
            Work::Ready(items) => {
                let requests: usize = items.iter().map(|item| item.known_asks().count()).sum();
                outln!("{}: {} items, {requests} requests", cell.name, items.len())?;
            }
        }
    }
    Ok(())
}
