//! Finds out whether the model of a server was made for tools, so that nobody wonders about its replies.

use std::time::Duration;

use internlm_kit::file;
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::{ChatMessage, ChatRequest, ToolDefinition};

use crate::action::ToolSpec;
use crate::llm::EndpointConfig;
use crate::protocol::{InternLm2, Presentation, Protocol};
use crate::run::Machine;

/// Time after which the question is given up; the conversation does not depend on it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns a sentence for the person if the model's chat template does not know the tools that the server gets.
/// Servers other than lmdeploy do not say it, and then there is no sentence.
pub(super) async fn tool_notice(machine: &Machine, config: &EndpointConfig, model: &str) -> Option<String> {
    let tools = sent_tools(machine);
    if tools.is_empty() {
        return None;
    }
    let mut client = ClientConfig::new(&config.base_url).with_timeout(PATIENCE).with_retries(0);
    let key = config.api_key_file.as_ref().map(file::read_to_string).transpose().ok()?;
    client.api_key = key.map(|key| key.trim().to_owned());
    let definitions = tools
        .iter()
        .map(|tool| ToolDefinition::function(&tool.name, &tool.description, tool.parameters.clone()));
    let request = ChatRequest::new([ChatMessage::user("?")]).with_model(model).with_tools(definitions);
    let remedy = "`--set 'protocol={kind=\"react\"}'` describes them in the prompt";
    match Client::new(client).ok()?.apply_template(&request).await {
        Ok(applied) if applied.has_tools_in_words() => Some(format!(
            "the chat template of {model} has no place for tools: the server describes them in words, and the model \
             may not call them; {remedy}"
        )),
        Ok(_) => None,
        Err(lmdeploy::Error::Status { status: 400, message, .. }) if message.starts_with("tools: ") => {
            Some(format!("the server refuses the tools: {message}; {remedy}"))
        }
        Err(_) => None,
    }
}

/// The tools that requests of an agent carry in a field of their own.
fn sent_tools(machine: &Machine) -> &[ToolSpec] {
    match machine {
        Machine::Agent(run) => match &run.spec().protocol {
            Protocol::InternLm2(InternLm2 { presentation: Presentation::Api, .. }) => &run.spec().tools,
            _ => &[],
        },
        Machine::Team(_) => &[],
    }
}
