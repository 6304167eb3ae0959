//! What a run says at its beginning and its end: its plan, warnings about doubtful cells, and the exit code.

use std::process::ExitCode;

use internlm_kit::exit::Failure;
use internlm_kit::outln;

use crate::counted::counted;
use crate::dataset::{InferConfig, Mode};
use crate::model::Profile;
use crate::plan::{Plan, Work};
use crate::run_folder::{NOT_CONNECTED, differing};
use crate::score::Scores;
use crate::summary::Summary;
use crate::{CellResult, CellState, Evaluation};

/// Number of columns of a table before the models.
const FACTS: usize = 4;

/// Warns of what is only assumed and of what will say nothing, before anything is asked.
pub(super) fn foresee(evaluation: &Evaluation) {
    let profiles = evaluation.profiles().into_iter();
    for profile in profiles.filter(|profile| profile.identity == NOT_CONNECTED) {
        tracing::info!(
            "model {}: not connected; assumed: a context of {} tokens, and whatever a server may refuse",
            profile.name,
            profile.max_seq_len
        );
    }
    for set in evaluation.datasets().iter().filter(|set| set.config.order_cannot_matter()) {
        tracing::warn!(
            "{}: each label is scored with its own choice alone, so the order of the choices changes nothing",
            set.config.name
        );
    }
    for set in evaluation.datasets() {
        for profile in evaluation.profiles().into_iter().filter(|profile| repeats(&set.config.infer, profile))
        {
            tracing::warn!(
                "{} x {}: the {} answers to a question are all the same with greedy decoding; model.temperature or \
                 infer.temperature lets them differ",
                profile.name,
                set.config.name,
                set.config.infer.n
            );
        }
    }
}

/// Says whether a model gives the same answer each time that a set asks a question.
fn repeats(infer: &InferConfig, profile: &Profile) -> bool {
    let is_greedy = match infer.temperature.or(profile.temperature) {
        Some(temperature) => temperature == 0.0,
        // These two have a temperature of their own.
        None => !matches!(infer.mode, Mode::Sc | Mode::Tot),
    };
    infer.n > 1 && is_greedy
}

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
            let items = counted(scores.details.len(), "item");
            let are = if ties == 1 { "is a tie" } else { "are ties" };
            tracing::warn!(
                "{}: {ties} of {items} {are}: the labels have the same log-probabilities, and order or length chose",
                cell.name
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
                let answers = counted(predictions.len(), "answer");
                let (end, own) = if cut == 1 { ("ends", "its") } else { ("end", "their") };
                tracing::warn!(
                    "{}: {cut} of {answers} {end} at infer.max-out-len, not at {own} own end",
                    cell.name
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
        let count = differing(scores, other).len();
        let (items, differ) = (counted(count, "item"), if count == 1 { "differs" } else { "differ" });
        tracing::info!("{}: {here}, in the reading `{reading}` {there}; {items} {differ}", cell.name);
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
                let failed = counted(scores.details.len() - scores.answered, "item");
                let first = predictions.iter().find_map(|prediction| prediction.error.as_deref());
                let missing = || scores.details.iter().find_map(|detail| detail.reason.as_deref());
                let first = first.or_else(missing).unwrap_or_default();
                tracing::warn!("{}: {failed} failed, the first: {first}", cell.name);
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

/// Prints the number of items and requests of every cell, and of all of them if there are several.
pub(super) fn print_plan(plan: &Plan) -> std::io::Result<()> {
    let mut all = (0, 0);
    for cell in &plan.cells {
        match &cell.work {
            Work::Refused(reason) => outln!("{}: refused: {reason}", cell.name)?,
            Work::Ready(items) => {
                let requests: usize = items.iter().map(|item| item.known_asks().count()).sum();
                all = (all.0 + items.len(), all.1 + requests);
                let (items, requests) = (counted(items.len(), "item"), counted(requests, "request"));
                outln!("{}: {items}, {requests}", cell.name)?;
            }
        }
    }
    if plan.cells.len() > 1 {
        let cells = counted(plan.cells.len(), "cell");
        outln!("in all {cells}, {}, {}", counted(all.0, "item"), counted(all.1, "request"))?;
    }
    Ok(())
}
