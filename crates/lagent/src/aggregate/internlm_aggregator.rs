//! `InternLmAggregator`: prompts for models that call tools (`tool_aggregator.py`).

use internlm_model::chat::{Message, Role};
use serde::Deserialize;

use super::few_shot::{Shot, messages};
use super::frame::{Frame, named};
use crate::message::AgentMessage;
use crate::parse::{Instruction, ParseError, ParsedTool, ToolFormat, ToolStatus};

/// Writes replies with their calls, results under the environment's role with the type of the last call, and leaves
/// out replies whose call could not be read.
///
/// ```
/// use lagent::aggregate::{Frame, InternLmAggregator};
/// use lagent::message::AgentMessage;
/// use lagent::parse::{ToolFormat, ToolParser};
///
/// let parser = ToolParser::plugin();
/// let text = "<|action_start|><|plugin|>\n{\"name\": \"Now\", \"parameters\": {}}<|action_end|>\n";
/// let mut call = AgentMessage::new("agent", text);
/// call.formatted = serde_json::to_value(parser.parse_response(text)).ok();
/// let memory = [AgentMessage::new("user", "Time?"), call, AgentMessage::new("ActionExecutor", "12:00")];
/// let prompt = InternLmAggregator::default().aggregate(&memory, &Frame::new("agent"), &parser)?;
/// assert_eq!(prompt.iter().map(|message| message.role.name()).collect::<Vec<_>>(), ["user", "assistant", "environment"]);
/// assert_eq!(prompt[1].text(), text);
/// # Ok::<(), lagent::parse::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct InternLmAggregator {
    environment: Role,
    begin: String,
    end: String,
    user_names: Vec<String>,
    few_shot: Vec<Vec<Shot>>,
}

impl Default for InternLmAggregator {
    fn default() -> Self {
        Self {
            environment: Role::Environment,
            begin: String::new(),
            end: String::new(),
            user_names: vec!["user".to_owned()],
            few_shot: Vec::new(),
        }
    }
}

impl InternLmAggregator {
    /// Replaces the role of results. Default: environment.
    #[must_use]
    pub fn with_environment(self, environment: Role) -> Self {
        Self { environment, ..self }
    }

    /// Replaces the texts before and behind every result. Default: nothing.
    #[must_use]
    pub fn with_marks(self, begin: impl Into<String>, end: impl Into<String>) -> Self {
        Self { begin: begin.into(), end: end.into(), ..self }
    }

    /// Replaces the senders whose messages are the user's; others, besides the agent, are tools. Default: `user`.
    #[must_use]
    pub fn with_user_names<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        Self { user_names: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// Replaces the examples before the history. Default: no examples.
    #[must_use]
    pub fn with_few_shot(self, few_shot: Vec<Vec<Shot>>) -> Self {
        Self { few_shot, ..self }
    }

    /// Returns the messages of the next request: system messages, the parser's instructions, examples, history.
    ///
    /// # Errors
    /// [`ParseError::FewShot`]; [`ParseError::Formatted`] for a message whose `formatted` object no tool parser
    /// wrote; [`ParseError::ToolType`] for a call that `parser` does not know.
    pub fn aggregate(
        &self,
        memory: &[AgentMessage],
        frame: &Frame<'_>,
        parser: &dyn ToolFormat,
    ) -> Result<Vec<Message>, ParseError> {
        let mut prompt = frame.messages();
        for Instruction { content, name } in parser.format_instruction() {
            prompt.push(named(Message::system(content), name.as_deref()));
        }
        prompt.extend(messages(&self.few_shot, parser, |text| self.example_result(text))?);
        let mut tool_type: Option<String> = None;
        for message in memory {
            if message.sender == frame.name {
                match parsed(message)? {
                    None => prompt.push(Message::assistant(message.text())),
                    Some(parsed) if parsed.status == Some(ToolStatus::ParsingError) => {}
                    Some(parsed) => {
                        prompt.push(Message::assistant(parser.format_response(&parsed)?));
                        tool_type = parsed.tool_type;
                    }
                }
            } else if self.user_names.contains(&message.sender) {
                prompt.push(Message::user(message.text()));
            } else {
                let text = format!("{}{}{}", self.begin, message.text(), self.end);
                prompt.push(named(Message::new(self.environment, text), tool_type.as_deref()));
            }
        }
        Ok(prompt)
    }

    /// A result in an example, which may already have the marks.
    fn example_result(&self, text: String) -> Message {
        let mut text = if text.starts_with(&self.begin) { text } else { format!("{}{text}", self.begin) };
        if !text.ends_with(&self.end) {
            text.push_str(&self.end);
        }
        Message::new(self.environment, text)
    }
}

/// What a tool parser made of a message; `None` if no parser read it, or one that makes no objects.
fn parsed(message: &AgentMessage) -> Result<Option<ParsedTool>, ParseError> {
    let Some(formatted) = message.formatted.as_ref().filter(|formatted| formatted.is_object()) else {
        return Ok(None);
    };
    ParsedTool::deserialize(formatted)
        .map(Some)
        .map_err(|error| ParseError::Formatted { sender: message.sender.clone(), message: error.to_string() })
}
