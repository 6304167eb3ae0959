//! A function and the methods of a type become tools; a scripted model calls one of them.
//!
//! `cargo run --release -p lagent --example tools_from_functions`
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use lagent::driver::{Silent, drive_blocking};
use lagent::llm::Scripted;
use lagent::{AgentRun, AgentSpec, Message, Toolbox, tool, toolkit};

/// Counts the letters of a word.
#[tool]
fn count_letters(
    /// The word, without spaces.
    word: String,
    /// Letter to count. Default: all of them.
    letter: Option<char>,
) -> usize {
    word.chars().filter(|found| letter.is_none_or(|letter| *found == letter)).count()
}

/// Numbers that only grow.
struct Counter(AtomicU32);

#[toolkit]
impl Counter {
    /// Returns the next number.
    #[tool]
    async fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(CountLetters));
    for tool in Counter(AtomicU32::new(1)).into_tools() {
        tools.add(tool);
    }
    for spec in tools.specs() {
        println!("{}: {} {}", spec.name, spec.description, spec.parameters);
    }
    let model = Scripted::new([
        "<|action_start|><|plugin|>\n{\"name\": \"count_letters\", \"parameters\": {\"word\": \"strawberry\", \"letter\": \"r\"}}<|action_end|>",
        "There are 3.",
    ]);
    let mut run = AgentRun::new(AgentSpec::internlm2(tools.specs()));
    let question = vec![Message::user("How many r are in strawberry?")];
    let ending = drive_blocking(&mut run, question, |asked| model.next(asked), &tools, &mut Silent)?;
    println!("{}", ending.answer().unwrap_or("no answer"));
    Ok(())
}
