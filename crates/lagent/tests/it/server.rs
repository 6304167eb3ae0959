//! A small OpenAI-shaped server that plays a model which has learnt to use the calculator.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// A running server; it ends with the process.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
}

/// How the server behaves.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Answers everything.
    Good,
    /// Breaks the connection of every request after this many.
    DiesAfter(usize),
}

#[derive(Clone)]
struct Shared {
    asked: Arc<AtomicUsize>,
    manner: Manner,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let shared = Shared { asked: Arc::clone(&asked), manner };
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                sender.send(listener.local_addr().expect("bound")).expect("the test waits");
                let app = Router::new()
                    .route(
                        "/v1/models",
                        get(async || Json(json!({"object": "list", "data": [{"id": "tiny"}]}))),
                    )
                    .route("/v1/chat/completions", post(chat))
                    .with_state(shared);
                axum::serve(listener, app).await.expect("serves");
            });
        });
        let address = receiver.recv().expect("the server starts");
        Self { url: format!("http://{address}"), asked }
    }

    /// Chat requests so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn chat(State(shared): State<Shared>, Json(request): Json<Value>) -> Response {
    let asked = shared.asked.fetch_add(1, Ordering::SeqCst);
    if let Manner::DiesAfter(count) = shared.manner
        && asked >= count
    {
        // A body that breaks off: the client sees a broken connection, which it does not retry.
        let broken = futures_util::stream::iter([Err::<&str, _>(std::io::Error::other("gone"))]);
        return (StatusCode::OK, Body::from_stream(broken)).into_response();
    }
    let tools = json!([{"type": "function", "function": {
        "name": "Calculator",
        "description": "Evaluates an arithmetic expression.",
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string"}},
            "required": ["expression"],
        },
    }}]);
    // As text: the order of keys is what the model was trained on.
    let (found, expected) = (request["tools"].to_string(), tools.to_string());
    if found != expected {
        let error = json!({"error": {"message": format!("tools: found {found}"), "code": 400}});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let (content, call) = reply(request["messages"].as_array().expect("messages"));
    if request["stream"] == true {
        return streamed(&content, call);
    }
    let finish = if call.is_some() { "tool_calls" } else { "stop" };
    let calls = call.map(|call| json!([call]));
    Json(json!({
        "model": "tiny",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": content, "tool_calls": calls},
            "finish_reason": finish,
        }],
        "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
    }))
    .into_response()
}

/// A question is answered by a call, a result by a sentence.
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

fn streamed(content: &str, call: Option<Value>) -> Response {
    let chunk = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]});
    let mut chunks: Vec<Value> =
        content.split_inclusive(' ').map(|word| chunk(json!({"content": word}))).collect();
    if let Some(mut call) = call {
        call["index"] = json!(0);
        chunks.push(chunk(json!({"tool_calls": [call]})));
    }
    let mut body: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    body.push_str("data: [DONE]\n\n");
    body.into_response()
}
