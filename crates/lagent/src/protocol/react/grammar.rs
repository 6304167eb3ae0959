//! The grammar of ReAct's replies: a thought of one line, then a call of one of the tools or the answer.

use serde_json::Value;

use super::super::constraint::{arguments, lark, quoted};
use super::super::{Scene, Turn};
use super::ReactTags;
use crate::action::{ToolInput, ToolSpec};

/// The request fields for one reply. The last turn has to give the answer.
pub(super) fn grammar(tags: &ReactTags, scene: &Scene<'_>) -> Value {
    let calls: Vec<String> = scene.tools.iter().map(|tool| call(tags, tool)).collect();
    let step = if calls.is_empty() || scene.turn == Turn::Last { "answer" } else { "(call | answer)" };
    let mut rules = format!("start: ({} LINE)? {step}\n", quoted(&tags.thought));
    if step != "answer" {
        rules += &format!("call: {} \" \"? ({})\n", quoted(&tags.action), calls.join(" | "));
    }
    rules += &format!("answer: {} TEXT\n", quoted(&tags.finish));
    rules += "LINE: /[^\\n]*\\n/\nTEXT: /(?s:.+)/\n";
    lark(&rules)
}

/// The name of a tool, the tag of the input and the input.
fn call(tags: &ReactTags, tool: &ToolSpec) -> String {
    let head = quoted(&format!("{}\n{}", tool.name, tags.action_input));
    match tool.input {
        ToolInput::Json => format!("{head} \" \"? {}", arguments(tool)),
        ToolInput::Text | ToolInput::Tuple => format!("{head} TEXT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_names_a_tool_and_keeps_to_its_schema() {
        let mut shell = ToolSpec::with_texts("Shell", "d", &["command"]);
        shell.input = ToolInput::Text;
        let tools = [ToolSpec::with_texts("T", "d", &["a"]), shell];
        let scene = Scene { tools: &tools, history: &[], question: 0, turn: Turn::Inner, plan: None };
        let found = grammar(&ReactTags::default(), &scene);
        let expected = concat!(
            "start: (\"Thought:\" LINE)? (call | answer)\n",
            "call: \"Action:\" \" \"? (\"T\\nAction Input:\" \" \"? %json {\"type\":\"object\",",
            "\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],\"additionalProperties\":false}",
            " | \"Shell\\nAction Input:\" TEXT)\n",
            "answer: \"Final Answer:\" TEXT\n",
            "LINE: /[^\\n]*\\n/\nTEXT: /(?s:.+)/\n",
        );
        assert_eq!(found["response_format"]["grammar"], expected);
        let found = grammar(&ReactTags::default(), &Scene { turn: Turn::Last, ..scene });
        let rules = found["response_format"]["grammar"].as_str().expect("a text");
        assert!(
            rules.starts_with("start: (\"Thought:\" LINE)? answer\n") && !rules.contains("call"),
            "{rules}"
        );
    }
}
