//! Plans: models and datasets become cells of requests. Planning is pure: nothing is asked and nothing is
//! written.

use crate::dataset::{Dataset, Mode};
use crate::infer::{self, InferContext, Item};
use crate::model::Profile;
use crate::{Error, Result, Unsupported};

/// Everything that a run will ask.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// One cell per model and dataset, ordered by model first.
    pub cells: Vec<Cell>,
    /// Settings of the run that inferencers use.
    pub context: InferContext,
}

/// One model on one dataset.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cell {
    /// Index of the model in the evaluation.
    pub model: usize,
    /// Index of the dataset in the evaluation.
    pub dataset: usize,
    /// `MODEL x DATASET`, for messages.
    pub name: String,
    /// The requests, or the reason why the cell is refused.
    pub work: Work,
}

/// The requests of a cell, or the reason why the cell is refused.
#[derive(Clone, Debug)]
pub enum Work {
    /// One item per row and answer: all rows for the first answer, then all rows for the second.
    Ready(Vec<Item>),
    /// The model cannot answer this dataset; the text says why.
    Refused(String),
}

impl Cell {
    /// Returns the items; empty for a refused cell.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        match &self.work {
            Work::Ready(items) => items,
            Work::Refused(_) => &[],
        }
    }
}

impl Plan {
    /// Plans every cell. A cell that cannot be asked is refused with its reason, not dropped.
    #[must_use]
    pub fn new(profiles: &[&Profile], datasets: &[Dataset], context: InferContext) -> Self {
        let mut cells = Vec::with_capacity(profiles.len() * datasets.len());
        for (model, profile) in profiles.iter().enumerate() {
            for (dataset, set) in datasets.iter().enumerate() {
                let name = format!("{} x {}", profile.name, set.config.name);
                let work = match work(profile, set, context) {
                    Ok(items) => Work::Ready(items),
                    Err(reason) => Work::Refused(reason),
                };
                cells.push(Cell { model, dataset, name, work });
            }
        }
        Self { cells, context }
    }

    /// Returns the reasons of the refused cells as `MODEL x DATASET: reason`.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        let refused = self.cells.iter().filter_map(|cell| match &cell.work {
            Work::Refused(reason) => Some(format!("{}: {reason}", cell.name)),
            Work::Ready(_) => None,
        });
        refused.collect()
    }

    /// Checks the refused cells before anything is asked: `Skip` logs them, `Refuse` fails.
    ///
    /// # Errors
    /// [`Error::Refused`] with every reason; also for `Skip` if no cell is left.
    pub fn check(&self, unsupported: Unsupported) -> Result<()> {
        let reasons = self.refusals();
        if reasons.is_empty() {
            return Ok(());
        }
        if unsupported == Unsupported::Skip && reasons.len() < self.cells.len() {
            reasons.iter().for_each(|reason| tracing::warn!("skipped: {reason}"));
            return Ok(());
        }
        Err(Error::Refused { reasons })
    }
}

fn work(profile: &Profile, dataset: &Dataset, context: InferContext) -> Result<Vec<Item>, String> {
    if let Some(reason) = refusal(profile, dataset.config.infer.mode) {
        return Err(reason);
    }
    let places = (0..infer::replicas(dataset))
        .flat_map(|replica| (0..dataset.test.len()).map(move |row| (row, replica)));
    let item = |place: (usize, usize)| {
        infer::item(dataset, place, profile, context).map_err(|message| format!("row {}: {message}", place.0))
    };
    places.map(item).collect()
}

/// Says why a model cannot answer a mode, if it cannot.
fn refusal(profile: &Profile, mode: Mode) -> Option<String> {
    let (needed, ability) = match mode {
        Mode::Clp => ("the probabilities of choices", &profile.choices),
        Mode::Agent => ("an agent with tools", &profile.agent),
        _ if mode.needs_log_probs() => ("log-probabilities of the prompt", &profile.log_probs),
        _ => return None,
    };
    ability.as_ref().err().map(|reason| format!("the dataset needs {needed}, but {reason}"))
}
