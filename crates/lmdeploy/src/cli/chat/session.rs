//! [`Session`]: messages in, answers and the results of commands out.

use std::io::{self, IsTerminal};
use std::ops::ControlFlow;

use futures_util::StreamExt;
use internlm_kit::exit::{Failure, report};
use internlm_kit::file::ClosedPipe;
use internlm_kit::{out, outln};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::ChatArguments;
use super::answer::{Answer, Reply};
use super::conversation::Conversation;
use super::entry::{COMMANDS, Entry};
use super::input::Input;
use super::partner::Partner;
use super::screen::{Screen, note};
use crate::Error;
use crate::protocol::{ChatMessage, ChatRequest, Usage};

const PROMPT: &str = "\ndouble enter to end input >>> ";
const HOW_TO_LEAVE: &str = "[Ctrl-D or `exit` leaves]";

/// A conversation with everything that it needs.
pub(super) struct Session<'a> {
    arguments: &'a ChatArguments,
    partner: Partner,
    conversation: Conversation,
    /// Token counts of the last answer.
    usage: Option<Usage>,
    has_answered: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(arguments: &'a ChatArguments, partner: Partner) -> Self {
        let conversation = Conversation::new(arguments.system.as_deref());
        Self { arguments, partner, conversation, usage: None, has_answered: false }
    }

    /// Takes messages until the input ends. An error ends a pipe; a person is told and may try again.
    pub(super) async fn run(mut self) -> anyhow::Result<()> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut input = Input::start();
        let is_person = input.is_terminal();
        let is_dialog = is_person && io::stdout().is_terminal();
        loop {
            if is_dialog {
                out!("{PROMPT}")?;
            }
            let message = tokio::select! {
                message = input.message() => message?,
                _ = interrupts.recv() => {
                    // What was typed of a message is forgotten, and the line has the terminal's `^C`.
                    if is_dialog {
                        outln!()?;
                    }
                    note(HOW_TO_LEAVE)?;
                    continue;
                }
            };
            let Some(message) = message else { break };
            match self.take(message, &mut interrupts).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(()),
                Err(error) if is_person && !is_closed_pipe(&error) => {
                    // The exit code is for those who cannot read.
                    let _ = report(error.as_ref(), Failure::Failed);
                }
                Err(error) => return Err(error),
            }
        }
        if is_dialog {
            // The prompt of the shell begins on a line of its own.
            outln!()?;
        }
        Ok(())
    }

    /// Does what a message asks for.
    async fn take(&mut self, message: String, interrupts: &mut Signal) -> anyhow::Result<ControlFlow<()>> {
        match Entry::read(message)? {
            Entry::Leave => return Ok(ControlFlow::Break(())),
            Entry::Forget => self.conversation.forget(),
            Entry::System(system) => {
                let done =
                    if system.is_some() { "[system message replaced]" } else { "[system message removed]" };
                self.conversation.set_system(system);
                note(done)?;
            }
            Entry::Save(path) => {
                self.conversation.save(&path)?;
                note(&format!(
                    "[{} messages written to {}]",
                    self.conversation.messages().len(),
                    path.display()
                ))?;
            }
            Entry::Load(path) => {
                self.conversation.load(&path)?;
                note(&format!(
                    "[{} messages read from {}]",
                    self.conversation.messages().len(),
                    path.display()
                ))?;
            }
            Entry::Tokens => note(&self.tokens().await?)?,
            Entry::Help => note(COMMANDS)?,
            Entry::Say(text) => self.say(text, interrupts).await?,
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Asks for an answer and shows it. An answer that is stopped or fails takes its question with it.
    async fn say(&mut self, text: String, interrupts: &mut Signal) -> anyhow::Result<()> {
        let question = ChatMessage::user(text);
        let messages = [self.conversation.messages(), std::slice::from_ref(&question)].concat();
        let request = self.arguments.request(&messages);
        let reply = tokio::select! {
            reply = self.answer(&request) => reply?,
            _ = interrupts.recv() => return Ok(outln!()?),
        };
        self.usage = reply.usage;
        self.has_answered = true;
        self.conversation.push_turn(question, reply.into_message());
        Ok(())
    }

    /// Shows an answer as it comes. Dropping the future cancels it.
    async fn answer(&self, request: &ChatRequest) -> anyhow::Result<Reply> {
        let mut chunks = self.partner.ask(request).await.map_err(|error| match error {
            // It has answered before, so it was there and has broken off.
            Error::Unreachable { url, message } if self.has_answered => Error::Connection { url, message },
            error => error,
        })?;
        let (mut answer, mut screen) = (Answer::default(), Screen::new(self.arguments.json));
        while let Some(chunk) = chunks.next().await {
            let (thought, said) = answer.take(chunk?);
            screen.show(thought, said)?;
        }
        let reply = answer.finish();
        screen.end(&reply, request.max_tokens)?;
        Ok(reply)
    }

    /// How long the conversation is, and what the last answer took.
    async fn tokens(&self) -> crate::Result<String> {
        let model = self.arguments.model_name.as_deref();
        let counted = self.partner.count(model, self.conversation.messages()).await?;
        let mut text = format!("[the conversation has {} of {} tokens", counted.count, counted.max_model_len);
        if let Some(usage) = self.usage {
            let cached = usage.prompt_tokens_details.unwrap_or_default().cached_tokens;
            let (prompt, answer) = (usage.prompt_tokens, usage.completion_tokens);
            text += &format!(
                "; the last answer took {prompt} of prompt, {cached} of them cached, and {answer} of answer"
            );
        }
        Ok(text + "]")
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(ClosedPipe::is))
}
