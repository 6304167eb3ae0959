//! [`CallJson`]: a call as a JSON object with `name` and `arguments` or `parameters`, in either order.

use std::sync::Arc;

use internlm_model::chat::marks::{INTERPRETER, PLUGIN};

use super::calls::Step;
use super::functions::Functions;
use super::json::{JsonScanner, Scan};
use super::output::Output;

/// Keys that may come before the name of a call that no mark announces.
const OTHER_KEYS: [&str; 2] = ["type", "id"];

/// What a key of the object is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Key {
    Name,
    Arguments,
    Other,
}

/// What is expected next.
#[derive(Debug)]
enum State {
    Open,
    FirstKey,
    Key,
    KeyText(JsonScanner, String),
    Colon(Key),
    Value(Key, JsonScanner, String),
    /// A comma or the end.
    After,
}

/// The arguments so far.
#[derive(Debug)]
enum Arguments {
    Absent,
    /// They came before the name, or were null.
    Held(String),
    /// They are passed on as they come.
    Sent,
}

/// Reads one call.
#[derive(Debug)]
pub(super) struct CallJson {
    state: State,
    name: Option<String>,
    arguments: Arguments,
    /// When no mark says that the object is a call, it must have arguments and the name of one of these.
    offered: Option<Arc<Functions>>,
}

impl CallJson {
    /// An object that a mark announces: anything with a name is a call.
    pub(super) fn marked() -> Self {
        Self { state: State::Open, name: None, arguments: Arguments::Absent, offered: None }
    }

    /// An object that may be part of the answer.
    pub(super) fn bare(offered: &Arc<Functions>) -> Self {
        Self { offered: Some(Arc::clone(offered)), ..Self::marked() }
    }

    /// Takes the next character; [`Step::Closed`] at the end of the object.
    pub(super) fn push(&mut self, character: char, output: &mut Output) -> Step {
        match &mut self.state {
            State::KeyText(scanner, text) => match scanner.push(character, text) {
                Scan::Part => self.fitting(),
                Scan::Last => {
                    let text = std::mem::take(text);
                    self.end_key(&text)
                }
                Scan::Beyond | Scan::Wrong => Step::Broken,
            },
            State::Value(..) => self.value(character, output),
            _ if character.is_ascii_whitespace() => self.fitting(),
            _ => self.structure(character, output),
        }
    }

    /// What fits can still become text until the call has begun, and so can a key that has not been read.
    fn fitting(&self) -> Step {
        let is_known = matches!(self.state, State::Colon(_) | State::Value(..) | State::After);
        let is_certain = is_known && matches!(self.arguments, Arguments::Sent);
        if is_certain { Step::Taken } else { Step::Pending }
    }

    fn structure(&mut self, character: char, output: &mut Output) -> Step {
        self.state = match (&self.state, character) {
            (State::Open, '{') => State::FirstKey,
            (State::FirstKey | State::Key, '"') => {
                let (mut scanner, mut text) = (JsonScanner::new(), String::new());
                scanner.push('"', &mut text);
                State::KeyText(scanner, text)
            }
            (State::Colon(key), ':') => State::Value(*key, JsonScanner::new(), String::new()),
            (State::After, ',') => State::Key,
            (State::After | State::FirstKey, '}') => return self.end(output),
            _ => return Step::Broken,
        };
        self.fitting()
    }

    fn end_key(&mut self, text: &str) -> Step {
        let Ok(name) = serde_json::from_str::<String>(text) else { return Step::Broken };
        let key = match name.as_str() {
            "name" if self.name.is_none() => Key::Name,
            "arguments" | "parameters" if matches!(self.arguments, Arguments::Absent) => Key::Arguments,
            // Nobody can tell which of the two is meant.
            "name" | "arguments" | "parameters" => return Step::Broken,
            other if self.offered.is_some() && self.name.is_none() && !OTHER_KEYS.contains(&other) => {
                return Step::Broken;
            }
            _ => Key::Other,
        };
        self.state = State::Colon(key);
        self.fitting()
    }

    fn value(&mut self, character: char, output: &mut Output) -> Step {
        let State::Value(key, scanner, text) = &mut self.state else { return Step::Broken };
        let (key, is_first) = (*key, text.is_empty());
        let sent = matches!(self.arguments, Arguments::Sent) && key == Key::Arguments;
        let scan = scanner.push(character, text);
        // Arguments are an object, or null.
        let is_wrong = key == Key::Arguments && is_first && !sent && !matches!(text.as_str(), "" | "{" | "n");
        if scan == Scan::Wrong || is_wrong {
            return Step::Broken;
        }
        if key == Key::Arguments && (sent || (text == "{" && self.name.is_some())) {
            let piece = std::mem::take(text);
            self.send(&piece, output);
        }
        match scan {
            Scan::Part | Scan::Wrong => self.fitting(),
            Scan::Last => self.end_value(output),
            Scan::Beyond => match self.end_value(output) {
                Step::Broken => Step::Broken,
                _ if character.is_ascii_whitespace() => self.fitting(),
                _ => self.structure(character, output),
            },
        }
    }

    fn end_value(&mut self, output: &mut Output) -> Step {
        let State::Value(key, _, text) = std::mem::replace(&mut self.state, State::After) else {
            return Step::Broken;
        };
        match key {
            Key::Name => {
                let Ok(name) = serde_json::from_str::<String>(&text) else { return Step::Broken };
                let is_offered = self.offered.as_ref().is_none_or(|offered| offered.contains(&name));
                // These two stand for channels in OpenAI's form.
                if name.is_empty() || [PLUGIN, INTERPRETER].contains(&name.as_str()) || !is_offered {
                    return Step::Broken;
                }
                self.name = Some(name);
                if let Arguments::Held(arguments) = std::mem::replace(&mut self.arguments, Arguments::Absent)
                {
                    self.send(&arguments, output);
                }
            }
            Key::Arguments if matches!(self.arguments, Arguments::Absent) => {
                self.arguments = Arguments::Held(if text == "null" { "{}".to_owned() } else { text });
            }
            Key::Arguments | Key::Other => {}
        }
        self.fitting()
    }

    /// Passes arguments on, behind the beginning of their call.
    fn send(&mut self, arguments: &str, output: &mut Output) {
        if !matches!(self.arguments, Arguments::Sent) {
            output.start_call(self.name.as_deref().unwrap_or_default(), None);
            self.arguments = Arguments::Sent;
        }
        output.arguments(arguments);
    }

    fn end(&mut self, output: &mut Output) -> Step {
        let arguments = match std::mem::replace(&mut self.arguments, Arguments::Absent) {
            _ if self.name.is_none() => return Step::Broken,
            Arguments::Absent if self.offered.is_some() => return Step::Broken,
            Arguments::Absent => "{}".to_owned(),
            Arguments::Held(arguments) => arguments,
            Arguments::Sent => {
                self.arguments = Arguments::Sent;
                String::new()
            }
        };
        self.send(&arguments, output);
        output.end_call();
        Step::Closed
    }
}
