//! The whole way of one run: prepare, plan, ask, score, write.

use std::path::{Path, PathBuf};

use crate::dataset::{Catalog, Dataset, load};
use crate::infer::{self, InferContext, Prediction};
use crate::model::{Model, Needs, Profile, connect};
use crate::plan::{Plan, Work};
use crate::run::{Failures, Stop, outcome, run};
use crate::score::{Scores, score};
use crate::{Error, Result, RunConfig, Store, Unsupported};

/// Datasets with their rows, and models that are ready: everything a run needs.
///
/// ```
/// use opencompass::{Evaluation, Store, Stop, dataset::{DatasetConfig, load}, model::{Answer, MockModel}};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("sums.jsonl"), r#"{"question": "1+1", "answer": "2"}"#)?;
/// let sums: DatasetConfig = internlm_kit::config::parse(
///     r#"
///     name = "sums"
///     source = { files = ["sums.jsonl"] }
///     reader = { input = ["question"], output = "answer" }
///     prompt = { rounds = [{ role = "HUMAN", prompt = "{question} =" }] }
///     infer = { mode = "gen" }
///     score = { evaluator = "number", post = ["last_number"] }
///     "#,
///     "sums.toml",
/// )?;
/// let model = MockModel::new("two", |_| Ok(Answer::Reply { text: "It is 2.".into(), calls: vec![] }));
/// let data = load(sums, &[folder.path().to_path_buf()])?;
/// let evaluation = Evaluation::new(vec![data], vec![Box::new(model)]);
/// let plan = evaluation.plan(Default::default());
/// let mut store = Store::open(&folder.path().join("store.jsonl"))?;
/// let failures = evaluation.ask(&plan, &mut store, 4, &Stop::default()).await?;
/// let results = evaluation.conclude(&plan, &store, &failures);
/// assert_eq!(results[0].scores().expect("scored").metrics["accuracy"], 100.0);
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
pub struct Evaluation {
    /// The datasets.
    pub datasets: Vec<Dataset>,
    /// The models.
    pub models: Vec<Box<dyn Model>>,
}

/// What one cell came to.
#[derive(Clone, Debug)]
pub struct CellResult {
    /// Index of the model.
    pub model: usize,
    /// Index of the dataset.
    pub dataset: usize,
    /// The result.
    pub state: CellState,
}

/// Scores, or why there are none.
#[derive(Clone, Debug)]
pub enum CellState {
    /// Every item has a prediction, if only a failed one.
    Scored {
        /// In the rows' order.
        predictions: Vec<Prediction>,
        /// Metrics and details.
        scores: Scores,
    },
    /// The model cannot answer this dataset.
    Refused(String),
}

impl CellResult {
    /// The scores, if there are any.
    #[must_use]
    pub fn scores(&self) -> Option<&Scores> {
        match &self.state {
            CellState::Scored { scores, .. } => Some(scores),
            CellState::Refused(_) => None,
        }
    }

    /// Whether something is missing: refused, or items without an answer.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.scores().is_none_or(|scores| scores.answered < scores.details.len())
    }
}

/// Finds and reads the datasets of a run.
///
/// # Errors
/// [`Error::UnknownName`], [`Error::Config`], [`Error::Data`].
pub fn load_datasets(config: &RunConfig) -> Result<Vec<Dataset>> {
    let catalog = Catalog::open(&config.run.dataset_dirs)?;
    let mut sets = catalog.find(&config.run.datasets)?;
    for (name, range) in &config.test_range {
        let set = sets.iter_mut().find(|set| set.name == *name);
        let set = set.ok_or_else(|| foreign("test-range: dataset", name))?;
        set.split.test_range = Some(range.clone());
    }
    for place in config.flat_summary.values() {
        let name = place.split('/').next().unwrap_or_default();
        if !sets.iter().any(|set| set.name == name) {
            return Err(foreign("flat-summary: dataset", name));
        }
    }
    sets.into_iter().map(|set| load(set, &config.run.data_dirs)).collect()
}

/// A name that means none of the run's datasets.
fn foreign(kind: &'static str, name: &str) -> Error {
    Error::UnknownName { kind, name: name.to_owned(), hint: "expected one of the run's datasets".to_owned() }
}

impl Evaluation {
    /// An evaluation of ready parts.
    #[must_use]
    pub fn new(datasets: Vec<Dataset>, models: Vec<Box<dyn Model>>) -> Self {
        Self { datasets, models }
    }

    /// Reads the datasets of a run file and makes its models ready.
    ///
    /// # Errors
    /// Those of [`load_datasets`] and [`connect`].
    pub async fn prepare(config: &RunConfig) -> Result<Self> {
        let datasets = load_datasets(config)?;
        let measured = datasets.iter().any(|set| set.config.infer.mode.needs_log_probs());
        let needs = if measured { Needs::LogProbs } else { Needs::Answers };
        let mut models = Vec::new();
        for model in config.models() {
            models.push(connect(model, needs).await?);
        }
        Ok(Self { datasets, models })
    }

    /// What the models are.
    #[must_use]
    pub fn profiles(&self) -> Vec<&Profile> {
        self.models.iter().map(|model| model.profile()).collect()
    }

    /// Plans every cell.
    #[must_use]
    pub fn plan(&self, context: InferContext) -> Plan {
        Plan::new(&self.profiles(), &self.datasets, context)
    }

    /// Asks what the store lacks.
    ///
    /// # Errors
    /// Those of [`run`].
    pub async fn ask(&self, plan: &Plan, store: &mut Store, workers: usize, stop: &Stop) -> Result<Failures> {
        run(plan, &self.models, store, workers, stop).await
    }

    /// Predictions and scores of every cell.
    #[must_use]
    pub fn conclude(&self, plan: &Plan, store: &Store, failures: &Failures) -> Vec<CellResult> {
        let conclude = |cell: &crate::plan::Cell| {
            let dataset = &self.datasets[cell.dataset];
            let state = match &cell.work {
                Work::Refused(reason) => CellState::Refused(reason.clone()),
                Work::Ready(items) => {
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
            CellResult { model: cell.model, dataset: cell.dataset, state }
        };
        plan.cells.iter().map(conclude).collect()
    }
}

/// Fails when cells are refused and the run does not skip them.
///
/// # Errors
/// [`Error::Refused`].
pub fn check_refusals(plan: &Plan, unsupported: Unsupported) -> Result<()> {
    let reasons = plan.refusals();
    if reasons.is_empty() {
        return Ok(());
    }
    let all = plan.cells.len() == reasons.len();
    match unsupported {
        Unsupported::Skip if !all => {
            reasons.iter().for_each(|reason| tracing::warn!("skipped: {reason}"));
            Ok(())
        }
        _ => Err(Error::Refused { reasons }),
    }
}

/// The folder of a run, and the label in its summary's name: the configured folder with its own name, or
/// `work_dir/stamp`.
#[must_use]
pub fn run_folder(config: &RunConfig, stamp: &str) -> (PathBuf, String) {
    match &config.run.folder {
        Some(folder) => {
            let name = folder.file_name().map_or("run".into(), |name| name.to_string_lossy());
            (folder.clone(), name.into_owned())
        }
        None => (config.run.work_dir.join(stamp), stamp.to_owned()),
    }
}

/// The item store of a run.
#[must_use]
pub fn store_path(config: &RunConfig, folder: &Path) -> PathBuf {
    config.run.store.clone().unwrap_or_else(|| folder.join("store.jsonl"))
}
