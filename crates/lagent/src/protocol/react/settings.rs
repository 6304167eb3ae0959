//! The settings of ReAct, and their form in an agent file, which may name a template.

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};

use super::super::ErrorMode;
use crate::templates::{
    CIBENCH_FORCE_STOP, CIBENCH_REACT, MATH_REACT, MATH_SHOT_ANSWER, MATH_SHOT_CALL, MATH_SHOT_QUESTION,
    MATH_SHOT_RESULT, REACT_CN, REACT_CN_FORCE_STOP, REACT_EN, REACT_EN_FORCE_STOP,
};

/// The tags in front of the parts of a reply. The defaults are lagent's English tags.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ReactTags {
    /// Tag of the reasoning. Default: `Thought:`.
    pub thought: String,
    /// Tag of the tool's name. Default: `Action:`.
    pub action: String,
    /// Tag of the tool's input. Default: `Action Input:`.
    pub action_input: String,
    /// Tag of a tool's result. Default: `Response:`.
    pub response: String,
    /// Tag of the final answer. Default: `Final Answer:`.
    pub finish: String,
}

impl Default for ReactTags {
    fn default() -> Self {
        Self {
            thought: "Thought:".to_owned(),
            action: "Action:".to_owned(),
            action_input: "Action Input:".to_owned(),
            response: "Response:".to_owned(),
            finish: "Final Answer:".to_owned(),
        }
    }
}

/// Settings of the ReAct protocol.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(from = "ReactFile", rename_all = "kebab-case")]
#[non_exhaustive]
pub struct React {
    /// System message. `{tool_description}`, `{action_names}` and the tags' names in braces are replaced.
    /// Default: that of the template.
    pub call_protocol: String,
    /// System message before the last turn. Default: that of the template.
    pub force_stop: String,
    /// How replies are read that do not keep to the format. Default: `fixed`, which cuts a reply at the response that
    /// the model made up, asks the server to stop there, and reads fences, Python's literals and marks around names;
    /// `compat` reads by the letter, as lagent does.
    pub errors: ErrorMode,
    /// Maximum number of model requests if `limits.max-turn` does not set it. Default: that of the template.
    pub max_turn: u32,
    /// Tags that mark the parts of a reply. Default: those of the template.
    pub tags: ReactTags,
    /// Messages of worked examples before the conversation. Default: those of the template.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Message>,
}

/// The prompts that an agent file can name with the key `template`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReactTemplate {
    /// Lagent's prompt in English.
    #[default]
    ReactEn,
    /// Lagent's prompt in Chinese.
    ReactCn,
    /// CIBench: code for `IPythonInterpreter`, three turns.
    CibenchReact,
    /// MATH with code for `PythonInterpreter` and a worked example, three turns.
    MathReact,
}

/// The form in an agent file: what is absent comes from the template.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ReactFile {
    #[serde(default)]
    template: ReactTemplate,
    call_protocol: Option<String>,
    force_stop: Option<String>,
    #[serde(default)]
    errors: ErrorMode,
    #[serde(default)]
    tags: TagsFile,
    examples: Option<Vec<Message>>,
    max_turn: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TagsFile {
    thought: Option<String>,
    action: Option<String>,
    action_input: Option<String>,
    response: Option<String>,
    finish: Option<String>,
}

impl From<ReactFile> for React {
    fn from(file: ReactFile) -> Self {
        let base = Self::of(file.template);
        let tags = file.tags;
        Self {
            call_protocol: file.call_protocol.unwrap_or(base.call_protocol),
            force_stop: file.force_stop.unwrap_or(base.force_stop),
            errors: file.errors,
            tags: ReactTags {
                thought: tags.thought.unwrap_or(base.tags.thought),
                action: tags.action.unwrap_or(base.tags.action),
                action_input: tags.action_input.unwrap_or(base.tags.action_input),
                response: tags.response.unwrap_or(base.tags.response),
                finish: tags.finish.unwrap_or(base.tags.finish),
            },
            examples: file.examples.unwrap_or(base.examples),
            max_turn: file.max_turn.unwrap_or(base.max_turn),
        }
    }
}

impl Default for React {
    fn default() -> Self {
        Self::of(ReactTemplate::default())
    }
}

impl React {
    /// Creates the settings of a template, with the error mode `fixed`.
    #[must_use]
    pub fn of(template: ReactTemplate) -> Self {
        let (call_protocol, force_stop, max_turn) = match template {
            ReactTemplate::ReactEn => (REACT_EN, REACT_EN_FORCE_STOP, 4),
            ReactTemplate::ReactCn => (REACT_CN, REACT_CN_FORCE_STOP, 4),
            ReactTemplate::CibenchReact => (CIBENCH_REACT, CIBENCH_FORCE_STOP, 3),
            ReactTemplate::MathReact => (MATH_REACT, REACT_EN_FORCE_STOP, 3),
        };
        let (tags, examples) = match template {
            ReactTemplate::MathReact => (math_tags(), math_examples()),
            _ => (ReactTags::default(), Vec::new()),
        };
        Self {
            call_protocol: call_protocol.to_owned(),
            force_stop: force_stop.to_owned(),
            errors: ErrorMode::default(),
            tags,
            examples,
            max_turn,
        }
    }
}

fn math_tags() -> ReactTags {
    ReactTags {
        action: "Tool:".to_owned(),
        action_input: "Tool Input:".to_owned(),
        finish: "FinalAnswer:".to_owned(),
        ..ReactTags::default()
    }
}

/// The rounds HUMAN, BOT, SYSTEM, BOT of the worked example.
fn math_examples() -> Vec<Message> {
    vec![
        Message::user(MATH_SHOT_QUESTION),
        Message::assistant(MATH_SHOT_CALL),
        Message::system(MATH_SHOT_RESULT),
        Message::assistant(MATH_SHOT_ANSWER),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<React, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_file_does_not_say_comes_from_its_template() {
        assert_eq!(read("{}"), Ok(React::default()));
        let math = read(r#"{"template": "math_react", "tags": {"thought": "T:"}}"#).expect("reads");
        assert_eq!((math.tags.thought.as_str(), math.tags.action.as_str()), ("T:", "Tool:"));
        assert_eq!((math.examples.len(), math.max_turn), (4, 3));
        let error = read(r#"{"template": "math"}"#).expect_err("unknown");
        assert!(error.contains("`math`") && error.contains("`math_react`"), "{error}");
        assert!(read(r#"{"tag": {}}"#).expect_err("unknown").contains("`tag`"));
    }

    #[test]
    fn settings_come_back() {
        for template in [
            ReactTemplate::ReactEn,
            ReactTemplate::ReactCn,
            ReactTemplate::CibenchReact,
            ReactTemplate::MathReact,
        ] {
            let settings = React::of(template);
            let text = serde_json::to_string(&settings).expect("serializes");
            assert_eq!(read(&text), Ok(settings));
        }
    }
}
