//! The prompt texts of lagent 0.2.4's InternLM2 agent (`lagent/agents/internlm2_agent.py`): three system
//! messages, with the tools in lagent's own description format.

use internlm_model::chat::{Channel, Message};
use serde_json::{Value, json};

use super::{Layout, NonAscii, json_dumps};
use crate::action::{ToolInput, ToolSpec};

/// Tells the model when to call tools at all.
pub(super) const META: &str = "当开启工具以及代码时，根据需求选择合适的工具进行调用";
/// Describes the code interpreter.
pub(super) const INTERPRETER: &str = "你现在已经能够在一个有状态的 Jupyter 笔记本环境中运行 Python 代码。当你向 python 发送含有 Python 代码的消息时，它将在该环境中执行。这个工具适用于多种场景，如数据分析或处理（包括数据操作、统计分析、图表绘制），复杂的计算问题（解决数学和物理难题），编程示例（理解编程概念或特性），文本处理和分析（比如文本解析和自然语言处理），机器学习和数据科学（用于展示模型训练和数据可视化），以及文件操作和数据导入（处理CSV、JSON等格式的文件）。";
/// Offers the plugin tools, which replace `{prompt}`.
const PLUGIN: &str = "你可以使用如下工具：\n{prompt}\n如果你已经获得足够信息，请直接给出答案. 避免不必要的工具调用! 同时注意你可以使用的工具，不要随意捏造！";
/// Lagent's instruction about the form of the arguments.
const PARAMETERS: &str = "If you call this tool, you must pass arguments in the JSON format {key: value}, where the key is the parameter name.";

/// Creates the system message that offers `tools`.
pub(super) fn plugin_message(tools: &[&ToolSpec]) -> Message {
    let tools = Value::Array(tools.iter().map(|tool| offered(tool)).collect());
    let content = PLUGIN.replace("{prompt}", &json_dumps(&tools, NonAscii::Keep, Layout::Indent(4)));
    Message { channel: Some(Channel::Plugin), ..Message::system(content) }
}

/// Returns lagent's description of a tool: `{name, description, parameters, required,
/// parameter_description}`.
#[must_use]
pub fn lagent_tool(tool: &ToolSpec) -> Value {
    let properties = tool.parameters.get("properties").and_then(Value::as_object);
    let parameters = properties.into_iter().flatten().map(|(name, schema)| {
        let mut parameter = json!({"name": name, "type": lagent_type(schema)});
        if let Some(description) = schema.get("description") {
            parameter["description"] = description.clone();
        }
        parameter
    });
    let mut value = json!({
        "name": tool.name,
        "description": tool.description,
        "parameters": parameters.collect::<Vec<_>>(),
        "required": tool.required(),
    });
    if tool.input == ToolInput::Json {
        value["parameter_description"] = Value::from(PARAMETERS);
    }
    value
}

/// Returns the description that the plugin message of 0.2.4 shows: only the required parameters, and a prefix
/// before the tool's own description.
fn offered(tool: &ToolSpec) -> Value {
    let mut shown = lagent_tool(tool);
    let required = tool.required();
    if let Some(parameters) = shown["parameters"].as_array_mut() {
        parameters
            .retain(|parameter| parameter["name"].as_str().is_some_and(|name| required.contains(&name)));
    }
    let toolkit = tool.name.split('.').next().unwrap_or(&tool.name);
    shown["description"] = Value::from(format!(
        "This is the subfunction for tool '{toolkit}', you can use this tool. The description of this function is: \n{}",
        tool.description
    ));
    shown
}

/// Maps a JSON Schema type to lagent's name of it.
fn lagent_type(schema: &Value) -> &'static str {
    match schema.get("type").and_then(Value::as_str) {
        Some("integer") => "NUMBER",
        Some("number") => "FLOAT",
        Some("boolean") => "BOOLEAN",
        Some("array") => "Array",
        _ => "STRING",
    }
}
