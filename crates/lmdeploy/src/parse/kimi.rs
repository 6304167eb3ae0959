//! [`Kimi`]: calls of Kimi K2, which names every call itself.
//!
//! ```text
//! <|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|>
//! <|tool_calls_section_end|>
//! ```

use super::buffer::{Marks, Symbol};
use super::calls::{Calls, Step};
use super::json::{JsonScanner, Scan};
use super::output::Output;

const OPEN: &str = "<|tool_calls_section_begin|>";
const CLOSE: &str = "<|tool_calls_section_end|>";
const CALL: &str = "<|tool_call_begin|>";
const ARGUMENTS: &str = "<|tool_call_argument_begin|>";
const CALL_END: &str = "<|tool_call_end|>";

const ALL: &[&str] = &[OPEN, CALL, CLOSE, ARGUMENTS, CALL_END];
const OPENS: &[&str] = &[OPEN, CALL];
/// Maximum number of bytes in the name of a call.
const MAX_ID: usize = 256;

/// What is expected next.
#[derive(Debug)]
enum State {
    Open,
    Section,
    /// The name of the call so far.
    Id(String),
    /// The arguments of the call of this name, which have not begun.
    Before(String),
    Arguments(JsonScanner),
    After,
}

/// Reads calls of Kimi K2.
#[derive(Debug)]
pub(super) struct Kimi {
    state: State,
    is_wrapped: bool,
}

impl Kimi {
    pub(super) fn new() -> Self {
        Self { state: State::Open, is_wrapped: false }
    }

    fn enter(&mut self, state: State, step: Step) -> Step {
        self.state = state;
        step
    }

    fn arguments(&mut self, mut scanner: JsonScanner, character: char, output: &mut Output) -> Step {
        let mut piece = String::new();
        let scan = scanner.push(character, &mut piece);
        output.arguments(&piece);
        match scan {
            Scan::Part => self.enter(State::Arguments(scanner), Step::Taken),
            Scan::Last => {
                output.end_call();
                self.enter(State::After, Step::Taken)
            }
            Scan::Beyond | Scan::Wrong => Step::Broken,
        }
    }

    /// Behind a call.
    fn after(&mut self) -> Step {
        let step = if self.is_wrapped { Step::Taken } else { Step::Closed };
        self.enter(State::Section, step)
    }
}

impl Calls for Kimi {
    fn all(&self) -> &'static [&'static str] {
        ALL
    }

    fn opens(&self) -> &'static [&'static str] {
        OPENS
    }

    fn close(&self) -> Option<&'static str> {
        Some(CLOSE)
    }

    fn begin(&mut self) {
        *self = Self::new();
    }

    fn marks(&self) -> Marks<'static> {
        match self.state {
            State::Arguments(_) => Marks::Tokens(ALL),
            _ => Marks::Written(ALL),
        }
    }

    fn step(&mut self, symbol: Symbol, output: &mut Output) -> Step {
        match (std::mem::replace(&mut self.state, State::After), symbol) {
            (State::Open, Symbol::Mark(OPEN)) => {
                self.is_wrapped = true;
                self.enter(State::Section, Step::Pending)
            }
            (State::Open | State::Section, Symbol::Mark(CALL)) => {
                self.enter(State::Id(String::new()), Step::Pending)
            }
            (State::Section | State::After, Symbol::Mark(CLOSE)) => Step::Closed,
            (State::Id(id), Symbol::Mark(ARGUMENTS)) if !function(&id).is_empty() => {
                self.enter(State::Before(id), Step::Pending)
            }
            (State::Id(mut id), Symbol::Text(character)) if id.len() < MAX_ID => {
                id.push(character);
                self.enter(State::Id(id), Step::Pending)
            }
            (State::Before(id), Symbol::Text('{')) => {
                output.start_call(function(&id), Some(id.trim().to_owned()));
                self.arguments(JsonScanner::new(), '{', output)
            }
            (State::Before(id), Symbol::Mark(CALL_END)) => {
                output.start_call(function(&id), Some(id.trim().to_owned()));
                output.arguments("{}");
                output.end_call();
                self.after()
            }
            (State::Arguments(scanner), Symbol::Text(character) | Symbol::Special(character)) => {
                self.arguments(scanner, character, output)
            }
            (State::After, Symbol::Mark(CALL_END)) => self.after(),
            (state @ (State::Section | State::Before(_) | State::After), _) if symbol.is_space() => {
                self.enter(state, Step::Pending)
            }
            _ => Step::Broken,
        }
    }
}

/// The function of a call: `add` in `functions.add:0`.
fn function(id: &str) -> &str {
    let id = id.trim();
    let id = id.strip_prefix("functions.").unwrap_or(id);
    match id.rsplit_once(':') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => id,
    }
}
