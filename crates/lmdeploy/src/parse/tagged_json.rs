//! [`TaggedJson`]: JSON objects between two marks, as InternLM and Qwen write calls.
//!
//! ```text
//! <|action_start|><|plugin|>
//! {"name": "add", "parameters": {"a": 1}}<|action_end|>
//!
//! <tool_call>
//! {"name": "add", "arguments": {"a": 1}}
//! </tool_call>
//! ```

use internlm_model::chat::marks::{ACTION_END, ACTION_START, PLUGIN};

use super::buffer::{Marks, Symbol};
use super::call_json::CallJson;
use super::calls::{Calls, Step};
use super::output::Output;

const QWEN_START: &str = "<tool_call>";
const QWEN_END: &str = "</tool_call>";

/// What is expected next.
#[derive(Debug)]
enum State {
    Open,
    /// The mark that says what kind of action follows.
    Channel,
    Call(CallJson),
    After,
}

/// Reads JSON objects between two marks.
#[derive(Debug)]
pub(super) struct TaggedJson {
    /// All marks, of which the first begins calls and the last ends them.
    all: &'static [&'static str],
    state: State,
}

impl TaggedJson {
    pub(super) fn internlm() -> Self {
        Self { all: &[ACTION_START, PLUGIN, ACTION_END], state: State::Open }
    }

    pub(super) fn qwen() -> Self {
        Self { all: &[QWEN_START, QWEN_END], state: State::Open }
    }

    fn call(&mut self, mut json: CallJson, character: Option<char>, output: &mut Output) -> Step {
        let step = character.map_or(Step::Pending, |character| json.push(character, output));
        match step {
            Step::Closed => {
                self.state = State::After;
                Step::Taken
            }
            other => {
                self.state = State::Call(json);
                other
            }
        }
    }
}

impl Calls for TaggedJson {
    fn all(&self) -> &'static [&'static str] {
        self.all
    }

    fn opens(&self) -> &'static [&'static str] {
        &self.all[..1]
    }

    fn close(&self) -> Option<&'static str> {
        self.all.last().copied()
    }

    fn begin(&mut self) {
        self.state = State::Open;
    }

    fn marks(&self) -> Marks<'static> {
        match self.state {
            State::Call(_) => Marks::Tokens(self.all),
            _ => Marks::Written(self.all),
        }
    }

    fn step(&mut self, symbol: Symbol, output: &mut Output) -> Step {
        match (std::mem::replace(&mut self.state, State::After), symbol) {
            (State::Open, _) if self.all.contains(&PLUGIN) => {
                self.state = State::Channel;
                Step::Pending
            }
            (State::Open, _) | (State::Channel, Symbol::Mark(PLUGIN)) => {
                self.call(CallJson::marked(), None, output)
            }
            (State::Channel, _) if symbol.is_space() => {
                self.state = State::Channel;
                Step::Pending
            }
            (State::Call(json), Symbol::Text(character) | Symbol::Special(character)) => {
                self.call(json, Some(character), output)
            }
            (State::After, Symbol::Mark(mark)) if self.close() == Some(mark) => Step::Closed,
            (State::After, _) if symbol.is_space() => Step::Pending,
            // Models also write several objects between one pair of marks.
            (State::After, Symbol::Text('{')) => self.call(CallJson::marked(), Some('{'), output),
            _ => Step::Broken,
        }
    }
}
