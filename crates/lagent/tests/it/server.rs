//! A server that plays a model which has learnt to use the calculator, and can break off.

use std::sync::atomic::{AtomicUsize, Ordering};

use internlm_kit::testing::{Request, Response, TestServer};
use serde_json::{Value, json};

/// The route of chat requests.
pub(crate) const CHAT: &str = "/v1/chat/completions";

/// A model that answers everything.
pub(crate) fn calculator() -> TestServer {
    TestServer::start(answer)
}

/// A model whose server breaks off every chat request after the first `count`.
pub(crate) fn dies_after(count: usize) -> TestServer {
    let asked = AtomicUsize::new(0);
    TestServer::start(move |request| {
        let chat = request.path == CHAT;
        if chat && asked.fetch_add(1, Ordering::SeqCst) >= count {
            // The client sees a broken connection, which it does not retry.
            return Response::Broken;
        }
        answer(request)
    })
}

fn answer(request: &Request) -> Response {
    if request.path != CHAT {
        return Response::models(512);
    }
    let body = &request.body;
    let tools = json!([{"type": "function", "function": {
        "name": "Calculator",
        "description": "Evaluates an arithmetic expression.",
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string"}},
            "required": ["expression"],
        },
    }}]);
    // Compared as text: the order of keys is what the model was trained on.
    let (found, expected) = (body["tools"].to_string(), tools.to_string());
    if found != expected {
        let message = format!("tools: found {}", body["tools"]);
        return Response::Json(400, json!({"error": {"message": message, "code": 400}}));
    }
    let (content, call) = reply(body["messages"].as_array().expect("messages"));
    if body["stream"] == true {
        return Response::Events(chunks(&content, call));
    }
    Response::chat(&content, call.map_or(Value::Null, |call| json!([call])))
}

/// Answers a question by a call, and a result by a sentence.
fn reply(messages: &[Value]) -> (String, Option<Value>) {
    let last = messages.last().expect("at least one message");
    let text = last["content"].as_str().unwrap_or_default();
    if last["role"] == "tool" {
        return (format!("The answer is {text}."), None);
    }
    let expression = text.trim_start_matches("What is ").trim_end_matches('?');
    let arguments = json!({"expression": expression}).to_string();
    let function = json!({"name": "Calculator", "arguments": arguments});
    (String::new(), Some(json!({"id": "c", "type": "function", "function": function})))
}

fn chunks(content: &str, call: Option<Value>) -> Vec<Value> {
    let chunk = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]});
    let mut chunks: Vec<Value> =
        content.split_inclusive(' ').map(|word| chunk(json!({"content": word}))).collect();
    if let Some(mut call) = call {
        call["index"] = json!(0);
        chunks.push(chunk(json!({"tool_calls": [call]})));
    }
    chunks
}
