//! Protocols: how tools are described to a model and how its replies are read.

mod autogpt;
mod certain;
mod constraint;
mod error_mode;
mod gbk;
mod input;
mod internlm2;
mod lagent_prompt;
mod math_coder;
mod parsed;
mod plain;
mod react;
mod resolve;
mod rewoo;
mod scene;
mod streaming;

use internlm_model::chat::{Message, ToolCall};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::{ActionReturn, ToolSpec};
use crate::python_text::{Layout, NonAscii, format_fields, json_dumps, repr};

pub use autogpt::AutoGpt;
pub(crate) use certain::Certain;
pub use constraint::Constraint;
pub use error_mode::ErrorMode;
pub use internlm2::{InternLm2, Presentation, lagent_message};
pub use lagent_prompt::{ListedParameters, lagent_tool};
pub use math_coder::MathCoder;
pub(crate) use parsed::Ended;
pub use parsed::{CallOutcome, CallRequest, Malformed, Parsed};
pub use plain::Plain;
pub use react::{React, ReactTags, ReactTemplate};
pub(crate) use resolve::Resolved;
pub(crate) use rewoo::{Evidence, Plan, Stage};
pub use rewoo::{PromptLanguage, Rewoo};
pub(crate) use scene::{Scene, Turn};
pub use streaming::stream_state;

/// Upstream's tools that make their results themselves, without the parser that drops characters.
const WITHOUT_PARSER: [&str; 4] =
    ["PythonInterpreter", "IPythonInterpreter", "IPythonInteractive", "GoogleSearch"];
/// Upstream's answer to a question whose turns are used up.
const NO_ANSWER: &str = "Sorry that I cannot answer your question.";

/// The protocol of an agent, named after lagent's agents. The key `kind` of the agent file selects it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Protocol {
    /// InternLM2's plugin and interpreter markup, `AgentForInternLM` (`Internlm2Agent`) in lagent.
    InternLm2(InternLm2),
    /// Thought, action and action input as plain text, `ReAct` in lagent.
    React(React),
    /// A plan, its calls and a solver, `ReWOO` in lagent.
    Rewoo(Rewoo),
    /// JSON commands, `AutoGPT` in lagent.
    AutoGpt(AutoGpt),
    /// Code for one interpreter, `MathCoder` in lagent.
    MathCoder(MathCoder),
    /// No tools, `Agent` in lagent.
    Plain(Plain),
}

impl Protocol {
    /// Returns upstream's maximum number of model requests for this protocol. `ReWOO` counts only its plans.
    #[must_use]
    pub fn default_max_turn(&self) -> u32 {
        match self {
            Self::InternLm2(_) => 4,
            Self::React(protocol) => protocol.max_turn,
            Self::Rewoo(_) | Self::AutoGpt(_) => 2,
            Self::MathCoder(_) => 6,
            Self::Plain(_) => 1,
        }
    }

    /// Returns the name of the tool that runs the code of interpreter calls.
    #[must_use]
    pub fn interpreter(&self) -> Option<&str> {
        match self {
            Self::InternLm2(protocol) => protocol.interpreter.as_deref(),
            Self::MathCoder(protocol) => Some(&protocol.interpreter),
            _ => None,
        }
    }

    /// Returns the messages of the next request and the tools for its `tools` field.
    pub(crate) fn prompt(&self, scene: &Scene<'_>) -> (Vec<Message>, Vec<ToolSpec>) {
        let messages = match self {
            Self::InternLm2(protocol) => return protocol.prompt(scene),
            Self::React(protocol) => protocol.prompt(scene),
            Self::Rewoo(protocol) => protocol.prompt(scene),
            Self::AutoGpt(protocol) => protocol.prompt(scene),
            Self::MathCoder(protocol) => protocol.prompt(scene),
            Self::Plain(protocol) => protocol.prompt(scene),
        };
        (messages, Vec::new())
    }

    /// Returns the request fields that make malformed calls impossible; `None` if there is nothing to constrain.
    pub(crate) fn grammar(&self, scene: &Scene<'_>) -> Option<Value> {
        match self {
            Self::InternLm2(protocol) => protocol.grammar(scene),
            Self::React(protocol) => protocol.grammar(scene),
            Self::Rewoo(protocol) => protocol.grammar(scene),
            Self::AutoGpt(protocol) => protocol.grammar(scene),
            Self::MathCoder(_) | Self::Plain(_) => None,
        }
    }

    /// Returns the reply as it is appended to the conversation, and its meaning. Plans are read by
    /// [`Rewoo::read_plan`] instead; here a reply of `ReWOO` is the solver's.
    pub(crate) fn parse(&self, content: &str, calls: &[ToolCall]) -> (Message, Parsed) {
        match self {
            Self::InternLm2(protocol) => protocol.parse(content, calls),
            Self::React(protocol) => protocol.parse(content),
            Self::AutoGpt(protocol) => protocol.parse(content),
            Self::MathCoder(protocol) => protocol.parse(content, calls),
            Self::Rewoo(_) | Self::Plain(_) => {
                (Message::assistant(content), Parsed::Answer(content.to_owned()))
            }
        }
    }

    /// Returns what is certain of a reply of which `reply` is the beginning. Replies of `ReWOO` are plans until the
    /// stage [`Stage::Solving`], which the other protocols do not have.
    pub(crate) fn certain(&self, reply: &str, stage: Stage) -> Certain {
        match self {
            Self::Plain(_) => Certain::answer(0..reply.len()),
            Self::Rewoo(_) if stage == Stage::Solving => Certain::answer(0..reply.len()),
            Self::React(protocol) => protocol.certain(reply),
            // A call may follow any text, and JSON may turn out to be anything.
            Self::InternLm2(_) | Self::MathCoder(_) | Self::Rewoo(_) | Self::AutoGpt(_) => {
                Certain::open(reply.len())
            }
        }
    }

    /// Returns the text of a tool's result as the model reads it. By the letter it has only characters of GBK, unless
    /// the tool is one of those that upstream does not ask for a text.
    pub(crate) fn text_of(&self, mut value: ActionReturn) -> String {
        if self.errors() == ErrorMode::Compat && !WITHOUT_PARSER.contains(&value.kind.as_str()) {
            for item in value.result.iter_mut().filter(|item| item.kind == "text") {
                item.content = gbk::within_gbk(&item.content);
            }
        }
        value.for_model()
    }

    /// Creates the message that carries the end of a call.
    pub(crate) fn result(&self, ended: Ended<'_>) -> Message {
        match self {
            Self::React(protocol) => protocol.response(ended.text),
            Self::AutoGpt(protocol) => protocol.result(ended),
            Self::InternLm2(_) | Self::MathCoder(_) | Self::Rewoo(_) | Self::Plain(_) => {
                Message::environment(ended.channel, ended.text)
            }
        }
    }

    /// Returns the texts that end a reply, besides the model's own marks.
    pub(crate) fn stop(&self) -> Option<String> {
        match self {
            Self::React(protocol) => protocol.stop(),
            _ => None,
        }
    }

    /// Finds the tool that a call names and checks the arguments.
    pub(crate) fn resolve(&self, tools: &[ToolSpec], request: CallRequest) -> Resolved {
        resolve::resolve(tools, request, self.errors())
    }

    /// Returns what happens to replies that do not keep to the format.
    pub(crate) fn errors(&self) -> ErrorMode {
        match self {
            Self::InternLm2(protocol) => protocol.errors,
            Self::React(protocol) => protocol.errors,
            Self::Rewoo(protocol) => protocol.errors,
            Self::AutoGpt(protocol) => protocol.errors,
            Self::MathCoder(protocol) => protocol.errors,
            Self::Plain(_) => ErrorMode::default(),
        }
    }

    /// Returns the text that the model reads after a call that could not be understood.
    pub(crate) fn correction(&self, problem: &str) -> String {
        match self {
            Self::InternLm2(_) | Self::MathCoder(_) => format!("error: {problem}"),
            _ => problem.to_owned(),
        }
    }

    /// Returns upstream's answer to a question whose turns are used up; `None` where the question ends with a reason.
    pub(crate) fn last_resort(&self) -> Option<&'static str> {
        match self {
            Self::React(_) | Self::AutoGpt(_) if self.errors() == ErrorMode::Compat => Some(NO_ANSWER),
            Self::InternLm2(_) | Self::MathCoder(_) if self.errors() == ErrorMode::Compat => Some(""),
            _ => None,
        }
    }
}
