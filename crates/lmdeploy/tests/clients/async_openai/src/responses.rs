//! Responses: create, stream, the store, the input, tools.

use async_openai::types::responses::{
    CreateResponse, OutputItem, Response, ResponseStreamEvent, Status, TokenCountsBody,
};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::{Checked, Report, Server, holds, refused, request};

/// Runs the checks of this file.
pub async fn check(server: &Server, report: &mut Report) {
    report.check("responses.create", whole(server)).await;
    report.check("responses.create_stream", streamed(server)).await;
    report.check("responses.retrieve and delete", stored(server)).await;
    report.check("responses.list_input_items", items(server)).await;
    report.check("responses.get_input_token_counts", counts(server)).await;
    report.check("responses tools", tools(server)).await;
    report.check("responses refusals", refusals(server)).await;
}

/// A greedy request with the fields of `more`.
fn asked(server: &Server, text: &str, more: Value) -> Result<CreateResponse, serde_json::Error> {
    let mut body = json!({"model": server.model, "input": text, "temperature": 0.0, "max_output_tokens": 24});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    request(body)
}

async fn hello(server: &Server) -> Result<Response, Box<dyn std::error::Error>> {
    Ok(server.client.responses().create(asked(server, "Say hello.", json!({}))?).await?)
}

async fn whole(server: &Server) -> Checked {
    let answer = hello(server).await?;
    holds(answer.id.starts_with("resp_") && answer.object == "response", &answer.id)?;
    holds(matches!(answer.status, Status::Completed | Status::Incomplete), format!("{:?}", answer.status))?;
    holds(answer.temperature == Some(0.0) && answer.model == server.model, format!("{answer:?}"))?;
    let usage = answer.usage.ok_or("no usage")?;
    holds(usage.total_tokens == usage.input_tokens + usage.output_tokens, format!("{usage:?}"))
}

async fn streamed(server: &Server) -> Checked {
    let whole = hello(server).await?;
    let request = asked(server, "Say hello.", json!({}))?;
    let stream = server.client.responses().create_stream(request).await?;
    let (mut text, mut last) = (String::new(), None);
    for event in stream.collect::<Vec<_>>().await {
        match event? {
            ResponseStreamEvent::ResponseOutputTextDelta(event) => text.push_str(&event.delta),
            ResponseStreamEvent::ResponseCompleted(event) => last = Some(event.response),
            ResponseStreamEvent::ResponseIncomplete(event) => last = Some(event.response),
            _ => {}
        }
    }
    let last = last.ok_or("the stream ended without a whole response")?;
    holds(last.output_text() == whole.output_text(), format!("{last:?}"))?;
    holds(text == last.output_text().unwrap_or_default(), text)
}

async fn stored(server: &Server) -> Checked {
    let responses = server.client.responses();
    let answer = hello(server).await?;
    holds(responses.retrieve(&answer.id).await? == answer, "another response than was created")?;
    let more = json!({"previous_response_id": answer.id});
    let next = responses.create(asked(server, "And again?", more)?).await?;
    let tokens = [&answer, &next].map(|answer| answer.usage.as_ref().map(|usage| usage.input_tokens));
    holds(tokens[1] > tokens[0], format!("{tokens:?}"))?;
    holds(responses.delete(&answer.id).await?.deleted, "not deleted")?;
    refused(responses.retrieve(&answer.id).await, "not found")
}

async fn items(server: &Server) -> Checked {
    let answer = hello(server).await?;
    let list = server.client.responses().list_input_items(&answer.id).await?;
    holds(list.object == "list" && list.data.len() == 1 && !list.has_more, format!("{list:?}"))
}

async fn counts(server: &Server) -> Checked {
    let answer = hello(server).await?;
    let body: TokenCountsBody = request(json!({"model": server.model, "input": "Say hello."}))?;
    let counted = server.client.responses().get_input_token_counts(body).await?;
    let tokens = answer.usage.map(|usage| usage.input_tokens);
    holds(Some(counted.input_tokens) == tokens, format!("{counted:?} and {tokens:?}"))
}

async fn tools(server: &Server) -> Checked {
    let parameters = json!({
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": false,
    });
    let more = json!({
        "tools": [{"type": "function", "name": "add", "parameters": parameters, "strict": true}],
        "tool_choice": "required",
        "parallel_tool_calls": false,
        "max_output_tokens": 200,
    });
    let answer = server.client.responses().create(asked(server, "What is 12 + 30?", more)?).await?;
    let calls: Vec<_> = answer
        .output
        .iter()
        .filter_map(|item| match item {
            OutputItem::FunctionCall(call) => Some(call),
            _ => None,
        })
        .collect();
    let [call] = calls[..] else { return holds(false, format!("{:?}", answer.output)) };
    let arguments: Value = serde_json::from_str(&call.arguments)?;
    let numbers = ["a", "b"].iter().all(|name| arguments[name].is_i64());
    holds(call.name == "add" && numbers, format!("{call:?}"))
}

async fn refusals(server: &Server) -> Checked {
    let responses = server.client.responses();
    let wrong = asked(server, "hi", json!({"temperature": 9.0}))?;
    refused(responses.create(wrong).await, "temperature: found 9")?;
    let background = asked(server, "hi", json!({"background": true}))?;
    refused(responses.create(background).await, "background")?;
    refused(responses.retrieve("resp_0").await, "not found")
}
