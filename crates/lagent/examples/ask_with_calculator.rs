//! An agent that answers with the calculator; the model is a script, so this runs without a server.
//!
//! `cargo run --release -p lagent --example ask_with_calculator`
#![allow(clippy::print_stdout)]

use std::sync::Arc;

use lagent::Message;
use lagent::action::{Calculator, Toolbox};
use lagent::driver::{Watcher, drive_blocking};
use lagent::llm::Scripted;
use lagent::run::{AgentRun, AgentSpec, Command};

/// Prints what the run wants done.
struct Printer;

impl Watcher for Printer {
    fn command(&mut self, command: &Command) -> lagent::Result<()> {
        println!("{}", serde_json::to_string(command)?);
        Ok(())
    }
}

fn main() -> Result<(), lagent::Error> {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    let model = Scripted::new([
        "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"1234 * 5678\"}}<|action_end|>",
        "1234 x 5678 is 7006652.",
    ]);
    let mut run = AgentRun::new(AgentSpec::internlm2(tools.specs()));
    let question = vec![Message::user("What is 1234 x 5678?")];
    let ending = drive_blocking(&mut run, question, |asked| model.next(asked), &tools, &mut Printer)?;
    println!("answer: {}", ending.answer().unwrap_or("none"));
    Ok(())
}
