//! [`Glm`]: calls of GLM 4.5 to 4.7, whose arguments are pairs of a key and a value.
//!
//! ```text
//! <tool_call>add
//! <arg_key>a</arg_key>
//! <arg_value>1</arg_value>
//! </tool_call>
//! ```

use std::sync::Arc;

use super::arguments::{ArgumentWriter, Lines};
use super::buffer::{Marks, Symbol};
use super::calls::{Calls, Step};
use super::functions::Functions;
use super::output::Output;

const OPEN: &str = "<tool_call>";
const CLOSE: &str = "</tool_call>";
const KEY: &str = "<arg_key>";
const KEY_END: &str = "</arg_key>";
const VALUE: &str = "<arg_value>";
const VALUE_END: &str = "</arg_value>";

const ALL: &[&str] = &[OPEN, CLOSE, KEY, KEY_END, VALUE, VALUE_END];
/// Maximum number of bytes in the name of a function or of an argument.
const MAX_NAME: usize = 256;

/// What is expected next.
#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    Name,
    Pairs,
    Key,
    BeforeValue,
    Value,
}

/// Reads calls of GLM.
#[derive(Debug)]
pub(super) struct Glm {
    functions: Arc<Functions>,
    state: State,
    /// The function, while its arguments are read.
    function: String,
    /// The name of a function or argument that is being read.
    name: String,
    writer: ArgumentWriter,
}

impl Glm {
    pub(super) fn new(functions: Arc<Functions>) -> Self {
        Self {
            functions,
            state: State::Open,
            function: String::new(),
            name: String::new(),
            writer: ArgumentWriter::new(Lines::Within),
        }
    }

    fn enter(&mut self, state: State, step: Step) -> Step {
        self.state = state;
        step
    }

    /// A character of the function's name, which nothing but the next mark ends.
    fn name(&mut self, symbol: Symbol) -> Step {
        match symbol.character() {
            Some('<' | '>' | '"' | '{' | '[') | None => Step::Broken,
            Some(_) if self.name.len() >= MAX_NAME => Step::Broken,
            Some(character) => {
                self.name.push(character);
                Step::Pending
            }
        }
    }

    /// The name is whole: a word.
    fn start(&mut self, output: &mut Output) -> bool {
        let name = self.name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return false;
        }
        name.clone_into(&mut self.function);
        self.name.clear();
        output.start_call(&self.function, None);
        output.arguments("{");
        self.writer = ArgumentWriter::new(Lines::Within);
        true
    }

    fn end(output: &mut Output) -> Step {
        output.arguments("}");
        output.end_call();
        Step::Closed
    }
}

impl Calls for Glm {
    fn all(&self) -> &'static [&'static str] {
        ALL
    }

    fn opens(&self) -> &'static [&'static str] {
        &[OPEN]
    }

    fn close(&self) -> Option<&'static str> {
        Some(CLOSE)
    }

    fn begin(&mut self) {
        self.name.clear();
        self.state = State::Open;
    }

    fn marks(&self) -> Marks<'static> {
        match self.state {
            State::Key => Marks::Written(&[KEY_END]),
            State::Value => Marks::Written(&[VALUE_END]),
            _ => Marks::Written(ALL),
        }
    }

    fn step(&mut self, symbol: Symbol, output: &mut Output) -> Step {
        match (self.state, symbol) {
            (State::Open, _) => self.enter(State::Name, Step::Pending),
            (State::Name, Symbol::Mark(KEY)) if self.start(output) => self.enter(State::Key, Step::Taken),
            (State::Name, Symbol::Mark(CLOSE)) if self.start(output) => Self::end(output),
            (State::Name, _) => self.name(symbol),
            (State::Pairs, Symbol::Mark(KEY)) => self.enter(State::Key, Step::Taken),
            (State::Pairs, Symbol::Mark(CLOSE)) => Self::end(output),
            (State::Key, Symbol::Mark(KEY_END)) => self.enter(State::BeforeValue, Step::Taken),
            (State::Key, Symbol::Text(character) | Symbol::Special(character)) => {
                self.name.push(character);
                Step::Taken
            }
            (State::BeforeValue, Symbol::Mark(VALUE)) => {
                let key = std::mem::take(&mut self.name);
                let kinds = self.functions.kinds(&self.function, key.trim());
                self.writer.key(key.trim(), kinds, output);
                self.enter(State::Value, Step::Taken)
            }
            (State::Value, Symbol::Mark(VALUE_END)) => {
                self.writer.end_value(output);
                self.enter(State::Pairs, Step::Taken)
            }
            (State::Value, Symbol::Text(character) | Symbol::Special(character)) => {
                self.writer.push(character, output);
                Step::Taken
            }
            (State::Pairs | State::BeforeValue, _) if symbol.is_space() => Step::Taken,
            _ => Step::Broken,
        }
    }
}
