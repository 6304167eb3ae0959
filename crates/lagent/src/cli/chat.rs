//! `lagent chat`: talks to an agent on the terminal.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use internlm_kit::terminal::visible_on;
use internlm_kit::{out, outln};
use internlm_model::chat::{Message, Role};
use serde_json::Value;

use crate::config::AgentConfig;
use crate::driver::{Decision, Ending, Watcher, World, drive};
use crate::llm::{LanguageModel, OpenAi};
use crate::run::{AgentRun, Command, Finish};

const EXAMPLES: &str = "Examples:
  lagent chat recipes/tiny/6-agent.toml --set model.base-url=http://127.0.0.1:23333
  echo 'What is 12 x 34?' | lagent chat agent.toml
  lagent chat agent.toml --set 'tools=[\"PythonInterpreter\"]' --set 'approval=\"always\"'";

/// The line that ends a conversation.
const EXIT: &str = "/exit";

/// Arguments of `lagent chat`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Chat {
    /// The agent file in TOML.
    config: PathBuf,
    /// Override one key of the agent file, for instance model.base-url=http://127.0.0.1:23333. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

impl Chat {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = AgentConfig::load_with(&self.config, &self.overrides)?;
        let tools = config.toolbox()?;
        let runtime = super::runtime()?;
        let model = runtime.block_on(OpenAi::connect(&config.model))?;
        let mut run = AgentRun::new(config.spec(&tools));
        // Only a person needs to be told when it is their turn.
        let is_person = std::io::stdin().is_terminal();
        if is_person {
            let hint = "/exit or the end of the input (Ctrl-D) ends the conversation";
            writeln!(std::io::stderr(), "{} with {tools:?}; {hint}", model.name())?;
        }
        let prompt = if is_person { "> " } else { "" };
        loop {
            let Some(question) = ask_line(prompt)?.filter(|line| line != EXIT) else { return Ok(()) };
            if question.is_empty() {
                continue;
            }
            let world = World::new(&model, &tools);
            let mut screen = Screen::default();
            let asked = drive(&mut run, vec![Message::user(question)], world, &mut screen);
            match runtime.block_on(asked)? {
                Ending::Finished { finish: Finish::Length, .. } => {
                    outln!("\n[the answer is cut off: it reached sampling.max-tokens]")?;
                }
                Ending::Finished { finish: Finish::Stop, .. } => outln!()?,
                Ending::Failed { reason, .. } => outln!("\n[no answer: {reason}]")?,
            }
        }
    }
}

/// A watcher that shows replies and tool calls while they happen.
#[derive(Debug, Default)]
struct Screen {
    /// Number of bytes of the current reply that are on the screen.
    shown: usize,
}

impl Watcher for Screen {
    fn command(&mut self, command: &Command) -> crate::Result<()> {
        match command {
            Command::AskModel { .. } => self.shown = 0,
            Command::CallTool { name, args, .. } => outln!("\n[{name} {args}]")?,
            Command::Emit { message } if message.role != Role::Assistant => {
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
        true
    }

    fn decide(&mut self, name: &str, args: &Value) -> Decision {
        match ask_line(&format!("\nallow {name} {args}? [y/N] ")) {
            Ok(Some(answer)) if answer.eq_ignore_ascii_case("y") => Decision::Approve,
            _ => Decision::Deny("the user said no".to_owned()),
        }
    }
}

/// Reads one line of stdin without its end; `None` at the end of the input. The prompt goes to stderr.
fn ask_line(prompt: &str) -> std::io::Result<Option<String>> {
    let mut stderr = std::io::stderr();
    // It may quote the arguments of a call.
    stderr.write_all(visible_on(prompt, &stderr).as_bytes())?;
    stderr.flush()?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}
