//! What a person sees of a run, and decides.

use internlm_kit::{out, outln};
use internlm_model::chat::Role;
use serde_json::Value;

use super::keyboard::{Keyboard, Typed};
use crate::driver::{Decision, Watcher};
use crate::run::{Command, Event};
use crate::transcript::{Trail, UncertainCall};

/// A watcher that shows replies and tool calls while they happen, and writes the transcript if there is one.
pub(super) struct Screen<'a> {
    pub(super) keyboard: &'a Keyboard,
    pub(super) trail: Option<Trail<'a>>,
    /// Whether the texts of the model belong to one agent and can be shown as they come.
    pub(super) voices: Voices,
    /// Number of bytes of the current reply that are on the screen.
    shown: usize,
}

/// Who speaks in a conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Voices {
    /// One agent.
    One,
    /// The members of a team, each of which is named.
    Many,
}

impl<'a> Screen<'a> {
    /// Creates a screen without a transcript.
    pub(super) fn new(keyboard: &'a Keyboard, voices: Voices) -> Self {
        Self { keyboard, trail: None, voices, shown: 0 }
    }

    /// Asks whether a call is made again whose outcome is unknown.
    pub(super) fn repeat(&self, call: &UncertainCall) -> Decision {
        let UncertainCall { name, args, .. } = call;
        let reason = "the process ended while this call was made, so nobody knows its outcome";
        self.decision(&format!("\n{reason}: {name} {args}\nmake it again? [y/N] "))
    }

    fn decision(&self, prompt: &str) -> Decision {
        match self.keyboard.ask(prompt) {
            Ok(Typed::Line(answer)) if answer.eq_ignore_ascii_case("y") => Decision::Approve,
            Ok(Typed::Interrupt) => {
                self.keyboard.pass_interrupt_on();
                Decision::Deny("the user interrupted the question".to_owned())
            }
            _ => Decision::Deny("the user said no".to_owned()),
        }
    }
}

impl Watcher for Screen<'_> {
    fn event(&mut self, event: &Event) -> crate::Result<()> {
        self.trail.as_mut().map_or(Ok(()), |trail| trail.event(event))
    }

    fn command(&mut self, command: &Command) -> crate::Result<()> {
        if let Some(trail) = &mut self.trail {
            trail.command(command)?;
        }
        match command {
            Command::AskModel { .. } => self.shown = 0,
            Command::CallTool { name, args, .. } => outln!("\n[{name} {args}]")?,
            Command::Emit { message, agent: Some(agent) } if message.role == Role::Assistant => {
                outln!("[{agent}] {}", message.text())?;
            }
            Command::Emit { message, .. } if message.role != Role::Assistant => {
                outln!("[-> {}]", message.text())?;
            }
            Command::Finish { message, .. } if self.shown == 0 => out!("{}", message.text())?,
            _ => {}
        }
        Ok(())
    }

    fn delta(&mut self, text: &str) {
        self.shown += text.len();
        // A closed stdout is reported by the next command.
        let _ = out!("{text}");
    }

    fn wants_deltas(&self) -> bool {
        self.voices == Voices::One
    }

    fn decide(&mut self, name: &str, args: &Value) -> Decision {
        self.decision(&format!("\nallow {name} {args}? [y/N] "))
    }
}
