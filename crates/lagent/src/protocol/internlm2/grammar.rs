//! The grammar of InternLM2's replies.
//!
//! Where the tools are in the request, the server knows the format of its model's calls; the grammar then describes
//! what else a reply may be: text without the beginning of a call. Otherwise the marks are special tokens here.

use serde_json::Value;

use super::super::Scene;
use super::super::constraint::{arguments, lark, quoted};
use super::{InternLm2, Presentation};
use crate::action::ToolSpec;

/// Text that no server takes for a call.
const FREE: &str = concat!(
    "start: FREE\nANY: /(?s:.*)/\n",
    r#"WITH: ANY ("<|action_start|>" | "<|plugin|>" | "<|interpreter|>" | "<tool_call>" | "<|python_tag|>") ANY"#,
    "\nFREE: /(?s:.+)/ & ~WITH\n"
);

/// The request fields for one reply; `None` if there is no call that can be malformed.
pub(super) fn grammar(protocol: &InternLm2, scene: &Scene<'_>) -> Option<Value> {
    let plugins = protocol.plugins(scene.tools);
    if plugins.is_empty() {
        return None;
    }
    if protocol.presentation == Presentation::Api && protocol.interpreter.is_none() {
        return Some(lark(FREE));
    }
    let calls: Vec<String> = plugins.into_iter().map(plugin).collect();
    let mut kinds = format!("<|plugin|> {} ({})", quoted("\n"), calls.join(" | "));
    if protocol.interpreter.is_some() {
        kinds += &format!(" | <|interpreter|> {} TEXT", quoted("\n"));
    }
    let rules = "start: TEXT | TEXT? <|action_start|> call <|action_end|>\n";
    Some(lark(&format!("{rules}call: {kinds}\nTEXT: /(?s:.+)/\n")))
}

/// One call as the model is trained to write it.
fn plugin(tool: &ToolSpec) -> String {
    let head = format!("{{\"name\": {}, \"parameters\": ", quoted(&tool.name));
    format!("{} {} {}", quoted(&head), arguments(tool), quoted("}"))
}

#[cfg(test)]
mod tests {
    use super::super::super::Turn;
    use super::*;

    fn rules(protocol: &InternLm2) -> Option<String> {
        let tools = ["T", "Python"].map(|name| ToolSpec::with_texts(name, "d", &["command"]));
        let scene = Scene { tools: &tools, history: &[], question: 0, turn: Turn::Inner, plan: None };
        let fields = grammar(protocol, &scene)?;
        fields["response_format"]["grammar"].as_str().map(str::to_owned)
    }

    #[test]
    fn the_server_knows_the_calls_of_its_tools() {
        let found = rules(&InternLm2::default());
        assert_eq!(found.as_deref(), Some(FREE));
    }

    #[test]
    fn marks_in_the_text_are_special_tokens() {
        let protocol = InternLm2 { interpreter: Some("Python".into()), ..InternLm2::default() };
        let found = rules(&protocol).expect("there is a plugin");
        let expected = concat!(
            "start: TEXT | TEXT? <|action_start|> call <|action_end|>\n",
            "call: <|plugin|> \"\\n\" (\"{\\\"name\\\": \\\"T\\\", \\\"parameters\\\": \" %json {\"type\":\"object\",",
            "\"properties\":{\"command\":{\"type\":\"string\"}},\"required\":[\"command\"],",
            "\"additionalProperties\":false} \"}\") | <|interpreter|> \"\\n\" TEXT\nTEXT: /(?s:.+)/\n",
        );
        assert_eq!(found, expected);
    }
}
