//! [`Dsml`]: calls of DeepSeek V3.2, whose arguments say themselves whether they are text.
//!
//! ```text
//! <｜DSML｜function_calls>
//! <｜DSML｜invoke name="add">
//! <｜DSML｜parameter name="a" string="false">1</｜DSML｜parameter>
//! </｜DSML｜invoke>
//! </｜DSML｜function_calls>
//! ```

use std::sync::Arc;

use super::arguments::{ArgumentWriter, Lines};
use super::buffer::{Marks, Symbol};
use super::calls::{Calls, Named, Step, read_name};
use super::functions::{Functions, Kinds};
use super::output::Output;

const OPEN: &str = "<｜DSML｜function_calls>";
const CLOSE: &str = "</｜DSML｜function_calls>";
const INVOKE: &str = "<｜DSML｜invoke name=\"";
const INVOKE_END: &str = "</｜DSML｜invoke>";
const PARAMETER: &str = "<｜DSML｜parameter name=\"";
const PARAMETER_END: &str = "</｜DSML｜parameter>";

const ALL: &[&str] = &[OPEN, INVOKE, CLOSE, INVOKE_END, PARAMETER, PARAMETER_END];
const OPENS: &[&str] = &[OPEN, INVOKE];
/// Maximum number of bytes between the name of an argument and its value.
const MAX_ATTRIBUTES: usize = 64;

/// What is expected next.
#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    Calls,
    Name,
    NameEnd,
    Parameters,
    Key,
    Attributes,
    Value,
}

/// Reads calls of DeepSeek V3.2.
#[derive(Debug)]
pub(super) struct Dsml {
    functions: Arc<Functions>,
    state: State,
    is_wrapped: bool,
    /// The function, while its arguments are read.
    function: String,
    /// The name of a function or argument that is being read.
    name: String,
    attributes: String,
    writer: ArgumentWriter,
}

impl Dsml {
    pub(super) fn new(functions: Arc<Functions>) -> Self {
        Self {
            functions,
            state: State::Open,
            is_wrapped: false,
            function: String::new(),
            name: String::new(),
            attributes: String::new(),
            writer: ArgumentWriter::new(Lines::Within),
        }
    }

    fn enter(&mut self, state: State, step: Step) -> Step {
        self.state = state;
        step
    }

    /// A quoted name; `next` comes behind it.
    fn quoted(&mut self, symbol: Symbol, next: State) -> Step {
        match read_name(&mut self.name, symbol, '"') {
            Named::Part => Step::Pending,
            Named::End => self.enter(next, Step::Pending),
            Named::Wrong => Step::Broken,
        }
    }

    fn start(&mut self, output: &mut Output) -> Step {
        self.name.trim().clone_into(&mut self.function);
        self.name.clear();
        output.start_call(&self.function, None);
        output.arguments("{");
        self.writer = ArgumentWriter::new(Lines::Within);
        self.enter(State::Parameters, Step::Taken)
    }

    fn attributes(&mut self, symbol: Symbol, output: &mut Output) -> Step {
        match symbol.character() {
            Some('>') => {}
            Some(character) if self.attributes.len() < MAX_ATTRIBUTES => {
                self.attributes.push(character);
                return Step::Pending;
            }
            _ => return Step::Broken,
        }
        let name = std::mem::take(&mut self.name);
        let kinds = match std::mem::take(&mut self.attributes).trim() {
            "string=\"true\"" => Kinds::TEXT,
            "string=\"false\"" => Kinds::ANY,
            _ => self.functions.kinds(&self.function, name.trim()),
        };
        self.writer.key(name.trim(), kinds, output);
        self.enter(State::Value, Step::Taken)
    }

    fn end(&mut self, step: Step, output: &mut Output) -> Step {
        output.arguments("}");
        output.end_call();
        self.enter(State::Calls, if self.is_wrapped { step } else { Step::Closed })
    }
}

impl Calls for Dsml {
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
        self.name.clear();
        self.attributes.clear();
        self.is_wrapped = false;
        self.state = State::Open;
    }

    fn marks(&self) -> Marks<'static> {
        match self.state {
            State::Value => Marks::Written(&[PARAMETER_END]),
            _ => Marks::Written(ALL),
        }
    }

    fn step(&mut self, symbol: Symbol, output: &mut Output) -> Step {
        match (self.state, symbol) {
            (State::Open, Symbol::Mark(OPEN)) => {
                self.is_wrapped = true;
                self.enter(State::Calls, Step::Pending)
            }
            (State::Open | State::Calls, Symbol::Mark(INVOKE)) => self.enter(State::Name, Step::Pending),
            (State::Calls, Symbol::Mark(CLOSE)) => Step::Closed,
            (State::Name, _) => self.quoted(symbol, State::NameEnd),
            (State::NameEnd, Symbol::Text('>')) => self.start(output),
            (State::Parameters, Symbol::Mark(PARAMETER)) => self.enter(State::Key, Step::Pending),
            (State::Parameters, Symbol::Mark(INVOKE_END)) => self.end(Step::Taken, output),
            (State::Parameters, Symbol::Mark(CLOSE)) => self.end(Step::Closed, output),
            (State::Key, _) => self.quoted(symbol, State::Attributes),
            (State::Attributes, _) => self.attributes(symbol, output),
            (State::Value, Symbol::Mark(PARAMETER_END)) => {
                self.writer.end_value(output);
                self.enter(State::Parameters, Step::Taken)
            }
            (State::Value, Symbol::Text(character) | Symbol::Special(character)) => {
                self.writer.push(character, output);
                Step::Taken
            }
            (State::Calls | State::NameEnd | State::Parameters, _) if symbol.is_space() => Step::Pending,
            _ => Step::Broken,
        }
    }
}
