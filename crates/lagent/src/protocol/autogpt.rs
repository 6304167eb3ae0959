//! `AutoGPT` with the prompts of lagent 0.2.4 (`lagent/agents/autogpt.py`): every reply is JSON that names one command.
//!
//! Three faults of upstream are repaired, as in its recorded runs: a result is told to the model, a reply without a
//! command is answered, and the finish command gives the text of its argument.

mod schema;

use internlm_model::chat::{Channel, Message};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::lagent_prompt::{printed_tools, toolkit};
use super::parsed::Ended;
use super::{CallOutcome, CallRequest, ErrorMode, Malformed, Parsed, Scene, format_fields};
use crate::action::{ToolInput, ToolSpec};
use crate::literal::read_literal;
use crate::templates::{AUTOGPT_CALL_PROTOCOL, AUTOGPT_PREFIX, AUTOGPT_TRIGGER};

/// The command that gives the answer.
const FINISH: &str = "FinishAction";
/// What ends the thoughts of a reasoning model.
const THOUGHTS_END: &str = "</think>";

/// Settings of the `AutoGPT` protocol.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct AutoGpt {
    /// Name of the agent in the prompt. Default: `AutoGPT`.
    pub ai_name: String,
    /// What the agent is, behind its name. Default: empty.
    pub role: String,
    /// Name of the operating system in the prompt. Default: the kind of system that this program was built for.
    pub os: String,
    /// System message. `{ai_name}`, `{role_description}`, `{os_info}`, `{tool_description}` and `{ai_goals}` are
    /// replaced. Default: lagent's.
    pub prefix: String,
    /// System message that describes the JSON of a reply. Default: lagent's.
    pub call_protocol: String,
    /// User message that asks for the next command. Default: lagent's.
    pub trigger: String,
    /// How replies are read. Default: `fixed`, which finds the JSON inside of other text; `compat` needs a reply that
    /// is a Python literal as a whole.
    pub errors: ErrorMode,
}

impl Default for AutoGpt {
    fn default() -> Self {
        Self {
            ai_name: "AutoGPT".to_owned(),
            role: String::new(),
            os: std::env::consts::OS.to_owned(),
            prefix: AUTOGPT_PREFIX.to_owned(),
            call_protocol: AUTOGPT_CALL_PROTOCOL.to_owned(),
            trigger: AUTOGPT_TRIGGER.to_owned(),
            errors: ErrorMode::default(),
        }
    }
}

impl AutoGpt {
    /// Returns the messages of the next request. The question is the goal in the system message.
    pub(crate) fn prompt(&self, scene: &Scene<'_>) -> Vec<Message> {
        let commands = printed_tools(&with_finish(scene.tools));
        let fields = [
            ("ai_name", self.ai_name.as_str()),
            ("role_description", self.role.as_str()),
            ("os_info", self.os.as_str()),
            ("tool_description", commands.as_str()),
            ("ai_goals", scene.question_text()),
        ];
        let mut messages = vec![
            Message::system(format_fields(&self.prefix, &fields)),
            Message::system(self.call_protocol.clone()),
        ];
        let rest = scene.history.iter().enumerate().filter(|(index, _)| *index != scene.question);
        messages.extend(rest.map(|(_, message)| message.clone()));
        messages.push(Message::user(self.trigger.clone()));
        messages
    }

    /// Returns the request fields of a reply that keeps to the schema and to the tools.
    pub(crate) fn grammar(&self, scene: &Scene<'_>) -> Option<Value> {
        schema::constrained(&with_finish(scene.tools))
    }

    /// Returns the reply as a message, and its meaning.
    pub(crate) fn parse(&self, content: &str) -> (Message, Parsed) {
        let (read, used) = match self.errors {
            ErrorMode::Compat => (whole_literal(content), content.len()),
            ErrorMode::Fixed => first_object(content),
        };
        let meaning = read.ok_or_else(unreadable).and_then(|reply| command(&reply));
        let parsed = match meaning {
            Ok(Command::Answer(text)) => Parsed::Answer(text),
            Ok(Command::Call(name, arguments)) => {
                Parsed::Calls(vec![Ok(CallRequest { channel: Channel::Plugin, name, arguments })])
            }
            Err(problem) => Parsed::Calls(vec![Err(Malformed { channel: Channel::Plugin, problem })]),
        };
        (Message::assistant(&content[..used]), parsed)
    }

    /// Creates the message that carries the end of a call.
    pub(crate) fn result(&self, ended: Ended<'_>) -> Message {
        match ended.outcome {
            CallOutcome::Result => {
                Message::system(format!("Command {} returned: {}", toolkit(ended.name), ended.text))
            }
            CallOutcome::Error => Message::system(ended.text),
        }
    }
}

enum Command {
    Answer(String),
    Call(String, Value),
}

fn unreadable() -> String {
    "Your response could not be parsed: found no JSON object \n\
     Remember to only respond using the specified format above!"
        .to_owned()
}

/// The command of a reply that was read.
fn command(reply: &Value) -> Result<Command, String> {
    let problems = schema::problems(reply);
    if !problems.is_empty() {
        return Err(format!("Validation of response failed:\n  {}", problems.join(";\n  ")));
    }
    let command = reply.get("command").unwrap_or(&Value::Null);
    let name = command.get("name").and_then(Value::as_str).unwrap_or_default();
    let arguments = command.get("args").cloned().unwrap_or(Value::Null);
    if name != FINISH {
        return Ok(Command::Call(name.to_owned(), arguments));
    }
    match arguments.get("response") {
        Some(Value::String(text)) => Ok(Command::Answer(text.clone())),
        Some(other) => Ok(Command::Answer(other.to_string())),
        None => Err("missing required arguments: {'response'}".to_owned()),
    }
}

/// The tools with upstream's finish command behind them, unless it is one of them.
fn with_finish(tools: &[ToolSpec]) -> Vec<ToolSpec> {
    let mut tools = tools.to_vec();
    if !tools.iter().any(|tool| tool.name == FINISH) {
        let response = json!({"type": "string", "description": "The final result."});
        let mut finish = ToolSpec::with_texts(FINISH, "Return the final result.", &["response"]);
        finish.parameters["properties"]["response"] = response;
        finish.input = ToolInput::Text;
        tools.push(finish);
    }
    tools
}

/// The value of a reply that is a literal as a whole, perhaps between bare fences.
fn whole_literal(content: &str) -> Option<Value> {
    let inside = content.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let (value, rest) = read_literal(inside.unwrap_or(content))?;
    rest.trim().is_empty().then_some(value)
}

/// The first object of a reply behind its thoughts, and the length of the text up to its end. What follows is a result
/// that the model made up.
fn first_object(content: &str) -> (Option<Value>, usize) {
    let thoughts = content.rfind(THOUGHTS_END).map_or(0, |end| end + THOUGHTS_END.len());
    let found = content[thoughts..].find('{').and_then(|at| read_literal(&content[thoughts + at..]));
    match found {
        Some((value, rest)) => (Some(value), content.len() - rest.len()),
        None => (None, content.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THOUGHTS: &str =
        r#""thoughts": {"text": "a", "reasoning": "b", "plan": "c", "criticism": "d", "speak": "e"}"#;

    fn read(errors: ErrorMode, content: &str) -> (String, Parsed) {
        let protocol = AutoGpt { errors, ..AutoGpt::default() };
        let (message, parsed) = protocol.parse(content);
        (message.text().to_owned(), parsed)
    }

    fn problem(parsed: &Parsed) -> &str {
        match parsed {
            Parsed::Calls(calls) => &calls[0].as_ref().expect_err("malformed").problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_command_is_found_inside_of_other_text() {
        let json = format!("{{{THOUGHTS}, \"command\": {{\"name\": \"T\", \"args\": {{\"a\": 1}}}}}}");
        for (before, after) in [("", ""), ("```json\n", "\n```"), ("I think: ", "\nCommand T returned: 7")] {
            let (text, parsed) = read(ErrorMode::Fixed, &format!("{before}{json}{after}"));
            let Parsed::Calls(calls) = parsed else { panic!("a call") };
            let call = calls[0].as_ref().expect("understood");
            assert_eq!((call.name.as_str(), &call.arguments), ("T", &json!({"a": 1})));
            assert_eq!(text, format!("{before}{json}"));
        }
        let (_, parsed) = read(ErrorMode::Compat, &format!("I think: {json}"));
        assert!(problem(&parsed).starts_with("Your response could not be parsed"));
    }

    #[test]
    fn the_finish_command_gives_the_answer() {
        let finish = |args: &str| {
            format!("{{{THOUGHTS}, \"command\": {{\"name\": \"FinishAction\", \"args\": {args}}}}}")
        };
        let (_, parsed) = read(ErrorMode::Fixed, &finish("{\"response\": \"42\"}"));
        assert_eq!(parsed, Parsed::Answer("42".to_owned()));
        let (_, parsed) = read(ErrorMode::Fixed, &finish("{}"));
        assert_eq!(problem(&parsed), "missing required arguments: {'response'}");
    }

    #[test]
    fn results_and_errors_are_told_in_upstreams_words() {
        let ended = |outcome| Ended { channel: Channel::Plugin, name: "Calculator.mul", text: "42", outcome };
        let protocol = AutoGpt::default();
        assert_eq!(protocol.result(ended(CallOutcome::Result)).text(), "Command Calculator returned: 42");
        assert_eq!(protocol.result(ended(CallOutcome::Error)).text(), "42");
    }
}
