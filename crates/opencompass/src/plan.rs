//! Plan: models x datasets -> cells of requests. Pure: nothing is asked, nothing is written.

use crate::dataset::Dataset;
use crate::infer::{self, Ask, InferContext, Item};
use crate::model::Profile;

/// Everything that a run will ask.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One per model and dataset, models first.
    pub cells: Vec<Cell>,
    /// What inferencers know of the run.
    pub context: InferContext,
}

/// One model on one dataset.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Index of the model.
    pub model: usize,
    /// Index of the dataset.
    pub dataset: usize,
    /// `model x dataset`, for messages.
    pub name: String,
    /// The requests, or why there are none.
    pub work: Work,
}

/// The requests of a cell, or why there are none.
#[derive(Clone, Debug)]
pub enum Work {
    /// Items in the rows' order.
    Ready(Vec<Item>),
    /// The model cannot answer this dataset.
    Refused(String),
}

impl Cell {
    /// The items; none when refused.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        match &self.work {
            Work::Ready(items) => items,
            Work::Refused(_) => &[],
        }
    }
}

impl Plan {
    /// Plans every cell.
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

    /// Why cells are refused: `model x dataset: reason`.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        let refused = self.cells.iter().filter_map(|cell| match &cell.work {
            Work::Refused(reason) => Some(format!("{}: {reason}", cell.name)),
            Work::Ready(_) => None,
        });
        refused.collect()
    }

    /// Requests of `model`, round robin over its cells, so that no dataset waits for another.
    #[must_use]
    pub fn asks(&self, model: usize) -> Vec<&Ask> {
        let mut queues: Vec<_> = self
            .cells
            .iter()
            .filter(|cell| cell.model == model)
            .map(|cell| cell.items().iter().flat_map(|item| &item.asks))
            .collect();
        let mut asks = Vec::new();
        while !queues.is_empty() {
            queues.retain_mut(|queue| queue.next().map(|ask| asks.push(ask)).is_some());
        }
        asks
    }
}

fn work(profile: &Profile, dataset: &Dataset, context: InferContext) -> Result<Vec<Item>, String> {
    let mode = dataset.config.infer.mode;
    if mode.needs_log_probs()
        && let Err(reason) = &profile.log_probs
    {
        return Err(format!("the dataset needs log-probabilities of the prompt, but {reason}"));
    }
    let item =
        |row| infer::item(dataset, row, profile, context).map_err(|message| format!("row {row}: {message}"));
    (0..dataset.test.len()).map(item).collect()
}
