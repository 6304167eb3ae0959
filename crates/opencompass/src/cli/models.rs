//! Makes the evaluation of a run: its datasets, and its models as far as they are needed.

use crate::dataset::{Dataset, Mode};
use crate::evaluation::with_tools;
use crate::model::{Answering, EvaluatedModelConfig, Model, ModelKind, Needs, Profile, Request, connect};
use crate::run_folder::{OfflineModel, Recorder, RecorderSwitch, Role, RunFolder, assumed_profile};
use crate::{Evaluation, EvaluationConfig, Part, Result};

/// Which models are connected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Connection {
    /// All of them.
    Now,
    /// All of them, and every prompt is logged with its answer.
    Logged,
    /// None of those that an earlier run of the folder has met: their answers are stored.
    Stored,
    /// None: the plan of a model that was never met is a guess.
    Assumed,
    /// Only the one at this place: the others belong to other tasks.
    Only(usize),
}

/// Whether judges and the model for retrieval can be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Helpers {
    /// They are connected.
    Connected,
    /// Only what an earlier run found out about them is there.
    Offline,
}

/// An evaluation, and one switch for the notes of each model that is asked.
pub(super) struct Ready {
    pub(super) evaluation: Evaluation,
    pub(super) switches: Vec<RecorderSwitch>,
    pub(super) helpers: Helpers,
}

/// Loads the datasets and makes everyone ready who takes part in `part` of the run.
pub(super) async fn connected(
    config: &EvaluationConfig,
    folder: &RunFolder,
    connection: Connection,
    part: Part,
) -> Result<Ready> {
    let datasets = config.datasets()?;
    let measured = datasets
        .iter()
        .any(|set| set.config.infer.mode.needs_log_probs() || set.config.infer.mode == Mode::Clp);
    let needs = if measured { Needs::LogProbs } else { Needs::Answers };
    let mut models: Vec<Box<dyn Model>> = Vec::new();
    let mut switches = Vec::new();
    for (place, described) in config.models().enumerate() {
        let asked = match connection {
            Connection::Now | Connection::Logged => true,
            Connection::Only(only) => only == place,
            Connection::Stored | Connection::Assumed => false,
        };
        if !asked {
            models.push(offline((described, needs), (folder, connection), &datasets).await?);
            continue;
        }
        if let (ModelKind::Local, Some(weights)) = (described.kind, &described.weights) {
            // Large weights take a while to be read and hashed.
            tracing::info!("model {}: loading {}", described.name, weights.display());
        }
        let model = with_tools(connect(described, needs).await?, &datasets);
        if connection == Connection::Logged {
            models.push(Box::new(LoggedModel(model)));
            continue;
        }
        let (recorder, switch) = Recorder::new(model);
        switches.push(switch);
        models.push(Box::new(recorder));
    }
    let evaluation = Evaluation::new(datasets, models);
    let (evaluation, helpers) = if part == Part::Answers && connection != Connection::Assumed {
        (unjudged(evaluation, config, folder).await?, Helpers::Connected)
    } else {
        helped(evaluation, (config, folder), connection).await?
    };
    Ok(Ready { evaluation, switches, helpers })
}

/// Returns a model that is not asked, with what an earlier run of the folder found out about it.
async fn offline(
    (described, needs): (&EvaluatedModelConfig, Needs),
    (folder, connection): (&RunFolder, Connection),
    datasets: &[Dataset],
) -> Result<Box<dyn Model>> {
    let stored = folder.stored_profile(Role::Evaluated, described)?;
    let profile = match stored {
        Some(profile) => profile,
        // A mock costs nothing, and a score needs to know who answered.
        None if described.kind == ModelKind::Mock || connection == Connection::Stored => {
            connect(described, needs).await?.profile().clone()
        }
        None => assumed_profile(described)?,
    };
    // The sets of this run decide whether the model gets tools, not those of the earlier one.
    let profile = with_tools(Box::new(OfflineModel::new(profile)), datasets).profile().clone();
    Ok(Box::new(OfflineModel::new(profile)))
}

/// Adds what answers alone need, which is the model for retrieval. What an earlier run found out about the judges is kept;
/// one that was never met is left to the run that asks it.
async fn unjudged(
    evaluation: Evaluation,
    config: &EvaluationConfig,
    folder: &RunFolder,
) -> Result<Evaluation> {
    let profiles = config.judges.iter().map(|judge| folder.stored_profile(Role::Judge, judge));
    let profiles: Option<Vec<Profile>> = profiles.collect::<Result<_>>()?;
    let judges = profiles.unwrap_or_default().into_iter().map(unasked).collect();
    evaluation.with_judges(judges).retrieving(config).await
}

/// A model that has only a profile.
fn unasked(profile: Profile) -> Box<dyn Model> {
    Box::new(OfflineModel::new(profile))
}

/// Adds the judges, the model for retrieval and the sandbox, as far as the connection needs them.
async fn helped(
    evaluation: Evaluation,
    (config, folder): (&EvaluationConfig, &RunFolder),
    connection: Connection,
) -> Result<(Evaluation, Helpers)> {
    if !matches!(connection, Connection::Stored | Connection::Assumed) {
        return Ok((evaluation.equipped(config).await?, Helpers::Connected));
    }
    let profile = |role: Role, described: &EvaluatedModelConfig| -> Result<Option<Profile>> {
        match folder.stored_profile(role, described)? {
            None if connection == Connection::Assumed => assumed_profile(described).map(Some),
            stored => Ok(stored),
        }
    };
    let judges = config.judges.iter().map(|judge| profile(Role::Judge, judge)).collect::<Result<Vec<_>>>()?;
    let retrieval = config.retrieval.as_ref().map(|model| profile(Role::Retrieval, model)).transpose()?;
    let known: Option<Vec<Profile>> = judges.into_iter().chain(retrieval.clone()).collect();
    // One that was never met has to be connected, since its name is part of the keys of its answers.
    let Some(mut known) = known else {
        return Ok((evaluation.equipped(config).await?, Helpers::Connected));
    };
    let retrieval = retrieval.and_then(|_| known.pop());
    let mut evaluation = evaluation.with_judges(known.into_iter().map(unasked).collect());
    if let Some(profile) = retrieval {
        evaluation = evaluation.with_retrieval(unasked(profile));
    }
    if connection == Connection::Stored {
        // Its identity is part of the keys of what programs did.
        evaluation = evaluation.sandboxed()?;
    }
    Ok((evaluation, Helpers::Offline))
}

/// Connects the judges and the model for retrieval after all: something of theirs is missing.
pub(super) async fn with_helpers(evaluation: Evaluation, config: &EvaluationConfig) -> Result<Evaluation> {
    evaluation.with_judges(Vec::new()).equipped(config).await
}

/// A model whose prompts and answers are logged, for `--debug`.
struct LoggedModel(Box<dyn Model>);

impl Model for LoggedModel {
    fn profile(&self) -> &Profile {
        self.0.profile()
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            let answer = self.0.answer(request).await;
            let (name, prompt) = (&self.profile().name, request.shown());
            match &answer {
                Ok(answer) => tracing::info!("{name}: asked {prompt}, answered {answer:?}"),
                Err(error) => tracing::info!("{name}: asked {prompt}, failed: {error}"),
            }
            answer
        })
    }
}
