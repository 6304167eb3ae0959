//! `Evaluation`: the datasets and models of a run, and its three steps: plan, ask, conclude.

use internlm_kit::context::RunContext;

use crate::ask::{Failures, ask_missing, outcome};
use crate::dataset::Dataset;
use crate::infer::{self, InferContext, Prediction};
use crate::model::{Model, Needs, Profile, connect};
use crate::plan::{Cell, Plan, Work};
use crate::result::{CellResult, CellState};
use crate::score::score;
use crate::{EvaluationConfig, Result, Store};

/// Datasets with their rows and models that are ready: everything that a run needs.
///
/// A run has three steps. [`plan`](Self::plan) computes every request and touches nothing;
/// [`ask`](Self::ask) sends what the store does not have yet; [`conclude`](Self::conclude) scores the stored
/// answers and can be repeated without a model. The crate's first page has a complete example.
pub struct Evaluation {
    datasets: Vec<Dataset>,
    models: Vec<Box<dyn Model>>,
}

impl Evaluation {
    /// Creates an evaluation of loaded datasets and connected models.
    #[must_use]
    pub fn new(datasets: Vec<Dataset>, models: Vec<Box<dyn Model>>) -> Self {
        Self { datasets, models }
    }

    /// Loads the datasets of a run file and connects its models.
    ///
    /// # Errors
    /// Those of [`EvaluationConfig::datasets`]; [`Error::Unreachable`](crate::Error::Unreachable),
    /// [`Error::Model`](crate::Error::Model) and [`Error::Weights`](crate::Error::Weights) when a model is not
    /// ready.
    pub async fn prepare(config: &EvaluationConfig) -> Result<Self> {
        let datasets = config.datasets()?;
        let measured = datasets.iter().any(|set| set.config.infer.mode.needs_log_probs());
        let needs = if measured { Needs::LogProbs } else { Needs::Answers };
        let mut models = Vec::new();
        for model in config.models() {
            models.push(connect(model, needs).await?);
        }
        Ok(Self { datasets, models })
    }

    /// Returns the datasets, which [`CellResult::dataset`] indexes.
    #[must_use]
    pub fn datasets(&self) -> &[Dataset] {
        &self.datasets
    }

    /// Returns what is known about each model, in the order that [`CellResult::model`] indexes.
    #[must_use]
    pub fn profiles(&self) -> Vec<&Profile> {
        self.models.iter().map(|model| model.profile()).collect()
    }

    /// Plans every cell. Nothing is asked and nothing is written.
    #[must_use]
    pub fn plan(&self, context: InferContext) -> Plan {
        Plan::new(&self.profiles(), &self.datasets, context)
    }

    /// Asks everything in the plan that the store does not have yet, with `workers` requests at the same time
    /// per model. A request that fails is reported in [`Failures`] and is not an error. `context` takes the
    /// progress and may stop the run.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted) after the stop signal of `context`;
    /// [`Error::File`](crate::Error::File) when the store cannot be written.
    pub async fn ask(
        &self,
        plan: &Plan,
        store: &mut Store,
        workers: usize,
        context: &RunContext,
    ) -> Result<Failures> {
        ask_missing(plan, &self.models, store, workers, context).await
    }

    /// Scores every cell from the stored answers, in the order of the plan's cells.
    #[must_use]
    pub fn conclude(&self, plan: &Plan, store: &Store, failures: &Failures) -> Vec<CellResult> {
        let conclude = |cell: &Cell| {
            let state = match &cell.work {
                Work::Refused(reason) => CellState::Refused(reason.clone()),
                Work::Ready(items) => {
                    let dataset = &self.datasets[cell.dataset];
                    let predictions: Vec<Prediction> = items
                        .iter()
                        .map(|item| {
                            let outcomes: Vec<_> =
                                item.asks.iter().map(|ask| outcome(ask, store, failures)).collect();
                            infer::conclude(dataset, item, &outcomes, plan.context)
                        })
                        .collect();
                    let scores = score(dataset, &predictions);
                    CellState::Scored { predictions, scores }
                }
            };
            CellResult::new(cell.model, cell.dataset, state)
        };
        plan.cells.iter().map(conclude).collect()
    }
}
