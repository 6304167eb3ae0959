//! The client against servers that misbehave: retries, strange answers, broken streams.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use futures_util::StreamExt;
use internlm_kit::exit::BadInput;
use lmdeploy::Error;
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::{ChatMessage, ChatRequest};

use crate::fixture::run;

/// Answers one connection after the other with the given status lines, headers and bodies; gives the URL and, at the
/// end, what was asked.
pub(crate) fn scripted(answers: &[(&str, &str)]) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answers: Vec<(String, String)> =
        answers.iter().map(|(head, body)| ((*head).to_owned(), (*body).to_owned())).collect();
    let thread = std::thread::spawn(move || {
        let answer = |(head, body): (String, String)| {
            let (mut connection, _) = listener.accept().expect("a connection");
            let asked = read_request(&mut connection);
            let text = format!(
                "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            connection.write_all(text.as_bytes()).expect("writes");
            asked
        };
        answers.into_iter().map(answer).collect()
    });
    (url, thread)
}

/// Head and body of a request.
fn read_request(connection: &mut impl Read) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let read = connection.read(&mut buffer).expect("reads");
        text += std::str::from_utf8(&buffer[..read]).expect("ASCII");
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().expect("a number")) {
            return text;
        }
    }
}

fn ask() -> ChatRequest {
    ChatRequest::new([ChatMessage::user("hi")])
}

const ANSWER: &str = r#"{"choices": [{"message": {"role": "assistant", "content": "four"}}]}"#;

#[test]
fn full_and_draining_servers_are_asked_again() {
    run(async {
        let (url, server) = scripted(&[
            ("429 Too Many Requests\r\nretry-after: 0", "{\"message\": \"full\"}"),
            ("503 Service Unavailable\r\nretry-after: 0", ""),
            ("200 OK", ANSWER),
        ]);
        let client =
            Client::new(ClientConfig::new(url).with_api_key("secret").with_retries(2)).expect("a client");
        assert_eq!(client.chat(&ask()).await.expect("the third try works").text(), "four");
        let asked = server.join().expect("the server ends");
        assert_eq!(asked[0], asked[2], "the same request is sent again");
        assert!(asked[0].starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", asked[0]);
        assert!(asked[0].contains("authorization: Bearer secret"), "{}", asked[0]);
    });
}

#[test]
fn retries_end_and_other_errors_are_not_retried() {
    run(async {
        let full = ("429 Too Many Requests\r\nretry-after: 0", "{\"error\": {\"message\": \"full\"}}");
        let (url, server) = scripted(&[full, full]);
        let client = Client::new(ClientConfig::new(url).with_retries(1)).expect("a client");
        let error = client.chat(&ask()).await.expect_err("the queue stays full");
        let Error::Status { status: 429, message, retry_after: Some(0), .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(message, "full");
        assert!(!error.is_bad_input(), "a full queue is not the caller's fault");
        assert_eq!(server.join().expect("the server ends").len(), 2);

        let (url, server) = scripted(&[("400 Bad Request", "{\"message\": \"no\", \"object\": \"error\"}")]);
        let client = Client::new(ClientConfig::new(url)).expect("a client");
        let error = client.chat(&ask()).await.expect_err("a wrong request");
        assert!(error.is_bad_input() && error.to_string().ends_with("status 400: no"), "{error}");
        assert_eq!(server.join().expect("the server ends").len(), 1);
    });
}

#[test]
fn answers_that_do_not_follow_the_protocol_show_their_beginning() {
    run(async {
        let page = format!("<html>{}</html>", "x".repeat(500));
        for (head, body, words) in [
            ("200 OK", "{\"choices\": 3}", "found `{\"choices\": 3}`"),
            ("200 OK", page.as_str(), "found `<html>xx"),
            ("502 Bad Gateway", page.as_str(), "status 502: <html>xx"),
        ] {
            let (url, server) = scripted(&[(head, body)]);
            let client = Client::new(ClientConfig::new(&url).with_retries(0)).expect("a client");
            let error = client.chat(&ask()).await.expect_err("not an answer").to_string();
            assert!(error.starts_with(&url) && error.contains(words), "{error}");
            assert!(error.len() < 400, "long bodies are cut");
            server.join().expect("the server ends");
        }
    });
}

#[test]
fn broken_streams_end_with_an_error() {
    run(async {
        let chunk = "data: {\"choices\": [{\"delta\": {\"content\": \"a\"}}]}\n\n";
        for (rest, words) in [
            ("", "ended without [DONE]"),
            ("data: {\"choices\": 3}\n\n", "cannot read the answer"),
            (
                "data: {\"error\": {\"message\": \"the model failed\", \"code\": 500}}\n\ndata: [DONE]\n\n",
                "the model failed",
            ),
        ] {
            let (url, server) =
                scripted(&[("200 OK\r\ncontent-type: text/event-stream", &format!("{chunk}{rest}"))]);
            let client = Client::new(ClientConfig::new(url).with_retries(0)).expect("a client");
            let items: Vec<_> = client.chat_stream(&ask()).await.expect("a stream").collect().await;
            let [Ok(first), Err(error)] = items.as_slice() else { panic!("{items:?}") };
            assert_eq!(first.choices[0].delta.content.as_deref(), Some("a"));
            assert!(error.to_string().contains(words), "{error}");
            server.join().expect("the server ends");
        }
    });
}

#[test]
fn a_server_that_is_not_there_is_bad_input_and_one_that_breaks_off_is_not() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let client = Client::new(ClientConfig::new(url).with_retries(0)).expect("a client");
        let server = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().expect("a connection");
            read_request(&mut connection);
            // Without an answer, the connection is closed first and the port after it.
            drop(connection);
            drop(listener);
        });
        let error = client.chat(&ask()).await.expect_err("it breaks off");
        assert!(matches!(error, Error::Connection { .. }) && !error.is_bad_input(), "{error}");
        server.join().expect("the server ends");
        let error = client.chat(&ask()).await.expect_err("the port is closed");
        assert!(matches!(error, Error::Unreachable { .. }) && error.is_bad_input(), "{error}");
    });
}

#[test]
fn a_silent_server_is_left_after_the_idle_timeout() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let config = ClientConfig::new(url).with_timeout(Duration::from_millis(20)).with_retries(0);
        let error = Client::new(config).expect("a client").chat(&ask()).await.expect_err("nobody answers");
        assert!(matches!(error, Error::Connection { .. }), "{error}");
    });
}
