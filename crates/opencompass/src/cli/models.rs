//! Makes the evaluation of a run: its datasets, and its models as far as they are needed.

use crate::dataset::Mode;
use crate::evaluation::with_tools;
use crate::model::{Answering, Model, ModelKind, Needs, Profile, Request, connect};
use crate::run_folder::{OfflineModel, Recorder, RecorderSwitch, RunFolder, assumed_profile};
use crate::{Evaluation, EvaluationConfig, Result};

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

/// An evaluation, and one switch for the notes of each model that is asked.
pub(super) struct Ready {
    pub(super) evaluation: Evaluation,
    pub(super) switches: Vec<RecorderSwitch>,
}

/// Loads the datasets and makes the models ready.
pub(super) async fn connected(
    config: &EvaluationConfig,
    folder: &RunFolder,
    connection: Connection,
) -> Result<Ready> {
    let datasets = config.datasets()?;
    let measured = datasets
        .iter()
        .any(|set| set.config.infer.mode.needs_log_probs() || set.config.infer.mode == Mode::Clp);
    let needs = if measured { Needs::LogProbs } else { Needs::Answers };
    let mut models: Vec<Box<dyn Model>> = Vec::new();
    let mut switches = Vec::new();
    for (place, described) in config.models().enumerate() {
        let now = match connection {
            Connection::Now | Connection::Logged => true,
            Connection::Only(only) => only == place,
            Connection::Stored | Connection::Assumed => described.kind == ModelKind::Mock,
        };
        let model: Box<dyn Model> = if now {
            with_tools(connect(described, needs).await?, &datasets)
        } else {
            let profile = match (folder.stored_profile(described)?, connection) {
                (Some(profile), _) => profile,
                (None, Connection::Stored) => connect(described, needs).await?.profile().clone(),
                (None, _) => assumed_profile(described)?,
            };
            Box::new(OfflineModel::new(profile))
        };
        let asked = matches!(connection, Connection::Now | Connection::Logged | Connection::Only(_));
        let model: Box<dyn Model> = match (asked, connection) {
            (false, _) => Box::new(OfflineModel::new(model.profile().clone())),
            (true, Connection::Logged) => Box::new(LoggedModel(model)),
            (true, _) => {
                let (recorder, switch) = Recorder::new(model);
                switches.push(switch);
                Box::new(recorder)
            }
        };
        models.push(model);
    }
    let mut evaluation = Evaluation::new(datasets, models);
    if connection != Connection::Assumed {
        evaluation = evaluation.equipped(config).await?;
    }
    Ok(Ready { evaluation, switches })
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
