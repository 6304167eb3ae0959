//! An agent asks the calculator before it answers; the model is a script, so no server is needed.

use std::error::Error;
use std::sync::Arc;

use lagent::action::Calculator;
use lagent::driver::{Silent, drive_blocking};
use lagent::llm::Scripted;
use lagent::{AgentRun, AgentSpec, Message, Toolbox};

fn main() -> Result<(), Box<dyn Error>> {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    let model = Scripted::new([
        "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>",
        "12 times 34 is 408.",
    ]);
    let mut run = AgentRun::new(AgentSpec::internlm2(tools.specs()));
    let question = vec![Message::user("What is 12 x 34?")];
    let ending = drive_blocking(&mut run, question, |asked| model.next(asked), &tools, &mut Silent)?;
    assert_eq!(ending.answer(), Some("12 times 34 is 408."));
    assert_eq!(run.used().tool_calls, 1);
    let conversation = format!("{run:?}");
    assert!(conversation.contains("408"), "the calculator's result is in the conversation: {conversation}");
    Ok(())
}
