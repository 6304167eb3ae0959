//! A whole chat without weights: a small vocabulary, a scripted model, the engine and a streamed answer.
//!
//! `cargo run --release -p lmdeploy --example mock_pipeline`

#![allow(clippy::print_stdout, reason = "an example shows something")]

use lmdeploy::protocol::{ChatMessage, ChatRequest, ToolDefinition};
use lmdeploy::testing::MockModel;

const REPLY: &str = "Let me see. <|action_start|><|plugin|>\n\
    {\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>";

fn main() -> anyhow::Result<()> {
    let pipeline = MockModel::new([REPLY]).pipeline();
    let parameters = serde_json::json!({"type": "object", "properties": {"expression": {"type": "string"}}});
    let calculator = ToolDefinition::function("Calculator", "Evaluates an expression.", parameters);
    let request = ChatRequest::new([ChatMessage::user("What is 12*34?")]).with_tools([calculator]);
    for chunk in pipeline.chat_stream(&request)? {
        for choice in chunk?.choices {
            print!("{}", choice.delta.content.unwrap_or_default());
            for call in choice.delta.tool_calls.unwrap_or_default() {
                println!("-> call {}", serde_json::to_string(&call.function)?);
            }
            if let Some(reason) = choice.finish_reason {
                println!("-> finished: {reason:?}");
            }
        }
    }
    Ok(())
}
