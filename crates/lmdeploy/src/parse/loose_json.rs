//! [`LooseJson`]: JSON calls without an end mark: objects one after the other or in a list, fenced or not.
//!
//! ```text
//! <|python_tag|>{"name": "add", "parameters": {"a": 1}}; {"name": "add", "parameters": {"a": 2}}
//!
//! [{"name": "add", "arguments": {"a": 1}}, {"name": "add", "arguments": {"a": 2}}]
//! ```
//!
//! Without a mark an object is a call only if it has arguments and the name of a function that the request offers, so
//! that answers in JSON stay answers.

use std::sync::Arc;

use super::buffer::{Marks, Symbol};
use super::call_json::CallJson;
use super::calls::{Calls, Step};
use super::functions::Functions;
use super::output::{Output, Place};

/// The mark of LLaMA 3.
const LLAMA3: &[&str] = &["<|python_tag|>"];
/// What begins and ends a block of code.
const FENCE: &str = "```";
/// Maximum number of bytes in the line that begins a block of code.
const MAX_FENCE: usize = 16;

/// What is expected next.
#[derive(Debug)]
enum State {
    Open,
    /// The line that begins a block of code.
    Fence(String),
    Before,
    Call(CallJson),
    After,
    /// The end of a block of code, of which this many characters have come.
    FenceEnd(usize),
}

/// Reads JSON calls without an end mark.
#[derive(Debug)]
pub(super) struct LooseJson {
    all: &'static [&'static str],
    offered: Arc<Functions>,
    state: State,
    is_marked: bool,
    is_fenced: bool,
    is_list: bool,
}

impl LooseJson {
    /// LLaMA 3: behind a mark, or at the beginning of the answer.
    pub(super) fn llama3(offered: Arc<Functions>) -> Self {
        Self { all: LLAMA3, ..Self::json(offered) }
    }

    /// Models that were not trained on calls: at the beginning of any line.
    pub(super) fn json(offered: Arc<Functions>) -> Self {
        let state = State::Open;
        Self { all: &[], offered, state, is_marked: false, is_fenced: false, is_list: false }
    }

    fn enter(&mut self, state: State, step: Step) -> Step {
        self.state = state;
        step
    }

    /// The beginning of an object or a list.
    fn value(&mut self, symbol: Symbol, output: &mut Output) -> Step {
        match symbol {
            Symbol::Text('{') => {
                let new = if self.is_marked { CallJson::marked() } else { CallJson::bare(&self.offered) };
                self.call(new, '{', output)
            }
            Symbol::Text('[') if !self.is_list => {
                self.is_list = true;
                self.enter(State::Before, Step::Pending)
            }
            _ if symbol.is_space() => self.enter(State::Before, Step::Pending),
            _ => Step::Broken,
        }
    }

    fn call(&mut self, mut json: CallJson, character: char, output: &mut Output) -> Step {
        match json.push(character, output) {
            Step::Closed => self.enter(State::After, Step::Taken),
            step => self.enter(State::Call(json), step),
        }
    }

    fn fence(&mut self, mut line: String, symbol: Symbol, output: &mut Output) -> Step {
        let Symbol::Text(character) = symbol else { return Step::Broken };
        let is_begun = line.len() >= FENCE.len();
        match character {
            '`' if !is_begun => line.push(character),
            'a'..='z' | '_' if is_begun && line.len() < MAX_FENCE => line.push(character),
            _ if is_begun => {
                self.is_fenced = true;
                return self.value(symbol, output);
            }
            _ => return Step::Broken,
        }
        self.enter(State::Fence(line), Step::Pending)
    }

    /// What may follow a call: another one, or the end of the list or block.
    fn after(&mut self, symbol: Symbol, output: &mut Output) -> Step {
        match symbol {
            Symbol::Mark(_) => {
                self.is_marked = true;
                self.enter(State::Before, Step::Pending)
            }
            Symbol::Text(',') if self.is_list => self.enter(State::Before, Step::Taken),
            Symbol::Text(']') if self.is_list => {
                self.is_list = false;
                self.enter(State::After, Step::Taken)
            }
            Symbol::Text(';') if !self.is_list => self.enter(State::Before, Step::Taken),
            Symbol::Text('{') if !self.is_list => self.value(symbol, output),
            Symbol::Text('`') if self.is_fenced && !self.is_list => {
                self.enter(State::FenceEnd(1), Step::Pending)
            }
            _ if symbol.is_space() => self.enter(State::After, Step::Pending),
            _ => Step::Broken,
        }
    }
}

impl Calls for LooseJson {
    fn all(&self) -> &'static [&'static str] {
        self.all
    }

    fn opens(&self) -> &'static [&'static str] {
        self.all
    }

    fn close(&self) -> Option<&'static str> {
        None
    }

    fn begins(&self, character: char, place: Place) -> bool {
        let fits = match character {
            '{' | '[' => place == Place::Start || self.all.is_empty(),
            '`' => self.all.is_empty(),
            _ => false,
        };
        fits && place != Place::Middle && !self.offered.is_empty()
    }

    fn begin(&mut self) {
        self.state = State::Open;
        (self.is_marked, self.is_fenced, self.is_list) = (false, false, false);
    }

    fn marks(&self) -> Marks<'static> {
        match self.state {
            State::After | State::Before => Marks::Written(self.all),
            _ => Marks::Tokens(self.all),
        }
    }

    fn step(&mut self, symbol: Symbol, output: &mut Output) -> Step {
        match (std::mem::replace(&mut self.state, State::Before), symbol) {
            (State::Open, Symbol::Mark(_)) => {
                self.is_marked = true;
                Step::Pending
            }
            (State::Open, Symbol::Text('`')) => self.enter(State::Fence("`".to_owned()), Step::Pending),
            (State::Fence(line), _) => self.fence(line, symbol, output),
            (State::Call(json), Symbol::Text(character) | Symbol::Special(character)) => {
                self.call(json, character, output)
            }
            (State::Open | State::Before, _) => self.value(symbol, output),
            (State::After, _) => self.after(symbol, output),
            (State::FenceEnd(2), Symbol::Text('`')) => Step::Closed,
            (State::FenceEnd(count), Symbol::Text('`')) => {
                self.enter(State::FenceEnd(count + 1), Step::Pending)
            }
            _ => Step::Broken,
        }
    }
}
