//! Asks all questions of a batch and writes the results.

use std::future::ready;
use std::path::{Path, PathBuf};
use std::time::Instant;

use futures_util::{StreamExt, stream};
use internlm_kit::context::RunContext;
use internlm_kit::{file, hash};
use internlm_model::chat::Message;

use super::journal::{Entry, Journal};
use super::summary::CUT;
use super::{Prediction, Question, Start, Summary};
use crate::driver::{Ending, World, drive};
use crate::llm::LanguageModel;
use crate::run::{AgentRun, AgentSpec, FailReason, FailureKind, Finish};
use crate::transcript::{Header, Recorder};
use crate::{Error, Result};

/// Number of questions that are asked at the same time unless the caller says otherwise.
const CONCURRENCY: usize = 4;

/// A set of questions for one agent.
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
#[derive(Debug)]
pub struct Batch<'a, M> {
    agent: &'a AgentSpec,
    world: World<'a, M>,
    questions: &'a [Question],
    out: PathBuf,
    concurrency: usize,
}

impl<'a, M: LanguageModel> Batch<'a, M> {
    /// Creates a batch that writes `transcripts.jsonl`, `predictions.jsonl` and `summary.json` into the folder
    /// `out`. Four questions are asked at the same time.
    pub fn new(
        agent: &'a AgentSpec,
        world: World<'a, M>,
        questions: &'a [Question],
        out: impl AsRef<Path>,
    ) -> Self {
        Self { agent, world, questions, out: out.as_ref().to_path_buf(), concurrency: CONCURRENCY }
    }

    /// Sets how many questions are asked at the same time, at least one. The results do not depend on it.
    #[must_use]
    pub fn with_concurrency(self, concurrency: usize) -> Self {
        Self { concurrency: concurrency.max(1), ..self }
    }

    /// Asks every question, judges the answers and writes the results in the order of the questions.
    ///
    /// A network error stops the batch, because it says nothing about the answer. So does the stop signal of
    /// `context`. The questions that are finished by then are kept for the next run.
    ///
    /// # Errors
    /// [`Error::Interrupted`] after a network error; [`Error::Stopped`] after the stop signal;
    /// [`Error::Journal`] when another batch uses the folder; [`Error::File`].
    pub async fn run(&self, start: Start, context: &RunContext) -> Result<Summary> {
        let started = Instant::now();
        let (mut journal, mut finished) = Journal::open(&self.out, &self.key()?, start)?;
        if !finished.is_empty() {
            tracing::info!(finished = finished.len(), "resuming an interrupted run");
        }
        let progress = context.reporter.start("agent", "questions", self.questions.len() as u64);
        progress.advance(finished.len() as u64);
        let left: Vec<usize> = (0..self.questions.len())
            .filter(|index| !finished.iter().any(|entry| entry.index == *index))
            .collect();
        // A requested stop ends the stream; the questions that are already asked still finish.
        let asked = stream::iter(left).take_while(|_| ready(!context.stop.is_requested()));
        let mut answers = asked.map(|index| self.ask(index)).buffer_unordered(self.concurrency);
        while let Some(answer) = answers.next().await {
            let entry = answer?;
            journal.add(&entry)?;
            finished.push(entry);
            progress.advance(1);
        }
        if finished.len() < self.questions.len() {
            return Err(Error::Stopped { finished: finished.len(), total: self.questions.len() });
        }
        finished.sort_by_key(|entry| entry.index);
        let summary = self.write(&finished, started.elapsed().as_secs_f64())?;
        journal.remove()?;
        Ok(summary)
    }

    /// Identifies the batch: the same agent, model and questions give the same key.
    fn key(&self) -> Result<String> {
        let parts = (self.agent, self.world.model().name(), self.questions);
        Ok(hash::sha256(serde_json::to_vec(&parts)?))
    }

    async fn ask(&self, index: usize) -> Result<Entry> {
        let question = &self.questions[index];
        let mut run = AgentRun::new(self.agent.clone());
        let header = Header {
            id: question.id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sandbox: self.world.tools().sandbox_level(),
            tools: self.agent.tools.iter().map(|tool| tool.name.clone()).collect(),
            agent: run.clone(),
        };
        let mut recorder = Recorder::start(&header)?;
        let messages = vec![Message::user(&question.question)];
        let ending = drive(&mut run, messages, self.world, &mut recorder).await?;
        if let Ending::Failed { reason: FailReason::Model { kind, message }, .. } = &ending
            && matches!(kind, FailureKind::Network | FailureKind::Auth | FailureKind::Quota)
        {
            return Err(Error::Interrupted { id: question.id.clone(), message: message.clone() });
        }
        let prediction = prediction(question, &ending, &run);
        Ok(Entry { index, prediction, transcript: recorder.into_lines() })
    }

    fn write(&self, finished: &[Entry], seconds: f64) -> Result<Summary> {
        let predictions: Vec<Prediction> = finished.iter().map(|entry| entry.prediction.clone()).collect();
        let summary = Summary::of(&predictions, seconds);
        let mut lines = String::new();
        for line in finished.iter().flat_map(|entry| &entry.transcript) {
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

fn prediction(question: &Question, ending: &Ending, run: &AgentRun) -> Prediction {
    let used = run.used();
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
