//! Conversations as OpenAI's messages and as ShareGPT's turns, with tools and calls.

use internlm_model::chat::openai::{ChatMessage, write_messages};
use internlm_model::chat::{
    Channel, FunctionDefinition, Message, PluginCall, Role, offered_tools, tools_message,
};
use serde_json::{Map, Value, json};

use super::super::value::Problem;
use super::with_fields;
use crate::dataset::{Conversation, Turn};

/// OpenAI's messages; tools go to their own key, and what is not learned says so.
pub(super) fn openai(conversation: &Conversation) -> Result<Value, Problem> {
    let (tools, turns) = split_tools(conversation);
    let messages: Vec<Message> = turns.iter().map(|turn| turn.message.clone()).collect();
    let mut written = Vec::with_capacity(turns.len());
    for (turn, mut message) in turns.iter().zip(write_messages(&messages)) {
        message.fields.extend(weight_of(turn));
        written.push(json_of(&message)?);
    }
    let mut row = json!({"messages": written});
    if let Some(tools) = tools {
        let tools = tools.iter().map(|tool| json!({"type": "function", "function": tool.as_map()}));
        row["tools"] = tools.collect();
    }
    Ok(with_fields(row, conversation))
}

/// ShareGPT's turns; calls and results are turns of their own.
pub(super) fn sharegpt(conversation: &Conversation) -> Result<Value, Problem> {
    let (tools, turns) = split_tools(conversation);
    let mut written = Vec::with_capacity(turns.len());
    for (index, turn) in turns.iter().enumerate() {
        let turn = shared(turn).map_err(|found| {
            let expected =
                "a text alone, or calls of functions alone: sharegpt has no place for more".to_owned();
            (format!("message {index}: {found}"), expected)
        })?;
        written.push(turn);
    }
    let mut row = json!({"conversations": written});
    if let Some(tools) = tools {
        let tools: Value = tools.iter().map(|tool| Value::Object(tool.as_map().clone())).collect();
        row["tools"] = tools.to_string().into();
    }
    Ok(with_fields(row, conversation))
}

/// The tools that are offered where a reader puts them, and the other turns.
fn split_tools(conversation: &Conversation) -> (Option<Vec<FunctionDefinition>>, Vec<&Turn>) {
    let turns = &conversation.turns;
    let leading = turns.iter().take_while(|turn| turn.message.role == Role::System).count();
    let tools = leading.checked_sub(1).and_then(|place| {
        let message = &turns[place].message;
        let tools = offered_tools(message).ok().flatten()?;
        // A list in other words than a reader's stays the message that it is.
        (tools_message(&tools) == *message).then_some(tools)
    });
    let skipped = tools.as_ref().map(|_| leading - 1);
    let kept = turns.iter().enumerate().filter(|(index, _)| Some(*index) != skipped);
    let kept = kept.map(|(_, turn)| turn).collect();
    (tools, kept)
}

/// The key that says how much an answer counts, when it is not 1.
fn weight_of(turn: &Turn) -> Option<(String, Value)> {
    if turn.message.role != Role::Assistant || turn.weight == 1.0 {
        return None;
    }
    if turn.weight == 0.0 {
        return Some(("loss".to_owned(), false.into()));
    }
    // The shortest decimal that is this number.
    let weight = turn.weight.to_string().parse::<f64>().unwrap_or(f64::from(turn.weight));
    Some(("weight".to_owned(), weight.into()))
}

fn json_of(message: &ChatMessage) -> Result<Value, Problem> {
    serde_json::to_value(message)
        .map_err(|error| (format!("a message that is not JSON ({error})"), "text and calls".to_owned()))
}

fn shared(turn: &Turn) -> Result<Value, &'static str> {
    let message = &turn.message;
    let (from, value) = match message.role {
        Role::Assistant if !message.calls.is_empty() => {
            if !message.text().is_empty() {
                return Err("text next to calls");
            }
            ("function_call", calls(message)?)
        }
        Role::System => ("system", message.text().to_owned()),
        Role::User => ("human", message.text().to_owned()),
        Role::Assistant => ("gpt", message.text().to_owned()),
        Role::Environment => ("observation", message.text().to_owned()),
    };
    let expected = (message.role == Role::Environment).then_some(Channel::Plugin);
    if message.channel != expected {
        return Err("a channel");
    }
    let mut map = Map::from_iter([("from".to_owned(), from.into()), ("value".to_owned(), value.into())]);
    map.extend(message.name.clone().map(|name| ("name".to_owned(), name.into())));
    map.extend(message.call_id.clone().map(|id| ("tool_call_id".to_owned(), id.into())));
    map.extend(message.fields.clone());
    map.extend(weight_of(turn));
    Ok(Value::Object(map))
}

/// One call, or a list of several, as text.
fn calls(message: &Message) -> Result<String, &'static str> {
    let mut written = Vec::with_capacity(message.calls.len());
    for call in &message.calls {
        let plugin = PluginCall::parse(&call.body).ok().filter(|_| call.channel == Channel::Plugin);
        let plugin = plugin.ok_or("a call that is not one of a function")?;
        let mut row = json!({"name": plugin.name, "arguments": plugin.arguments});
        if let Some(id) = &call.id {
            row["id"] = id.as_str().into();
        }
        written.push(row);
    }
    match written.as_slice() {
        [call] => Ok(call.to_string()),
        calls => Ok(Value::Array(calls.to_vec()).to_string()),
    }
}
