//! The calculator as the conversations know it: its description, its calls, the sentence with the result.

use internlm_model::chat::FunctionDefinition;
use internlm_model::chat::openai::ToolDefinition;
use serde_json::{Value, json};

use super::{Dice, Problem};

/// Descriptions of the tool: the first is that of `lagent`'s calculator, the others keep the model from depending
/// on one wording.
const DESCRIPTIONS: [&str; 4] = [
    "Evaluates an arithmetic expression.",
    "Calculates an arithmetic expression.",
    "A calculator.",
    "Does arithmetic.",
];

/// The tool in the first of its wordings.
#[must_use]
pub fn calculator_tool() -> FunctionDefinition {
    tool(DESCRIPTIONS[0])
}

fn tool(description: &str) -> FunctionDefinition {
    FunctionDefinition::new("Calculator").with_description(description).with_parameters(json!({
        "type": "object",
        "properties": {"expression": {"type": "string"}},
        "required": ["expression"],
    }))
}

/// The tool in any of its wordings, as OpenAI's `tools` has it.
pub(super) fn any_tool(dice: &mut Dice) -> ToolDefinition {
    let description: &str = dice.pick::<&str>(&DESCRIPTIONS);
    tool(description).into()
}

/// Question, call, result and final sentence as OpenAI messages.
pub(super) fn round(question: &str, problem: &Problem) -> [Value; 4] {
    let arguments = json!({"expression": problem.expression()}).to_string();
    let call = json!({"type": "function", "function": {"name": "Calculator", "arguments": arguments}});
    [
        json!({"role": "user", "content": question}),
        json!({"role": "assistant", "content": null, "tool_calls": [call]}),
        json!({"role": "tool", "content": problem.answer().to_string()}),
        json!({"role": "assistant", "content": sentence(problem.answer())}),
    ]
}

/// The same for a ReAct agent that `prompt` instructs: call and result are plain text under lagent's tags.
pub(super) fn react(prompt: &str, question: &str, problem: &Problem) -> [Value; 5] {
    let (expression, answer) = (problem.expression(), problem.answer());
    let input = json!({"expression": expression});
    let call =
        format!("Thought: I need to calculate {expression}.\nAction: Calculator\nAction Input: {input}");
    let end = format!("Thought: I know the result.\nFinal Answer: {}", sentence(answer));
    [
        json!({"role": "system", "content": prompt}),
        json!({"role": "user", "content": question}),
        json!({"role": "assistant", "content": call}),
        json!({"role": "system", "content": format!("Response:{answer}\n")}),
        json!({"role": "assistant", "content": end}),
    ]
}

/// The sentence that ends every answer to a problem.
pub(super) fn sentence(answer: i64) -> String {
    format!("The answer is {answer}.")
}
