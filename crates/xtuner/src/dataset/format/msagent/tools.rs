//! The system text that offers tools, made of the descriptions in MS-Agent's.

use serde_json::{Map, Value};

use super::super::python::{python_repr, python_str};

/// XTuner's text around the tools, to the letter: it is part of what a model is trained on.
const BEGIN: &str = "你是一个可以调用外部工具的助手，可以使用的工具包括：\n";
const RULES: &str = "如果使用工具请遵循以下格式回复：\n```\nThought:思考你当前步骤需要解决什么问题，是否需要使用工具\n\
                     Action:工具名称，你的工具必须从 [";
const CHOICE: &str = "] 选择\nAction Input:工具输入参数\n```\n工具返回按照以下格式回复：\n```\n\
                      Response:调用工具后的结果\n```\n如果你已经知道了答案，或者你不需要工具，请遵循以下格式回复\n```\n\
                      Thought:给出最终答案的思考过程\nFinal Answer:最终答案\n```\n开始!\n";

/// The text with the tools that `said` describes.
pub(super) fn tools_text(said: &str) -> String {
    let mut tools = Map::new();
    for tool in objects(said) {
        let (Some(Value::String(name)), Some(description)) = (tool.get("name"), tool.get("description"))
        else {
            continue;
        };
        let mut description = python_str(description);
        if let Some(parameters) = parameters(&tool) {
            description.extend(["\n输入参数: ", &python_repr(&Value::Object(parameters))]);
        }
        tools.insert(name.clone(), Value::String(description));
    }
    let names = Value::Array(tools.keys().map(|name| name.as_str().into()).collect());
    let (names, tools) = (python_repr(&names), python_repr(&Value::Object(tools)));
    format!("{BEGIN}{tools}\n{RULES}{names}{CHOICE}")
}

/// Descriptions of a tool's parameters by name; `None` when one of them has none.
fn parameters(tool: &Value) -> Option<Map<String, Value>> {
    let parameters = tool.pointer("/paths/0/parameters")?.as_array()?;
    let pairs = parameters.iter().map(|parameter| {
        Some((parameter.get("name")?.as_str()?.to_owned(), parameter.get("description")?.clone()))
    });
    pairs.collect()
}

/// Every object in the text that describes a tool.
fn objects(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(place) = rest.find('{') {
        rest = &rest[place..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let value = values.next().and_then(Result::ok);
        let tool = value.filter(|value| value.get("name").is_some() && value.get("description").is_some());
        match tool {
            Some(tool) => {
                rest = &rest[values.byte_offset()..];
                found.push(tool);
            }
            None => rest = &rest[1..],
        }
    }
    found
}
