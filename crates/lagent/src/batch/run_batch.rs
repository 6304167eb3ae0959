//! Asking all questions of a file.

use std::path::Path;
use std::time::Instant;

use futures_util::{StreamExt, stream};
use internlm_kit::atomic;
use internlm_kit::progress::Progress;
use internlm_model::chat::Message;

use super::journal::{Entry, Journal};
use super::{Prediction, Question, Summary, is_correct};
use crate::action::Executor;
use crate::driver::{Ending, World, drive};
use crate::llm::LanguageModel;
use crate::run::{AgentRun, AgentSpec, FailReason, FailureKind};
use crate::transcript::{Header, Recorder};
use crate::{Error, Result};

/// Everything that a run needs.
#[derive(Debug)]
pub struct Batch<'a, M> {
    /// The agent.
    pub spec: &'a AgentSpec,
    /// Its model.
    pub model: &'a M,
    /// The model's name, part of what identifies an unfinished run.
    pub model_name: &'a str,
    /// Its tools.
    pub tools: &'a Executor,
    /// What to ask.
    pub questions: &'a [Question],
    /// Where `transcripts.jsonl`, `predictions.jsonl` and `summary.json` go.
    pub out: &'a Path,
    /// Questions asked at once.
    pub concurrency: usize,
}

/// Whether an unfinished run goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// Questions that an interrupted run of the same agent, model and questions finished are kept.
    Resume,
    /// Every question is asked.
    Fresh,
}

/// Asks every question, scores, writes. Output is in the order of the questions.
///
/// A network error stops the run instead of counting as a wrong answer; the questions finished until then
/// are kept for the next run.
///
/// # Errors
/// [`Error::Interrupted`], [`Error::File`].
pub async fn run_batch<M: LanguageModel>(batch: &Batch<'_, M>, start: Start) -> Result<Summary> {
    let started = Instant::now();
    if start == Start::Fresh {
        Journal::discard(batch.out)?;
    }
    let key = batch.key()?;
    let (mut journal, mut finished) = Journal::open(batch.out, &key)?;
    if !finished.is_empty() {
        tracing::info!(finished = finished.len(), "going on where the last run was interrupted");
    }
    let progress = Progress::new("agent", "questions", batch.questions.len() as u64);
    progress.advance(finished.len() as u64);
    let left: Vec<usize> = (0..batch.questions.len())
        .filter(|index| !finished.iter().any(|entry| entry.index == *index))
        .collect();
    let mut answers =
        stream::iter(left).map(|index| batch.ask(index)).buffer_unordered(batch.concurrency.max(1));
    let mut first_error = None;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(entry) => {
                journal.add(&entry)?;
                finished.push(entry);
                progress.advance(1);
            }
            Err(error) => {
                first_error = Some(error);
                break;
            }
        }
    }
    drop(answers);
    if let Some(error) = first_error {
        return Err(error);
    }
    finished.sort_by_key(|entry| entry.index);
    let summary = batch.write(&finished, started.elapsed().as_secs_f64())?;
    journal.remove()?;
    Ok(summary)
}

impl<M: LanguageModel> Batch<'_, M> {
    /// Identifies the run: same key, same questions to the same agent.
    fn key(&self) -> Result<String> {
        Ok(atomic::sha256(&serde_json::to_vec(&(self.spec, self.model_name, self.questions))?))
    }

    async fn ask(&self, index: usize) -> Result<Entry> {
        let question = &self.questions[index];
        let mut run = AgentRun::new(self.spec.clone());
        let header = Header {
            id: question.id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sandbox: self.tools.sandbox_level(),
            tools: self.spec.tools.iter().map(|tool| tool.name.clone()).collect(),
            agent: run.clone(),
        };
        let mut recorder = Recorder::start(&header)?;
        let world = World { model: self.model, tools: self.tools };
        let messages = vec![Message::user(&question.question)];
        let ending = drive(&mut run, messages, world, &mut recorder).await?;
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
        self.write_file("transcripts.jsonl", lines.as_bytes())?;
        let mut lines = String::new();
        for prediction in &predictions {
            lines.push_str(&serde_json::to_string(prediction)?);
            lines.push('\n');
        }
        self.write_file("predictions.jsonl", lines.as_bytes())?;
        self.write_file("summary.json", (serde_json::to_string_pretty(&summary)? + "\n").as_bytes())?;
        Ok(summary)
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.out.join(name);
        atomic::write(&path, bytes).map_err(|source| Error::File { path, verb: "write", source })
    }
}

fn prediction(question: &Question, ending: &Ending, run: &AgentRun) -> Prediction {
    let used = run.used();
    let answer = ending.answer().map(|answer| answer.trim().to_owned());
    Prediction {
        id: question.id.clone(),
        question: question.question.clone(),
        answer: question.answer.clone(),
        correct: answer.as_ref().is_some_and(|answer| is_correct(answer, &question.answer)),
        prediction: answer,
        end: match ending {
            Ending::Finished { .. } => "finished".to_owned(),
            Ending::Failed { reason, .. } => reason.to_string(),
        },
        turns: used.turns,
        tool_calls: used.tool_calls,
        parse_errors: used.parse_errors,
        input_tokens: used.input_tokens,
        output_tokens: used.output_tokens,
    }
}
