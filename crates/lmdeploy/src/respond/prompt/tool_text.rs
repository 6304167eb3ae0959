//! Tools for models whose chat template knows none: a text that offers them, calls and results as ordinary messages.

use std::collections::BTreeMap;

use internlm_model::chat::{FunctionDefinition, Message, PluginCall, Role, ToolCall, tools_message};
use serde_json::json;

use crate::protocol::AppliedTemplate;

/// What the model is told before the list of functions. Clients look for it in prompts.
const BEFORE: &str = AppliedTemplate::TOOLS_IN_WORDS;
/// What it is told behind the list.
const BEHIND: &str = "To call a function, answer with one JSON object and nothing else, for example:
{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}
To call several functions, write one object per line. The next message tells you what they returned. \
When no function helps, answer in words.";

/// The conversation with the text that offers `tools`: at the end of the first system message, which is added to a
/// conversation without one, or at the beginning of the first message of the user.
pub(super) fn offer_in(role: Role, messages: &[Message], tools: &[FunctionDefinition]) -> Vec<Message> {
    let text = format!("{BEFORE}\n{}\n{BEHIND}", tools_message(tools).text());
    let mut offering = messages.to_vec();
    match offering.iter_mut().find(|message| message.role == role) {
        Some(message) => {
            let parts = match role {
                Role::System => [message.text(), text.as_str()],
                _ => [text.as_str(), message.text()],
            };
            message.content = Some(parts.join("\n\n").trim().to_owned());
        }
        None => offering.insert(0, Message::new(role, text)),
    }
    offering
}

/// Makes ordinary messages of calls and results: calls are written as the model is asked to write them, and the user
/// says what they returned.
pub(super) fn calls_as_text(messages: &mut Vec<Message>) {
    let mut names = BTreeMap::new();
    let mut written: Vec<Message> = Vec::with_capacity(messages.len());
    let mut follows_result = false;
    for mut message in messages.drain(..) {
        let calls = std::mem::take(&mut message.calls);
        let is_result = message.role == Role::Environment;
        if is_result {
            let called = message.call_id.take().and_then(|id| names.get(&id).cloned());
            let name = called.or(message.name.take()).unwrap_or_else(|| "The function".to_owned());
            message = Message::user(format!("{name} returned: {}", message.text()));
        } else if !calls.is_empty() {
            let lines = calls.iter().map(|call| line(call, &mut names));
            let text = Some(message.text().to_owned()).filter(|text| !text.is_empty());
            message.content = Some(text.into_iter().chain(lines).collect::<Vec<_>>().join("\n"));
        }
        match written.last_mut() {
            // Many templates want the roles to take turns.
            Some(last) if is_result && follows_result => {
                last.content = Some(format!("{}\n{}", last.text(), message.text()));
            }
            _ => written.push(message),
        }
        follows_result = is_result;
    }
    *messages = written;
}

/// A call as the model is asked to write it; `names` learns which function its id calls.
fn line(call: &ToolCall, names: &mut BTreeMap<String, String>) -> String {
    let Ok(function) = PluginCall::parse(&call.body) else { return call.body.clone() };
    if let Some(id) = &call.id {
        names.insert(id.clone(), function.name.clone());
    }
    json!({"name": function.name, "arguments": function.arguments}).to_string()
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::Channel;

    use super::*;

    #[test]
    fn calls_and_results_become_ordinary_messages() {
        let call = |id: &str, name: &str| {
            let body = format!(r#"{{"name": "{name}", "parameters": {{"a": 1}}}}"#);
            ToolCall::new(Channel::Plugin, body).with_id(id)
        };
        let result = |id: &str| Message::environment(Channel::Plugin, id).with_call_id(id);
        let mut messages = vec![
            Message::user("?"),
            Message::assistant("I add.").with_calls(vec![call("x", "add"), call("y", "sub")]),
            result("y"),
            result("x"),
            result("z"),
            Message::assistant("2"),
        ];
        calls_as_text(&mut messages);
        let found: Vec<(Role, &str)> =
            messages.iter().map(|message| (message.role, message.text())).collect();
        let called =
            "I add.\n{\"name\":\"add\",\"arguments\":{\"a\":1}}\n{\"name\":\"sub\",\"arguments\":{\"a\":1}}";
        let returned = "sub returned: y\nadd returned: x\nThe function returned: z";
        assert_eq!(
            found,
            [(Role::User, "?"), (Role::Assistant, called), (Role::User, returned), (Role::Assistant, "2")]
        );
    }

    #[test]
    fn the_text_joins_the_first_message_of_its_role() {
        let tools = [FunctionDefinition::new("add")];
        let messages = [Message::user("?"), Message::assistant("!")];
        let offered = offer_in(Role::System, &messages, &tools);
        assert_eq!((offered.len(), offered[0].role), (3, Role::System));
        assert!(
            offered[0].text().starts_with(BEFORE) && offered[0].text().contains("\n[{\"name\": \"add\"}]\n")
        );
        let offered = offer_in(Role::User, &messages, &tools);
        assert!(offered[0].text().starts_with(BEFORE) && offered[0].text().ends_with("words.\n\n?"));
        let messages = [Message::system("Be brief."), Message::user("?")];
        let offered = offer_in(Role::System, &messages, &tools);
        assert!(offered[0].text().starts_with("Be brief.\n\nYou can call functions."));
        assert_eq!(offered.len(), 2);
    }
}
