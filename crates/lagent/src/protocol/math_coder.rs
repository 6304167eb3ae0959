//! `MathCoder` of lagent 0.5 (`lagent/agents/stream.py`): reasoning and code for one interpreter, in InternLM2's
//! markup, and the result in `\boxed{}`.

use internlm_model::chat::{Channel, Message, ToolCall};
use serde::{Deserialize, Serialize};

use super::{ErrorMode, InternLm2, Parsed, Scene, format_fields};
use crate::templates::MATHCODER;

/// Settings of `MathCoder`, which has no other tool than its interpreter.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MathCoder {
    /// System text. Default: lagent's.
    pub system: String,
    /// Name of the tool that runs the code, which takes `command`. Default: `IPythonInteractive`.
    pub interpreter: String,
    /// What happens to calls that cannot be understood. Default: `fixed`.
    pub errors: ErrorMode,
    /// Messages of worked examples before the conversation. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Message>,
}

impl Default for MathCoder {
    fn default() -> Self {
        Self {
            system: format_fields(MATHCODER, &[]),
            interpreter: "IPythonInteractive".to_owned(),
            errors: ErrorMode::default(),
            examples: Vec::new(),
        }
    }
}

impl MathCoder {
    /// Returns the messages of the next request.
    pub(crate) fn prompt(&self, scene: &Scene<'_>) -> Vec<Message> {
        let mut messages = vec![Message::system(self.system.clone()).on(Channel::Interpreter)];
        messages.extend_from_slice(&self.examples);
        messages.extend_from_slice(scene.history);
        messages
    }

    /// Returns the reply as a message, and its meaning.
    pub(crate) fn parse(&self, content: &str, calls: &[ToolCall]) -> (Message, Parsed) {
        let markup = InternLm2 {
            errors: self.errors,
            interpreter: Some(self.interpreter.clone()),
            ..InternLm2::default()
        };
        markup.parse(content, calls)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Turn;
    use super::*;

    #[test]
    fn the_prompt_is_upstreams_and_code_is_a_call() {
        let protocol = MathCoder::default();
        let history = [Message::user("1 + 1?")];
        let scene = Scene { tools: &[], history: &history, question: 0, turn: Turn::Inner, plan: None };
        let messages = protocol.prompt(&scene);
        assert_eq!(messages[0].channel, Some(Channel::Interpreter));
        assert!(messages[0].text().ends_with("using a '\\boxed{}' without any units. \n"));
        let content = "So:<|action_start|><|interpreter|>\n```python\n1+1\n```\n<|action_end|>";
        let Parsed::Calls(calls) = protocol.parse(content, &[]).1 else { panic!("a call") };
        let call = calls[0].as_ref().expect("understood");
        assert_eq!(
            (call.name.as_str(), &call.arguments),
            ("IPythonInteractive", &json!({"command": "```python\n1+1\n```"}))
        );
        assert_eq!(protocol.parse("\\boxed{2}", &[]).1, Parsed::Answer("\\boxed{2}".into()));
    }
}
