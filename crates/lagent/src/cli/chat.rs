//! `lagent chat`: talks to an agent on the terminal.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use internlm_kit::config::ConfigError;
use internlm_kit::outln;
use internlm_kit::terminal::visible_on;
use internlm_model::chat::Message;
use tokio::runtime::Runtime;

use super::keyboard::{Keyboard, Typed};
use super::loaded::Loaded;
use super::screen::{Screen, Voices};
use super::tool_notice::tool_notice;
use crate::Error;
use crate::driver::{Decision, Ending, World, drive};
use crate::llm::{LanguageModel, OpenAi};
use crate::memory::Memory;
use crate::message::AgentMessage;
use crate::run::Finish;
use crate::transcript::{Header, Resumed, Trail, TranscriptFile};

const EXAMPLES: &str = "Examples:
  lagent chat recipes/tiny/6-agent.toml --set model.base-url=http://127.0.0.1:23333
  lagent chat --tools Calculator,PythonInterpreter --set 'protocol={kind=\"react\"}'
  echo 'What is 12 x 34?' | lagent chat agent.toml
  lagent chat agent.toml --set 'approval=\"always\"' --transcript chat.jsonl

Ctrl-C ends the question that is being answered and keeps the conversation. /exit, Ctrl-D or a second Ctrl-C at the
prompt end the conversation.";

/// The line that ends a conversation.
const EXIT: &str = "/exit";

/// Code of a conversation that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Arguments of `lagent chat`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Chat {
    /// The agent file or team file in TOML [default: an agent with default settings].
    config: Option<PathBuf>,
    /// Override one key of the file, for instance model.base-url=http://127.0.0.1:23333. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Name of the model on the server [default: the first one that it lists].
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Names of built-in tools instead of those of the file, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    tools: Option<Vec<String>>,
    /// Write every event and command to this file while it happens. A conversation that is in it continues.
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// Name of the conversation for tools and in the memory.
    #[arg(long, value_name = "NAME", default_value = "chat")]
    session: String,
}

impl Chat {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let loaded = Loaded::open(self.config.as_deref(), &self.overrides()?)?;
        let runtime = super::runtime()?;
        let model = runtime.block_on(OpenAi::connect(&loaded.model))?;
        let notice = runtime.block_on(tool_notice(&loaded.machine, &loaded.model, model.name()));
        if let Some(notice) = notice {
            tracing::warn!("{notice}");
        }
        let keyboard = Keyboard::start();
        if Keyboard::is_person() {
            let hint = "/exit or the end of the input (Ctrl-D) ends the conversation";
            say(&format!("{} with {:?}; {hint}\n", model.name(), loaded.tools))?;
        }
        let place = Place { loaded: &loaded, model: &model, runtime: &runtime, keyboard: &keyboard };
        keyboard.hear_interrupts(runtime.handle());
        let mut conversation = Conversation::open(place, &self)?;
        let code = conversation.talk();
        drop(conversation);
        // Tools that still run end with the process.
        runtime.shutdown_background();
        code
    }

    /// The overrides, with those that have an option of their own.
    fn overrides(&self) -> anyhow::Result<Vec<String>> {
        let mut overrides = self.overrides.clone();
        if let Some(model) = &self.model {
            overrides.push(format!("model.name={}", serde_json::to_string(model)?));
        }
        if let Some(tools) = &self.tools {
            overrides.push(format!("tools={}", serde_json::to_string(tools)?));
        }
        Ok(overrides)
    }
}

/// What a conversation acts on.
#[derive(Clone, Copy)]
struct Place<'a> {
    loaded: &'a Loaded,
    model: &'a OpenAi,
    runtime: &'a Runtime,
    keyboard: &'a Keyboard,
}

/// One conversation, which may have begun in another process.
struct Conversation<'a> {
    place: Place<'a>,
    run: Resumed,
    screen: Screen<'a>,
    session: &'a str,
    /// Absent if the agent remembers nothing but this conversation.
    memory: Option<Memory>,
    file: Option<Arc<Mutex<TranscriptFile>>>,
}

impl<'a> Conversation<'a> {
    /// Begins a conversation, or continues that of the transcript.
    fn open(place: Place<'a>, chat: &'a Chat) -> anyhow::Result<Self> {
        let loaded = place.loaded;
        let config = &loaded.memory;
        let remembers = config.path.is_some() || config.recent.is_some();
        let memory = remembers.then(|| config.open([""])).transpose()?;
        let (file, lines) = match &chat.transcript {
            Some(path) => {
                let (file, lines) = TranscriptFile::open(path)?;
                (Some(Arc::new(Mutex::new(file))), lines)
            }
            None => (None, Vec::new()),
        };
        let voices = if loaded.is_team() { Voices::Many } else { Voices::One };
        let screen = Screen::new(place.keyboard, voices);
        let run = Resumed::from(loaded.machine.clone());
        let mut conversation = Self { place, run, screen, session: &chat.session, memory, file };
        match &chat.transcript {
            // The memory says how a conversation continues.
            Some(path) if !lines.is_empty() && conversation.memory.is_none() => {
                conversation.run = Resumed::read(path, &lines)?;
                if !conversation.run.began_as(&loaded.machine) {
                    let problem =
                        "found the conversation of another agent, expected that of this one or a new file";
                    let problems = vec![problem.to_owned()];
                    return Err(Error::from(ConfigError::Invalid { path: path.clone(), problems }).into());
                }
                conversation.resume()?;
            }
            _ => conversation.begin()?,
        }
        Ok(conversation)
    }

    /// Begins a run in its first state.
    fn begin(&mut self) -> anyhow::Result<()> {
        let loaded = self.place.loaded;
        self.run = Resumed::from(loaded.machine.clone());
        let Some(file) = self.file.clone() else { return Ok(()) };
        let header = Header {
            id: self.session.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sandbox: loaded.tools.sandbox_level(),
            tools: loaded.tools.specs().into_iter().map(|tool| tool.name).collect(),
            agent: loaded.machine.clone(),
        };
        self.screen.trail = Some(Trail::start(&header, loaded.secrets.clone(), sink(file))?);
        Ok(())
    }

    /// Continues the question that the last process left open.
    fn resume(&mut self) -> anyhow::Result<()> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let mut trail = self.run.trail(self.place.loaded.secrets.clone(), sink(file))?;
        for call in self.run.uncertain_calls() {
            if let Decision::Deny(reason) = self.screen.repeat(&call) {
                self.run.give_up(call, &reason, &mut trail)?;
            }
        }
        self.run.forget_told_ending();
        let is_open = self.run.is_open();
        if is_open {
            trail.skip_start();
        }
        self.screen.trail = Some(trail);
        if is_open { self.answer(Vec::new()) } else { Ok(()) }
    }

    /// Reads questions until the person leaves.
    fn talk(&mut self) -> anyhow::Result<ExitCode> {
        // Only a person needs to be told when it is their turn.
        let prompt = if Keyboard::is_person() { "> " } else { "" };
        let mut is_warned = false;
        loop {
            match self.place.keyboard.ask(prompt)? {
                Typed::End => return Ok(ExitCode::SUCCESS),
                Typed::Line(line) if line == EXIT => return Ok(ExitCode::SUCCESS),
                Typed::Line(line) if line.is_empty() => {}
                Typed::Line(question) => {
                    is_warned = false;
                    self.ask(question)?;
                }
                Typed::Interrupt if is_warned => return Ok(ExitCode::from(INTERRUPTED)),
                Typed::Interrupt => {
                    is_warned = true;
                    say("\n[Ctrl-C again ends the conversation]\n")?;
                }
            }
        }
    }

    /// Asks one question, with what the agent remembers.
    fn ask(&mut self, question: String) -> anyhow::Result<()> {
        let is_limited = self.place.loaded.memory.recent.is_some();
        if is_limited && !self.run.machine().history().is_empty() {
            self.begin()?;
        }
        let mut messages = Vec::new();
        let mut before = self.run.machine().history().len();
        if let Some(memory) = self.memory.as_ref().filter(|_| before == 0) {
            messages.extend(memory.messages(self.session, "")?.iter().map(AgentMessage::to_message));
            before = messages.len();
        }
        messages.push(Message::user(question));
        self.answer(messages)?;
        if let Some(memory) = &self.memory {
            let history = self.run.machine().history();
            let new: Vec<AgentMessage> = history.iter().skip(before).map(AgentMessage::from).collect();
            memory.append(self.session, "", &new)?;
        }
        Ok(())
    }

    /// Lets the agent work until the question ends, and says how it ended.
    fn answer(&mut self, messages: Vec<Message>) -> anyhow::Result<()> {
        let Self { place, run, screen, session, .. } = self;
        let Place { loaded, model, runtime, keyboard } = *place;
        let world = World::new(model, &loaded.tools).with_hooks(&loaded.hooks).with_session(session);
        let ending = runtime.block_on(async {
            tokio::select! {
                biased;
                ending = drive(run, messages, world, screen) => Some(ending),
                () = keyboard.interrupt() => None,
            }
        });
        match ending.transpose()? {
            None => {
                self.run.cancel(&mut self.screen)?;
                outln!("\n[interrupted; the conversation continues]")?;
            }
            Some(Ending::Finished { finish: Finish::Length, .. }) => {
                outln!("\n[the answer is cut off: it reached sampling.max-tokens]")?;
            }
            Some(Ending::Finished { finish: Finish::Stop, .. }) => outln!()?,
            Some(Ending::Failed { reason, .. }) => outln!("\n[no answer: {reason}]")?,
        }
        Ok(())
    }
}

/// Writes lines of the transcript into its file.
fn sink(file: Arc<Mutex<TranscriptFile>>) -> impl FnMut(&[String]) -> crate::Result<()> + Send {
    move |lines| file.lock().unwrap_or_else(PoisonError::into_inner).append(lines)
}

/// Tells the person something that is not part of the answer.
fn say(text: &str) -> std::io::Result<()> {
    let mut stderr = std::io::stderr();
    stderr.write_all(visible_on(text, &stderr).as_bytes())
}
