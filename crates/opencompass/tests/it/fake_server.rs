//! A server with the OpenAI API that answers from a function, for tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};

/// Route and body -> status and body.
type Handler = dyn Fn(&str, &Value) -> (u16, Value) + Send + Sync;

/// Starts a server on a free port; it lives as long as the process. Gives its URL.
pub(crate) fn start(handler: impl Fn(&str, &Value) -> (u16, Value) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let handler: Arc<Handler> = Arc::new(handler);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handler = Arc::clone(&handler);
            // A client that went away in the middle is part of what is tested.
            thread::spawn(move || serve(stream, handler.as_ref()));
        }
    });
    url
}

fn serve(stream: TcpStream, handler: &Handler) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let (status, answer) = handler(&path, &body);
    let answer = answer.to_string();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )?;
    stream.flush()
}

/// The list of one model.
pub(crate) fn models() -> (u16, Value) {
    (200, json!({ "object": "list", "data": [{ "id": "fake", "object": "model", "max_model_len": 512 }] }))
}

/// A chat answer.
pub(crate) fn chat(content: &str, calls: Value) -> (u16, Value) {
    let message = json!({ "role": "assistant", "content": content, "tool_calls": calls });
    (200, json!({ "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }] }))
}

/// Log-probabilities of a prompt: `<s>` and one token per character, each of probability one half; `favorite`
/// characters are certain.
pub(crate) fn scored(prompt: &Value, favorite: char) -> (u16, Value) {
    let text = prompt.as_str().unwrap_or_default();
    let tokens: Vec<String> =
        std::iter::once("<s>".to_owned()).chain(text.chars().map(String::from)).collect();
    let log_probs: Vec<Value> = tokens
        .iter()
        .enumerate()
        .map(|(index, token)| match index {
            0 => Value::Null,
            _ if token.starts_with(favorite) => json!(0.0),
            _ => json!(0.5_f64.ln()),
        })
        .collect();
    let logprobs =
        json!({ "tokens": tokens, "token_logprobs": log_probs, "top_logprobs": null, "text_offset": [] });
    (
        200,
        json!({ "choices": [{ "index": 0, "text": text, "logprobs": logprobs, "finish_reason": "length" }] }),
    )
}
