//! [`QwenCoder`]: calls of Qwen3-Coder, whose arguments are written between marks of their own.
//!
//! ```text
//! <tool_call>
//! <function=add>
//! <parameter=a>
//! 1
//! </parameter>
//! </function>
//! </tool_call>
//! ```

use std::sync::Arc;

use super::arguments::{ArgumentWriter, Lines};
use super::buffer::{Marks, Symbol};
use super::calls::{Calls, Named, Step, read_name};
use super::functions::Functions;
use super::output::Output;

const OPEN: &str = "<tool_call>";
const CLOSE: &str = "</tool_call>";
const FUNCTION: &str = "<function=";
const FUNCTION_END: &str = "</function>";
const PARAMETER: &str = "<parameter=";
const PARAMETER_END: &str = "</parameter>";

const ALL: &[&str] = &[OPEN, FUNCTION, CLOSE, FUNCTION_END, PARAMETER, PARAMETER_END];
/// Models leave the outer mark out at times.
const OPENS: &[&str] = &[OPEN, FUNCTION];

/// What is expected next.
#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    Function,
    Name,
    Parameters,
    Key,
    Value,
    After,
}

/// Reads calls of Qwen3-Coder.
#[derive(Debug)]
pub(super) struct QwenCoder {
    functions: Arc<Functions>,
    state: State,
    is_wrapped: bool,
    /// The function, while its arguments are read.
    function: String,
    /// The name of a function or argument that is being read.
    name: String,
    writer: ArgumentWriter,
}

impl QwenCoder {
    pub(super) fn new(functions: Arc<Functions>) -> Self {
        Self {
            functions,
            state: State::Open,
            is_wrapped: false,
            function: String::new(),
            name: String::new(),
            writer: ArgumentWriter::new(Lines::Around),
        }
    }

    fn enter(&mut self, state: State, step: Step) -> Step {
        self.name.clear();
        self.state = state;
        step
    }

    fn name(&mut self, symbol: Symbol, output: &mut Output) -> Step {
        match read_name(&mut self.name, symbol, '>') {
            Named::Part => Step::Pending,
            Named::Wrong => Step::Broken,
            Named::End => {
                self.name.trim().clone_into(&mut self.function);
                output.start_call(&self.function, None);
                output.arguments("{");
                self.writer = ArgumentWriter::new(Lines::Around);
                self.enter(State::Parameters, Step::Taken)
            }
        }
    }

    fn key(&mut self, symbol: Symbol, output: &mut Output) -> Step {
        match read_name(&mut self.name, symbol, '>') {
            Named::Part => Step::Pending,
            Named::Wrong => Step::Broken,
            Named::End => {
                let key = self.name.trim();
                self.writer.key(key, self.functions.kinds(&self.function, key), output);
                self.enter(State::Value, Step::Taken)
            }
        }
    }

    fn end(&mut self, step: Step, output: &mut Output) -> Step {
        output.arguments("}");
        output.end_call();
        self.enter(State::After, if self.is_wrapped { step } else { Step::Closed })
    }
}

impl Calls for QwenCoder {
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
        self.is_wrapped = false;
        self.enter(State::Open, Step::Pending);
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
                self.enter(State::Function, Step::Pending)
            }
            (State::Open | State::Function | State::After, Symbol::Mark(FUNCTION)) => {
                self.enter(State::Name, Step::Pending)
            }
            (State::Name, _) => self.name(symbol, output),
            (State::Parameters, Symbol::Mark(PARAMETER)) => self.enter(State::Key, Step::Pending),
            (State::Parameters, Symbol::Mark(FUNCTION_END)) => self.end(Step::Taken, output),
            // The mark that ends the function is left out at times.
            (State::Parameters, Symbol::Mark(CLOSE)) => self.end(Step::Closed, output),
            (State::Key, _) => self.key(symbol, output),
            (State::Value, Symbol::Mark(PARAMETER_END)) => {
                self.writer.end_value(output);
                self.enter(State::Parameters, Step::Taken)
            }
            (State::Value, Symbol::Text(character) | Symbol::Special(character)) => {
                self.writer.push(character, output);
                Step::Taken
            }
            (State::After, Symbol::Mark(CLOSE)) => Step::Closed,
            (State::Function | State::Parameters | State::After, _) if symbol.is_space() => Step::Pending,
            _ => Step::Broken,
        }
    }
}
