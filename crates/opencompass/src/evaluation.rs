//! `Evaluation`: the datasets and models of a run, and its three steps: plan, ask, conclude.

use internlm_kit::context::RunContext;

use crate::ask::{Answerer, Course, Errand, Failures, Lookup, ask_all, outcome};
use crate::dataset::{Dataset, Mode};
use crate::infer::{Ask, InferContext, Outcome, Prediction, Progress, follow};
use crate::model::{Model, Needs, Profile, connect};
use crate::plan::{Cell, Plan, Work};
use crate::result::{CellResult, CellState};
use crate::retrieve::{RetrievalCourse, assumed_examples, planned};
use crate::score::{FollowUp, Helper, Scorer};
use crate::{EvaluationConfig, Result, Store};

/// Datasets with their rows and models that are ready: everything that a run needs.
///
/// A run has three steps. [`plan`](Self::plan) computes every request, refuses what cannot be asked and touches nothing;
/// [`ask`](Self::ask) sends what the store does not have yet; [`conclude`](Self::conclude) scores the stored
/// answers and can be repeated without a model. The crate's first page has a complete example.
pub struct Evaluation {
    datasets: Vec<Dataset>,
    models: Vec<Box<dyn Model>>,
    judges: Vec<Box<dyn Model>>,
    /// Gives retrievers sentence vectors and likelihoods.
    retrieval: Option<Box<dyn Model>>,
    sandbox: Option<Box<dyn Model>>,
}

/// What a run asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// Answers of the models only.
    Answers,
    /// Answers of the models, and what the evaluators need: runs of programs and verdicts of judges.
    AnswersAndEvidence,
}

impl Evaluation {
    /// Creates an evaluation of loaded datasets and connected models.
    #[must_use]
    pub fn new(datasets: Vec<Dataset>, models: Vec<Box<dyn Model>>) -> Self {
        let datasets = datasets.into_iter().map(planned).collect();
        Self { datasets, models, judges: Vec::new(), retrieval: None, sandbox: None }
    }

    /// Adds the judges that evaluators may ask, in the order in which dataset files count them.
    #[must_use]
    pub fn with_judges(self, judges: Vec<Box<dyn Model>>) -> Self {
        Self { judges, ..self }
    }

    /// Sets what runs generated programs.
    #[must_use]
    pub fn with_sandbox(self, sandbox: Box<dyn Model>) -> Self {
        Self { sandbox: Some(sandbox), ..self }
    }

    /// Loads the datasets of a run file and connects its models.
    ///
    /// # Errors
    /// Those of [`EvaluationConfig::datasets`]; [`Error::Unreachable`](crate::Error::Unreachable),
    /// [`Error::Model`](crate::Error::Model) and [`Error::Weights`](crate::Error::Weights) when a model is not
    /// ready.
    pub async fn prepare(config: &EvaluationConfig) -> Result<Self> {
        let datasets = config.datasets()?;
        let measured = datasets
            .iter()
            .any(|set| set.config.infer.mode.needs_log_probs() || set.config.infer.mode == Mode::Clp);
        let needs = if measured { Needs::LogProbs } else { Needs::Answers };
        let mut models = Vec::new();
        for model in config.models() {
            models.push(with_tools(connect(model, needs).await?, &datasets));
        }
        Self::new(datasets, models).equipped(config).await
    }

    /// Adds what the datasets need besides the models: the judges and the retrievers' model of a run file, and the
    /// sandbox for generated programs.
    ///
    /// # Errors
    /// The same as [`prepare`](Self::prepare); [`Error::Model`](crate::Error::Model) when no sandbox works here.
    pub async fn equipped(mut self, config: &EvaluationConfig) -> Result<Self> {
        for judge in &config.judges {
            self.judges.push(connect(judge, Needs::Answers).await?);
        }
        self.retrieving(config).await?.sandboxed()
    }

    /// Connects the retrievers' model of a run file, if it has one.
    ///
    /// # Errors
    /// The same as [`prepare`](Self::prepare).
    pub async fn retrieving(mut self, config: &EvaluationConfig) -> Result<Self> {
        if let Some(model) = &config.retrieval {
            self.retrieval = Some(connect(model, Needs::LogProbs).await?);
        }
        Ok(self)
    }

    /// Adds the sandbox if the answers of a dataset are programs.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) when no sandbox works here.
    pub fn sandboxed(self) -> Result<Self> {
        #[cfg(feature = "sandbox")]
        if self.datasets.iter().any(|set| crate::score::runs_programs(&set.config)) {
            let limits = internlm_kit::sandbox::SandboxConfig::default();
            let sandbox = crate::execute::SandboxModel::new(limits)?;
            return Ok(self.with_sandbox(Box::new(sandbox)));
        }
        Ok(self)
    }

    /// Says whether examples have to be chosen with [`retrieve`](Self::retrieve) before there can be a plan.
    #[must_use]
    pub fn waits_for_examples(&self) -> bool {
        self.retrieval.is_some() && self.datasets.iter().any(|set| set.examples.is_err())
    }

    /// Sets the model that retrievers ask for sentence vectors and likelihoods.
    #[must_use]
    pub fn with_retrieval(self, model: Box<dyn Model>) -> Self {
        Self { retrieval: Some(model), ..self }
    }

    /// Chooses the examples that need sentence vectors or likelihoods; before [`plan`](Self::plan). Answers that the store
    /// has are not asked again.
    ///
    /// # Errors
    /// The same as [`ask`](Self::ask).
    pub async fn retrieve(
        &mut self,
        store: &mut Store,
        (workers, context): (usize, &RunContext),
    ) -> Result<Failures> {
        let Some(model) = self.retrieval.as_deref() else { return Ok(Failures::new()) };
        let waiting: Vec<usize> =
            (0..self.datasets.len()).filter(|place| self.datasets[*place].examples.is_err()).collect();
        let course = |place: usize| RetrievalCourse { dataset: &self.datasets[place], model };
        let courses: Vec<Box<dyn Course + '_>> =
            waiting.iter().map(|place| Box::new(course(*place)) as Box<dyn Course + '_>).collect();
        let failures = ask_all(&courses, &[Answerer { model, workers }], store, context).await?;
        drop(courses);
        let lookup = |key: &str| outcome(store, &failures, key);
        let chosen: Vec<_> =
            waiting.into_iter().map(|place| (place, course(place).settled(&lookup))).collect();
        for (place, examples) in chosen {
            self.datasets[place].examples = examples;
        }
        Ok(failures)
    }

    /// Says whether the model for retrieval would be asked although `store` is there. Needs its profile only.
    #[must_use]
    pub fn lacks_examples(&self, store: &Store) -> bool {
        let Some(model) = self.retrieval.as_deref() else { return false };
        let waiting = self.datasets.iter().filter(|set| set.examples.is_err());
        let lookup = |key: &str| outcome(store, &Failures::new(), key);
        let mut courses = waiting.map(|dataset| RetrievalCourse { dataset, model });
        courses.any(|course| !course.missing(&lookup).is_empty())
    }

    /// Takes the first rows as examples where a model would choose them, for a plan that only counts requests.
    pub fn assume_examples(&mut self) {
        let Some(model) = self.retrieval.as_deref() else { return };
        for set in self.datasets.iter_mut().filter(|set| set.examples.is_err()) {
            set.examples = assumed_examples(set, model.profile());
        }
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

    /// Returns what is known about each judge, in the order of the run file.
    #[must_use]
    pub fn judge_profiles(&self) -> Vec<&Profile> {
        self.judges.iter().map(|judge| judge.profile()).collect()
    }

    /// Returns what is known about the model for retrieval, if the run has one.
    #[must_use]
    pub fn retrieval_profile(&self) -> Option<&Profile> {
        self.retrieval.as_ref().map(|model| model.profile())
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
        self.ask_part(plan, store, Part::AnswersAndEvidence, (workers, context)).await
    }

    /// Like [`ask`](Self::ask), but only for a part of what the run needs.
    ///
    /// # Errors
    /// The same as [`ask`](Self::ask).
    pub async fn ask_part(
        &self,
        plan: &Plan,
        store: &mut Store,
        part: Part,
        (workers, context): (usize, &RunContext),
    ) -> Result<Failures> {
        let scorers = self.scorers()?;
        let courses = self.courses(plan, &scorers, part);
        let models = self.models.iter().chain(&self.judges);
        let mut answerers: Vec<Answerer<'_>> =
            models.map(|model| Answerer { model: model.as_ref(), workers }).collect();
        if let Some(sandbox) = &self.sandbox {
            let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            answerers.push(Answerer { model: sandbox.as_ref(), workers: threads });
        }
        ask_all(&courses, &answerers, store, context).await
    }

    /// The items of all cells, round robin over the cells, so that a large dataset does not make the others wait.
    fn courses<'a>(
        &'a self,
        plan: &'a Plan,
        scorers: &'a [Scorer<'a>],
        part: Part,
    ) -> Vec<Box<dyn Course + 'a>> {
        let longest = plan.cells.iter().map(|cell| cell.items().len()).max().unwrap_or(0);
        let mut courses: Vec<Box<dyn Course + 'a>> = Vec::new();
        for place in 0..longest {
            for cell in &plan.cells {
                let Some(item) = cell.items().get(place) else { continue };
                let scorer = (part == Part::AnswersAndEvidence).then(|| &scorers[cell.dataset]);
                let asked = Asked {
                    evaluation: self,
                    context: plan.context,
                    model: cell.model,
                    dataset: cell.dataset,
                };
                courses.push(Box::new(ItemCourse { asked, item, scorer }));
            }
        }
        courses
    }

    /// Returns the predictions of a cell that need no further answer of its model.
    pub(crate) fn settled(&self, cell: &Cell, context: InferContext, answers: Lookup<'_>) -> Vec<Prediction> {
        let asked = Asked { evaluation: self, context, model: cell.model, dataset: cell.dataset };
        let settled = |item| match asked.progress(item, &|ask| answers(&ask.key)) {
            Progress::Done(prediction) => Some(*prediction),
            Progress::Waits(_) => None,
        };
        cell.items().iter().filter_map(settled).collect()
    }

    fn scorers(&self) -> Result<Vec<Scorer<'_>>> {
        self.datasets.iter().map(Scorer::new).collect()
    }

    /// Scores every cell from the stored answers, in the order of the plan's cells. What was not answered counts as
    /// failed.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) when an evaluator cannot be made; a loaded dataset was checked.
    pub fn conclude(&self, plan: &Plan, store: &Store, failures: &Failures) -> Result<Vec<CellResult>> {
        let answers = |key: &str| outcome(store, failures, key);
        let mut results = Vec::with_capacity(plan.cells.len());
        for cell in &plan.cells {
            let state = match &cell.work {
                Work::Refused(reason) => CellState::Refused(reason.clone()),
                Work::Ready(items) => {
                    let asked = Asked {
                        evaluation: self,
                        context: plan.context,
                        model: cell.model,
                        dataset: cell.dataset,
                    };
                    let predictions: Vec<Prediction> =
                        items.iter().map(|item| asked.concluded(item, &answers)).collect();
                    let scorer = Scorer::new(&self.datasets[cell.dataset])?;
                    let lookup = |ask: &FollowUp| match self.follow_up_key(ask) {
                        Some(key) => answers(&key),
                        None => Some(Err(format!("the run has no {}", ask.to))),
                    };
                    let scored = scorer.score(&predictions, &lookup);
                    let (scores, other) = (Box::new(scored.scores), scored.other.map(Box::new));
                    CellState::Scored { predictions, scores, other }
                }
            };
            results.push(CellResult::new(cell.model, cell.dataset, state));
        }
        Ok(results)
    }

    /// Who answers a request of an evaluator: the index among all answerers. `None` if the run has no such helper.
    pub(crate) fn helper(&self, helper: Helper) -> Option<(usize, &dyn Model)> {
        match helper {
            Helper::Judge(place) => Some((self.models.len() + place, self.judges.get(place)?.as_ref())),
            Helper::Sandbox => Some((self.models.len() + self.judges.len(), self.sandbox.as_ref()?.as_ref())),
        }
    }

    /// The key of the answer to a request of an evaluator. `None` if the run has nobody who answers it.
    pub(crate) fn follow_up_key(&self, ask: &FollowUp) -> Option<String> {
        let (_, model) = self.helper(ask.to)?;
        Some(ask.request.key(&model.profile().identity))
    }
}

/// Gives a model the tools of agents if one of the datasets asks agents.
#[must_use]
pub(crate) fn with_tools(model: Box<dyn Model>, datasets: &[Dataset]) -> Box<dyn Model> {
    #[cfg(feature = "agent")]
    if datasets.iter().any(|set| set.config.infer.mode == Mode::Agent) {
        return Box::new(crate::agent::AgentModel::new(model));
    }
    let _ = datasets;
    model
}

/// One model on one dataset.
#[derive(Clone, Copy)]
struct Asked<'a> {
    evaluation: &'a Evaluation,
    context: InferContext,
    model: usize,
    dataset: usize,
}

impl Asked<'_> {
    fn progress(&self, item: &crate::infer::Item, lookup: &dyn Fn(&Ask) -> Option<Outcome>) -> Progress {
        let dataset = &self.evaluation.datasets[self.dataset];
        follow(dataset, item, self.evaluation.models[self.model].profile(), self.context, lookup)
    }

    /// Draws the prediction; what was not answered counts as failed.
    fn concluded(&self, item: &crate::infer::Item, answers: Lookup<'_>) -> Prediction {
        let lookup = |ask: &Ask| Some(answers(&ask.key).unwrap_or_else(|| Err("not asked yet".to_owned())));
        match self.progress(item, &lookup) {
            Progress::Done(prediction) => *prediction,
            // Every request has an outcome here.
            Progress::Waits(_) => {
                Prediction { error: Some("not asked yet".to_owned()), ..Prediction::default() }
            }
        }
    }
}

/// An item on its way from the first request to the evidence for its verdict.
struct ItemCourse<'a> {
    asked: Asked<'a>,
    item: &'a crate::infer::Item,
    scorer: Option<&'a Scorer<'a>>,
}

impl Course for ItemCourse<'_> {
    fn missing(&self, answers: Lookup<'_>) -> Vec<Errand> {
        let prediction = match self.asked.progress(self.item, &|ask| answers(&ask.key)) {
            Progress::Waits(asks) => {
                let errand = |ask: Ask| Errand { to: self.asked.model, key: ask.key, request: ask.request };
                return asks.into_iter().map(errand).collect();
            }
            Progress::Done(prediction) => prediction,
        };
        let Some(scorer) = self.scorer else { return Vec::new() };
        let evaluation = self.asked.evaluation;
        let lookup = |ask: &FollowUp| match evaluation.follow_up_key(ask) {
            Some(key) => answers(&key),
            None => Some(Err(format!("the run has no {}", ask.to))),
        };
        let errand = |ask: FollowUp| {
            let (to, model) = evaluation.helper(ask.to)?;
            Some(Errand { to, key: ask.request.key(&model.profile().identity), request: ask.request })
        };
        scorer.follow_ups(&prediction, &lookup).into_iter().filter_map(errand).collect()
    }
}
