//! [`Screen`]: what an answer looks like on a terminal and in a pipe.
//!
//! What the model wrote cannot command a terminal: its control characters are written as text.

use std::io::{self, IsTerminal};

use internlm_kit::stdout::print_styled;
use internlm_kit::visible::visible;
use internlm_kit::{out, outln};

use super::answer::Reply;
use crate::protocol::FinishReason;

/// Where answers go, and in which form.
#[derive(Debug)]
pub(super) struct Screen {
    form: Form,
    /// Whether the last thing that was shown is reasoning.
    is_thinking: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// For a person: the text as it comes, with the reasoning.
    Terminal,
    /// The text as it comes, and nothing else.
    Text,
    /// One object per answer, once it has ended.
    Json,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        let form = if json {
            Form::Json
        } else if io::stdout().is_terminal() {
            Form::Terminal
        } else {
            Form::Text
        };
        Self { form, is_thinking: false }
    }

    /// Shows what is new of the reasoning and of the text.
    pub(super) fn show(&mut self, thought: &str, said: &str) -> io::Result<()> {
        if self.form == Form::Json {
            return Ok(());
        }
        if self.form == Form::Terminal && !thought.is_empty() {
            // Dim, and back to normal at once: an answer may be stopped anywhere.
            print_styled(format_args!("\u{1b}[2m{}\u{1b}[0m", visible(thought)))?;
            self.is_thinking = true;
        }
        if said.is_empty() {
            return Ok(());
        }
        if std::mem::take(&mut self.is_thinking) {
            outln!()?;
        }
        out!("{said}")
    }

    /// Shows what follows the text of an answer: its calls, and that it is not complete.
    pub(super) fn end(&self, reply: &Reply, max_tokens: Option<u32>) -> io::Result<()> {
        if self.form == Form::Json {
            return outln!("{}", reply.line());
        }
        for call in &reply.calls {
            outln!("[call {} {}]", call.function.name, call.function.arguments)?;
        }
        outln!()?;
        if reply.reason == Some(FinishReason::Length) {
            let note = if max_tokens.is_some() {
                "[stopped at --max-tokens]"
            } else {
                "[stopped at the maximum number of tokens]"
            };
            if self.form == Form::Terminal {
                outln!("{note}")?;
            } else {
                tracing::warn!("{note}");
            }
        }
        Ok(())
    }
}

/// Tells a person something that is not part of an answer.
pub(super) fn note(text: &str) -> io::Result<()> {
    if io::stdout().is_terminal() {
        outln!("{text}")
    } else {
        tracing::info!("{text}");
        Ok(())
    }
}
