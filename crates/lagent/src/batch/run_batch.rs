//! Asks all questions of a batch and writes the results.

use std::collections::BTreeMap;
use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use futures_util::{StreamExt, stream};
use internlm_kit::context::RunContext;
use internlm_kit::stop::Stop;
use internlm_kit::{file, hash};
use internlm_model::chat::Message;

use super::asking::Asking;
use super::journal::{Found, Journal};
use super::summary::CUT;
use super::{Consent, Nobody, Prediction, Question, Start, Summary};
use crate::driver::{Decision, Ending, World, drive};
use crate::llm::LanguageModel;
use crate::run::{AgentRun, AgentSpec, Counters, Finish, Machine};
use crate::transcript::{Header, Resumed, Secrets, Trail};
use crate::{Error, Result};

/// Number of questions that are asked at the same time unless the caller says otherwise.
const CONCURRENCY: usize = 4;

/// The finished questions by index, with their transcripts.
type Done = BTreeMap<usize, (Prediction, Vec<String>)>;

/// A set of questions for one agent or one team.
///
/// ```
/// use lagent::action::Toolbox;
/// use lagent::batch::{Batch, Question, Start};
/// use lagent::driver::World;
/// use lagent::llm::Scripted;
/// use lagent::run::AgentSpec;
///
/// # let runtime = tokio::runtime::Runtime::new()?;
/// # runtime.block_on(async {
/// let folder = tempfile::tempdir()?;
/// let (agent, tools) = (AgentSpec::internlm2(Vec::new()), Toolbox::default());
/// let model = Scripted::new(["The answer is 2."]);
/// let questions = [Question::new("q1", "What is 1 + 1?", "2")];
/// let batch = Batch::new(&agent, World::new(&model, &tools), &questions, folder.path());
/// let summary = batch.run(Start::Fresh, &Default::default()).await?;
/// assert_eq!(summary.agent_accuracy, 100.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Batch<'a, M> {
    /// The state before every question.
    machine: Machine,
    world: World<'a, M>,
    questions: &'a [Question],
    out: PathBuf,
    concurrency: usize,
    consent: &'a dyn Consent,
    secrets: Secrets,
}

impl<'a, M: LanguageModel> Batch<'a, M> {
    /// Creates a batch that writes `transcripts.jsonl`, `predictions.jsonl` and `summary.json` into the folder
    /// `out`. Four questions are asked at the same time.
    pub fn new(
        agent: &AgentSpec,
        world: World<'a, M>,
        questions: &'a [Question],
        out: impl AsRef<Path>,
    ) -> Self {
        Self::of(AgentRun::new(agent.clone()).into(), world, questions, out)
    }

    /// Creates a batch like [`Batch::new`] for an agent or a team. `machine` is the state before each question.
    pub fn of(
        machine: Machine,
        world: World<'a, M>,
        questions: &'a [Question],
        out: impl AsRef<Path>,
    ) -> Self {
        let out = out.as_ref().to_path_buf();
        let (concurrency, consent, secrets) = (CONCURRENCY, &Nobody, Secrets::default());
        Self { machine, world, questions, out, concurrency, consent, secrets }
    }

    /// Sets how many questions are asked at the same time, at least one. The results do not depend on it.
    #[must_use]
    pub fn with_concurrency(self, concurrency: usize) -> Self {
        Self { concurrency: concurrency.max(1), ..self }
    }

    /// Sets who decides about calls that need a person. Default: [`Nobody`].
    #[must_use]
    pub fn with_consent(self, consent: &'a dyn Consent) -> Self {
        Self { consent, ..self }
    }

    /// Sets the texts that are masked in transcripts. A question that continues after a kill has the masks in its
    /// conversation.
    #[must_use]
    pub fn with_secrets(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// Asks every question, judges the answers and writes the results in the order of the questions. Each question
    /// is a conversation of its own, and a session of its own for tools, named by its id.
    ///
    /// A network error stops the batch, because it says nothing about the answer. So does the stop signal of
    /// `context`. Everything that is done by then is kept for the next run, which continues unfinished questions
    /// where they were.
    ///
    /// # Errors
    /// [`Error::Interrupted`] after a network error; [`Error::Stopped`] after the stop signal;
    /// [`Error::Journal`] when another batch uses the folder; [`Error::File`].
    pub async fn run(&self, start: Start, context: &RunContext) -> Result<Summary> {
        let started = Instant::now();
        let (journal, found) = Journal::open(&self.out, &self.key()?, start)?;
        let Found { finished, mut transcripts } = found;
        if !finished.is_empty() || !transcripts.is_empty() {
            let begun = transcripts.len().saturating_sub(finished.len());
            tracing::info!(finished = finished.len(), begun, "resuming an interrupted run");
        }
        let mut lines = |index: &usize| transcripts.remove(index).unwrap_or_default();
        let mut done: Done =
            finished.into_iter().map(|(index, prediction)| (index, (prediction, lines(&index)))).collect();
        let left: Vec<(usize, Vec<String>)> = (0..self.questions.len())
            .filter(|index| !done.contains_key(index))
            .map(|index| (index, lines(&index)))
            .collect();
        let (journal, total) = (Mutex::new(journal), self.questions.len());
        self.ask_all(left, &mut done, (&journal, context)).await?;
        if done.len() < total {
            return Err(Error::Stopped { finished: done.len(), total });
        }
        let summary = self.write(&done, started.elapsed().as_secs_f64())?;
        journal.into_inner().unwrap_or_else(PoisonError::into_inner).remove()?;
        Ok(summary)
    }

    /// Asks what is left, several questions at a time. After an error no further question is asked.
    async fn ask_all(
        &self,
        left: Vec<(usize, Vec<String>)>,
        done: &mut Done,
        (journal, context): (&Mutex<Journal>, &RunContext),
    ) -> Result<()> {
        let progress = context.reporter.start("agent", "questions", self.questions.len() as u64);
        progress.advance(done.len() as u64);
        let broken = Stop::new();
        // A requested stop ends the stream, and so does an error; the questions that are already asked still finish.
        let asked =
            stream::iter(left).take_while(|_| ready(!context.stop.is_requested() && !broken.is_requested()));
        let mut answers =
            asked.map(|(index, lines)| self.ask(index, lines, journal)).buffer_unordered(self.concurrency);
        let mut first_error = None;
        while let Some(answer) = answers.next().await {
            match answer {
                Ok((index, prediction, lines)) => {
                    done.insert(index, (prediction, lines));
                    progress.advance(1);
                }
                Err(error) => {
                    broken.request();
                    first_error.get_or_insert(error);
                }
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// Identifies the batch: the same program, agent, model and questions give the same key.
    fn key(&self) -> Result<String> {
        let model = self.world.model().name();
        let parts = (env!("CARGO_PKG_VERSION"), &self.machine, model, self.questions);
        Ok(hash::sha256(serde_json::to_vec(&parts)?))
    }

    /// Asks one question, or continues it behind the lines that are already written.
    async fn ask(
        &self,
        index: usize,
        lines: Vec<String>,
        journal: &Mutex<Journal>,
    ) -> Result<(usize, Prediction, Vec<String>)> {
        let question = &self.questions[index];
        let lock = || journal.lock().unwrap_or_else(PoisonError::into_inner);
        let sink = |lines: &[String]| lock().add(index, lines);
        let (mut run, trail) = if lines.is_empty() {
            let trail = Trail::start(&self.header(question), self.secrets.clone(), sink)?;
            (Resumed::from(self.machine.clone()), trail)
        } else {
            let path = lock().path();
            let mut run = Resumed::read(&path, &lines)?;
            let mut trail = run.trail(self.secrets.clone(), sink)?;
            self.settle(&mut run, &mut trail)?;
            (run, trail)
        };
        let mut watcher = Asking { id: &question.id, trail, consent: self.consent };
        if run.is_open() {
            watcher.trail.skip_start();
        }
        let messages = vec![Message::user(&question.question)];
        let world = self.world.with_session(&question.id);
        let ending = drive(&mut run, messages, world, &mut watcher).await?;
        let prediction = prediction(question, &ending, run.machine().used());
        let prediction = self.secrets.masked(&prediction)?.into_owned();
        let lines = watcher.trail.into_lines();
        lock().finish(index, &prediction)?;
        Ok((index, prediction, lines))
    }

    /// Decides about the calls whose outcome is unknown.
    fn settle(&self, run: &mut Resumed, trail: &mut Trail<'_>) -> Result<()> {
        for call in run.uncertain_calls() {
            if let Decision::Deny(reason) = self.consent.repeat(&call.name, &call.args) {
                tracing::warn!(tool = call.name, "a call whose outcome is unknown was not made again");
                run.give_up(call, &reason, trail)?;
            }
        }
        Ok(())
    }

    fn header(&self, question: &Question) -> Header {
        let tools = self.world.tools();
        Header {
            id: question.id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sandbox: tools.sandbox_level(),
            tools: tools.specs().into_iter().map(|tool| tool.name).collect(),
            agent: self.machine.clone(),
        }
    }

    fn write(&self, done: &Done, seconds: f64) -> Result<Summary> {
        let predictions: Vec<Prediction> = done.values().map(|(prediction, _)| prediction.clone()).collect();
        let summary = Summary::of(&predictions, seconds);
        let mut lines = String::new();
        for line in done.values().flat_map(|(_, transcript)| transcript) {
            lines.push_str(line);
            lines.push('\n');
        }
        file::write(self.out.join("transcripts.jsonl"), lines)?;
        let mut lines = String::new();
        for prediction in &predictions {
            lines.push_str(&serde_json::to_string(prediction)?);
            lines.push('\n');
        }
        file::write(self.out.join("predictions.jsonl"), lines)?;
        file::write(self.out.join("summary.json"), serde_json::to_string_pretty(&summary)? + "\n")?;
        Ok(summary)
    }
}

impl<M: std::fmt::Debug> std::fmt::Debug for Batch<'_, M> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Batch");
        shown.field("world", &self.world).field("questions", &self.questions.len());
        shown.field("out", &self.out).field("concurrency", &self.concurrency).finish_non_exhaustive()
    }
}

fn prediction(question: &Question, ending: &Ending, used: &Counters) -> Prediction {
    let answer = ending.answer().map(|answer| answer.trim().to_owned());
    Prediction {
        id: question.id.clone(),
        question: question.question.clone(),
        answer: question.answer.clone(),
        correct: answer.as_ref().is_some_and(|answer| question.is_answered_by(answer)),
        prediction: answer,
        end: match ending {
            Ending::Finished { finish: Finish::Length, .. } => CUT.to_owned(),
            Ending::Finished { finish: Finish::Stop, .. } => "finished".to_owned(),
            Ending::Failed { reason, .. } => reason.to_string(),
        },
        turns: used.turns,
        tool_calls: used.tool_calls,
        parse_errors: used.parse_errors,
        input_tokens: used.input_tokens,
        output_tokens: used.output_tokens,
    }
}
