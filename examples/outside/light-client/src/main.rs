//! The client against a server of forty lines that speaks the OpenAI API.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::{ChatMessage, ChatRequest};

const REPLY: &str = r#"{"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "demo",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "24"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}}"#;

/// Answers one request and gives its first line and its body.
fn answer(mut stream: TcpStream) -> std::io::Result<(String, String)> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let head =
        format!("content-type: application/json\r\ncontent-length: {}\r\nconnection: close", REPLY.len());
    write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{REPLY}")?;
    Ok((first, String::from_utf8_lossy(&body).into_owned()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let server: JoinHandle<std::io::Result<(String, String)>> =
        std::thread::spawn(move || answer(listener.accept()?.0));

    let client = Client::new(ClientConfig::new(url))?;
    let request = ChatRequest::new([ChatMessage::user("What is 12 plus 12?")]).with_temperature(0.0);
    let response = client.chat(&request).await?;
    assert_eq!(response.text(), "24");

    let (first, body) = server.join().expect("the server does not panic")?;
    assert!(first.starts_with("POST /v1/chat/completions "), "{first}");
    assert!(body.contains("What is 12 plus 12?"), "{body}");
    Ok(())
}
