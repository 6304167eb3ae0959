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

/// The sentence that ends every answer to a problem.
pub(super) fn sentence(answer: i64) -> String {
    format!("The answer is {answer}.")
}

/// The last number of a text, thousands separators removed: what an answer says.
///
/// ```
/// assert_eq!(xtuner::generator::final_number("12 - 40 makes -28."), Some(-28));
/// assert_eq!(xtuner::generator::final_number("no idea"), None);
/// ```
#[must_use]
pub fn final_number(text: &str) -> Option<i64> {
    let text = text.replace(',', "");
    let end = text.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let start = text[..end].rfind(|letter: char| !letter.is_ascii_digit());
    let digits = start.map_or(0, |index| index + text[index..].chars().next().map_or(1, char::len_utf8));
    let number: i64 = text[digits..end].parse().ok()?;
    // A minus sign belongs to the number unless something is subtracted from something: `4-2`.
    let before = &text[..digits];
    let negative = before
        .strip_suffix('-')
        .is_some_and(|rest| !rest.ends_with(|letter: char| letter.is_ascii_digit() || letter == ')'));
    Some(if negative { -number } else { number })
}
