//! [`AgentModel`]: a model that also answers requests for an agent, by driving one of lagent.

use internlm_kit::config::Validate;
use lagent::Message;
use lagent::action::Toolbox;
use lagent::config::AgentConfig;
use lagent::driver::{Ending, World, drive};
use lagent::hook::Hooks;
use lagent::llm::EndpointConfig;
use lagent::memory::MemoryConfig;
use lagent::run::{AgentRun, AgentSpec, Approval, FailReason};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::asked_model::AskedModel;
use super::steps::Steps;
use crate::model::{Answer, Answering, ChatMessage, MessageRole, Model, Profile, Request, Sampling};
use crate::{Error, Result};

/// Mark between the thought and the code of expected answers, as upstream's loader of CIBench writes it.
const SPLIT: &str = "**split**";
/// Tool that runs the code of expected answers.
const INTERPRETER: &str = "IPythonInterpreter";
/// Time for the code of one expected answer, seconds.
const SECONDS: u64 = 120;

/// A model with tools. Requests for an agent are answered by an agent of lagent that asks the model; all others are
/// passed to the model itself.
///
/// Every request has its own tools, and so its own notebook. Code in earlier expected answers (a thought, `**split**`
/// and code) is run in that notebook first, so that the question finds its variables.
pub struct AgentModel {
    inner: Box<dyn Model>,
    /// That of `inner`, but with agents.
    profile: Profile,
}

impl AgentModel {
    /// Gives tools to a model.
    #[must_use]
    pub fn new(inner: Box<dyn Model>) -> Self {
        let profile = Profile { agent: Ok(()), ..inner.profile().clone() };
        Self { inner, profile }
    }

    async fn act(&self, agent: &Value, messages: &[ChatMessage], sampling: &Sampling) -> Result<Answer> {
        let profile = &self.profile;
        let config = config(profile, agent, sampling)?;
        let codes: Vec<String> = messages.iter().filter_map(expected_code).collect();
        // Starting tools and running code block a thread.
        let started = tokio::task::spawn_blocking(move || Started::new(config, &codes)).await;
        let started = started.map_err(|source| Error::Thread { model: profile.name.clone(), source })?;
        let started = started.map_err(|message| Error::Model { model: profile.name.clone(), message })?;
        let mut run = AgentRun::new(started.spec.clone());
        let mut steps = Steps::default();
        let messages = messages.iter().map(told).collect();
        let llm = AskedModel::new(self.inner.as_ref());
        let world = World::new(&llm, &started.tools).with_hooks(&started.hooks);
        let ending = drive(&mut run, messages, world, &mut steps).await;
        let ending = ending.map_err(|error| failed(profile, &error))?;
        let text = match ending {
            Ending::Finished { message, .. } => message.text().to_owned(),
            // It says nothing about the answer, so it is asked again by the next run.
            Ending::Failed { reason: reason @ FailReason::Model { .. }, .. } => {
                return Err(Error::Model { model: profile.name.clone(), message: reason.to_string() });
            }
            Ending::Failed { best, .. } => best.unwrap_or_default(),
        };
        Ok(Answer::Agent { text, steps: steps.into_calls() })
    }
}

impl Model for AgentModel {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        match request {
            Request::Agent { agent, messages, sampling } => Box::pin(self.act(agent, messages, sampling)),
            other => self.inner.answer(other),
        }
    }
}

/// The agent of one request with its tools.
struct Started {
    spec: AgentSpec,
    tools: Toolbox,
    hooks: Hooks,
    /// Folder of the tools' files, which goes with the request.
    _folder: TempDir,
}

impl Started {
    fn new(mut config: AgentConfig, codes: &[String]) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("folder of the tools: {error}"))?;
        folder.path().clone_into(&mut config.folder);
        let hooks = config.build_hooks().map_err(|error| error.to_string())?;
        let tools = config.toolbox().map_err(|error| error.to_string())?;
        for code in codes {
            let ran = tools.call(INTERPRETER, &json!({ "command": code, "timeout": SECONDS }));
            if let Some(message) = &ran.errmsg {
                return Err(format!("the code of an expected answer failed: {message}"));
            }
        }
        Ok(Self { spec: config.spec(&tools), tools, hooks, _folder: folder })
    }
}

/// Reads the agent of a dataset file and gives it the sampling settings of the request.
fn config(profile: &Profile, agent: &Value, sampling: &Sampling) -> Result<AgentConfig> {
    let refused = |message: String| Error::Model {
        model: profile.name.clone(),
        message: format!("infer.agent: {message}"),
    };
    let mut config: AgentConfig =
        serde_json::from_value(agent.clone()).map_err(|error| refused(error.to_string()))?;
    config.sampling.temperature = sampling.temperature;
    config.sampling.seed = sampling.seed.cast_signed();
    config.sampling.stop.extend(sampling.stop.iter().cloned());
    if let Some(max_tokens) = sampling.max_tokens {
        config.sampling.max_tokens = max_tokens;
    }
    let mut problems = config.problems();
    problems.extend(unusable(&config));
    if problems.is_empty() { Ok(config) } else { Err(refused(problems.join("; "))) }
}

/// Settings that an evaluation cannot follow. None of them is passed over.
fn unusable(config: &AgentConfig) -> Vec<String> {
    let limits = &config.limits;
    let asks = config.approval.as_ref().is_some_and(|approval| *approval != Approval::Never);
    let settings = [
        ("sampling.top-p", config.sampling.top_p < 1.0, "evaluated models are sampled from all tokens"),
        ("limits.input-tokens", limits.input_tokens.is_some(), "tokens are not counted"),
        ("limits.output-tokens", limits.output_tokens.is_some(), "tokens are not counted"),
        ("limits.money", limits.money.is_some(), "tokens are not counted"),
        ("model", config.model != EndpointConfig::default(), "the evaluated model is asked"),
        ("memory", config.memory != MemoryConfig::default(), "every question is on its own"),
        ("questions", config.questions.is_some(), "the dataset has the questions"),
        ("approval", asks, "there is nobody to ask"),
    ];
    let set = settings.into_iter().filter(|(_, is_set, _)| *is_set);
    set.map(|(key, _, reason)| format!("{key}: found a setting, expected the default: {reason}")).collect()
}

/// The code of an expected answer of an assistant.
fn expected_code(message: &ChatMessage) -> Option<String> {
    let text = message.text();
    let (_, code) = text.split_once(SPLIT).filter(|_| message.role == MessageRole::Assistant)?;
    Some(code.to_owned())
}

/// A message as the agent reads it.
fn told(message: &ChatMessage) -> Message {
    let text = message.text();
    match message.role {
        MessageRole::System | MessageRole::Developer => Message::system(text),
        MessageRole::Assistant => Message::assistant(match text.split_once(SPLIT) {
            Some((thought, code)) => format!("{thought}\n```python\n{code}\n```"),
            None => text,
        }),
        _ => Message::user(text),
    }
}

fn failed(profile: &Profile, error: &lagent::Error) -> Error {
    Error::Model { model: profile.name.clone(), message: error.to_string() }
}
