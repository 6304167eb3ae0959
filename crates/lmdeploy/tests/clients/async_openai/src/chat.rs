//! Chats: whole and streamed, several choices, log-probabilities, tools, formats, refusals.

use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionMessageToolCalls, CreateChatCompletionResponse, CreateChatCompletionStreamResponse,
    FinishReason, FunctionCall,
};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::{Checked, Report, Server, holds, refused, request};

/// Runs the checks of this file.
pub async fn check(server: &Server, report: &mut Report) {
    report.check("chat.create", whole(server)).await;
    report.check("chat.create_stream", streamed(server)).await;
    report.check("chat n", several(server)).await;
    report.check("chat logprobs", scored(server)).await;
    report.check("chat tools", tools(server)).await;
    report.check("chat tools, streamed", streamed_tools(server)).await;
    report.check("chat response_format", formatted(server)).await;
    report.check("chat refusals", refusals(server)).await;
}

/// A greedy request with the fields of `more`.
fn body(server: &Server, text: &str, more: Value) -> Value {
    let mut body = json!({
        "model": server.model,
        "messages": [{"role": "user", "content": text}],
        "temperature": 0.0,
        "max_completion_tokens": 24,
    });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}

async fn ask(server: &Server, text: &str, more: Value) -> Result<CreateChatCompletionResponse, OpenAIError> {
    let request = request(body(server, text, more)).map_err(|error| invalid(&error))?;
    server.client.chat().create(request).await
}

fn invalid(error: &serde_json::Error) -> OpenAIError {
    OpenAIError::InvalidArgument(error.to_string())
}

async fn chunks(
    server: &Server,
    text: &str,
    more: Value,
) -> Result<Vec<CreateChatCompletionStreamResponse>, OpenAIError> {
    let request = request(body(server, text, more)).map_err(|error| invalid(&error))?;
    let stream = server.client.chat().create_stream(request).await?;
    stream.collect::<Vec<_>>().await.into_iter().collect()
}

async fn whole(server: &Server) -> Checked {
    let answer = ask(server, "Say hello.", json!({})).await?;
    holds(answer.id.starts_with("chatcmpl-") && answer.object == "chat.completion", &answer.id)?;
    holds(answer.model == server.model && answer.choices.len() == 1, &answer.model)?;
    let ended = matches!(answer.choices[0].finish_reason, Some(FinishReason::Stop | FinishReason::Length));
    holds(ended, format!("{:?}", answer.choices[0].finish_reason))?;
    let usage = answer.usage.ok_or("no usage")?;
    holds(usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, format!("{usage:?}"))
}

async fn streamed(server: &Server) -> Checked {
    let answer = ask(server, "Say hello.", json!({})).await?;
    let options = json!({"stream_options": {"include_usage": true}});
    let chunks = chunks(server, "Say hello.", options).await?;
    let choices: Vec<_> = chunks.iter().flat_map(|chunk| &chunk.choices).collect();
    let text: String = choices.iter().filter_map(|choice| choice.delta.content.as_deref()).collect();
    holds(Some(&text) == answer.choices[0].message.content.as_ref(), &text)?;
    let reasons: Vec<_> = choices.iter().filter_map(|choice| choice.finish_reason).collect();
    holds(reasons.len() == 1 && Some(reasons[0]) == answer.choices[0].finish_reason, format!("{reasons:?}"))?;
    let last = chunks.last().ok_or("no chunks")?;
    let counted = last.usage.as_ref().map(|usage| usage.total_tokens);
    holds(
        last.choices.is_empty() && counted == answer.usage.map(|usage| usage.total_tokens),
        format!("{last:?}"),
    )
}

async fn several(server: &Server) -> Checked {
    let more = json!({"n": 3, "temperature": 1.0, "seed": 7});
    let answer = ask(server, "Tell me a word.", more.clone()).await?;
    let places: Vec<u32> = answer.choices.iter().map(|choice| choice.index).collect();
    holds(places == [0, 1, 2], format!("{places:?}"))?;
    let mut texts = vec![String::new(); 3];
    for choice in chunks(server, "Tell me a word.", more).await?.into_iter().flat_map(|chunk| chunk.choices) {
        let text = texts.get_mut(choice.index as usize).ok_or("a choice too many")?;
        text.push_str(&choice.delta.content.unwrap_or_default());
    }
    let whole: Vec<_> =
        answer.choices.into_iter().map(|choice| choice.message.content.unwrap_or_default()).collect();
    holds(texts == whole, format!("{texts:?} and {whole:?}"))
}

async fn scored(server: &Server) -> Checked {
    let more = json!({"logprobs": true, "top_logprobs": 2, "max_completion_tokens": 8});
    let answer = ask(server, "Say hello.", more.clone()).await?;
    let scores = answer.choices[0].logprobs.clone().and_then(|scores| scores.content).ok_or("no logprobs")?;
    let complete = scores.iter().all(|score| {
        let bytes = score.bytes.as_ref().is_some_and(|bytes| !bytes.is_empty());
        bytes && score.top_logprobs.len() == 2 && score.logprob <= 0.0
    });
    holds(!scores.is_empty() && complete, format!("{scores:?}"))?;
    let chunks = chunks(server, "Say hello.", more).await?;
    let choices = chunks.into_iter().flat_map(|chunk| chunk.choices);
    let streamed: Vec<_> =
        choices.filter_map(|choice| choice.logprobs?.content).flatten().map(|score| score.token).collect();
    let tokens: Vec<_> = scores.into_iter().map(|score| score.token).collect();
    holds(streamed == tokens, format!("{streamed:?} and {tokens:?}"))
}

fn with_tool(choice: Value) -> Value {
    let parameters = json!({
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": false,
    });
    let function = json!({"name": "add", "description": "Adds two numbers.", "parameters": parameters});
    json!({
        "tools": [{"type": "function", "function": function}],
        "tool_choice": choice,
        "parallel_tool_calls": false,
        "max_completion_tokens": 200,
    })
}

/// The arguments must follow the schema.
fn check_call(call: &FunctionCall) -> Checked {
    let arguments: Value = serde_json::from_str(&call.arguments)?;
    let numbers = ["a", "b"].iter().all(|name| arguments[name].is_i64());
    holds(call.name == "add" && numbers, format!("{call:?}"))
}

async fn tools(server: &Server) -> Checked {
    let question = "What is 12 + 30?";
    for choice in [json!("required"), json!({"type": "function", "function": {"name": "add"}})] {
        let answer = ask(server, question, with_tool(choice)).await?;
        let message = &answer.choices[0].message;
        let calls = message.tool_calls.as_deref().unwrap_or_default();
        let [ChatCompletionMessageToolCalls::Function(call)] = calls else {
            return holds(false, format!("{message:?}"));
        };
        check_call(&call.function)?;
        let mut body = body(server, question, with_tool(json!("auto")));
        let result = json!({"role": "tool", "tool_call_id": call.id, "content": "42"});
        let asked = body["messages"][0].clone();
        body["messages"] = json!([asked, message, result]);
        body["max_completion_tokens"] = json!(8);
        let told = server.client.chat().create(request(body)?).await?;
        holds(told.choices.len() == 1, format!("{told:?}"))?;
    }
    let answer = ask(server, question, with_tool(json!("none"))).await?;
    holds(answer.choices[0].message.tool_calls.is_none(), format!("{:?}", answer.choices[0].message))
}

async fn streamed_tools(server: &Server) -> Checked {
    let chunks = chunks(server, "What is 12 + 30?", with_tool(json!("required"))).await?;
    let choices = || chunks.iter().flat_map(|chunk| &chunk.choices);
    let pieces: Vec<_> = choices().filter_map(|choice| choice.delta.tool_calls.as_ref()).flatten().collect();
    holds(pieces.first().is_some_and(|piece| piece.id.is_some()), format!("{pieces:?}"))?;
    holds(pieces.iter().all(|piece| piece.index == 0), format!("{pieces:?}"))?;
    let mut call = FunctionCall::default();
    for function in pieces.iter().filter_map(|piece| piece.function.as_ref()) {
        call.name.push_str(function.name.as_deref().unwrap_or_default());
        call.arguments.push_str(function.arguments.as_deref().unwrap_or_default());
    }
    check_call(&call)?;
    let reason = choices().find_map(|choice| choice.finish_reason);
    holds(reason == Some(FinishReason::ToolCalls), format!("{reason:?}"))
}

async fn formatted(server: &Server) -> Checked {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": false,
    });
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "person", "schema": schema, "strict": true}});
    let more = json!({"response_format": format, "max_completion_tokens": 200});
    let answer = ask(server, "Ada is 36 years old.", more).await?;
    let choice = &answer.choices[0];
    if choice.finish_reason == Some(FinishReason::Length) {
        return Ok(());
    }
    let person: Value = serde_json::from_str(choice.message.content.as_deref().unwrap_or_default())?;
    holds(person["name"].is_string() && person["age"].is_i64(), &person)
}

async fn refusals(server: &Server) -> Checked {
    refused(ask(server, "hi", json!({"temperature": 9.0})).await, "temperature: found 9")?;
    refused(ask(server, "hi", json!({"model": "gpt-9"})).await, "does not exist")?;
    refused(chunks(server, "hi", json!({"top_p": 7.0})).await, "top_p: found 7")
}
