//! The client against servers that misbehave: retries, strange answers, broken streams.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use futures_util::StreamExt;
use internlm_kit::exit::BadInput;
use lmdeploy::Error;
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::responses::ResponsesRequest;
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
fn a_key_that_no_header_can_hold_is_refused_and_not_shown() {
    let config = ClientConfig::new("http://127.0.0.1:9").with_api_key("secret\n");
    let error = Client::new(config).expect_err("a line break");
    assert!(error.is_bad_input(), "{error}");
    let expected = "api-key: found the control character 10, expected text that a header can hold";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_a_server_says_of_an_error_is_kept() {
    run(async {
        let body = r#"{"error": {"message": "too hot", "type": "invalid_request_error", "param": "temperature",
            "code": "out_of_range"}}"#;
        let (url, server) = scripted(&[("400 Bad Request\r\nx-request-id: req-7", body)]);
        let client = Client::new(ClientConfig::new(url)).expect("a client");
        let error = client.chat(&ask()).await.expect_err("a wrong request");
        let Error::Status { message, detail, .. } = &error else { panic!("{error}") };
        assert_eq!(message, "too hot");
        assert_eq!(detail.kind.as_deref(), Some("invalid_request_error"));
        assert_eq!(detail.param.as_deref(), Some("temperature"));
        assert_eq!(detail.code.as_deref(), Some("out_of_range"));
        assert_eq!(detail.request_id.as_deref(), Some("req-7"));
        server.join().expect("the server ends");
    });
}

#[test]
fn a_pause_may_be_a_date_and_one_that_is_too_long_is_not_waited_for() {
    run(async {
        let past = "503 Service Unavailable\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT";
        let (url, server) = scripted(&[(past, ""), ("200 OK", ANSWER)]);
        let client = Client::new(ClientConfig::new(url)).expect("a client");
        assert_eq!(client.chat(&ask()).await.expect("the second try works").text(), "four");
        assert_eq!(server.join().expect("the server ends").len(), 2);

        let (url, server) = scripted(&[("429 Too Many Requests\r\nretry-after: 61", "")]);
        let client = Client::new(ClientConfig::new(url)).expect("a client");
        let error = client.chat(&ask()).await.expect_err("a minute is too long");
        assert!(matches!(error, Error::Status { status: 429, retry_after: Some(61), .. }), "{error}");
        assert_eq!(server.join().expect("the server ends").len(), 1);
    });
}

#[test]
fn what_was_sent_is_not_sent_again_when_the_connection_breaks() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let client = Client::new(ClientConfig::new(url).with_retries(3)).expect("a client");
        let server = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().expect("a connection");
            read_request(&mut connection);
            drop(connection);
            listener
        });
        let error = client.chat(&ask()).await.expect_err("it breaks off");
        assert!(matches!(error, Error::Connection { .. }), "{error}");
        let listener = server.join().expect("the server ends");
        listener.set_nonblocking(true).expect("a socket");
        let again = listener.accept().expect_err("nobody comes again");
        assert_eq!(again.kind(), std::io::ErrorKind::WouldBlock);
    });
}

#[test]
fn streams_of_every_style_are_read() {
    run(async {
        let chunk = r#"{"choices": [{"delta": {"content": "a"}}]}"#;
        let (first, second) = chunk.split_at(13);
        for stream in [
            format!("data: {chunk}\n\ndata: [DONE]\n\n"),
            format!(": ping\r\n\r\ndata:{chunk}\r\n\r\ndata:[DONE]\r\n\r\n"),
            format!(
                "\u{feff}id: 1\nevent: chunk\ndata: {first}\ndata: {second}\n\nretry: 5\n\ndata: [DONE]\n\nmore"
            ),
        ] {
            let (url, server) = scripted(&[("200 OK\r\ncontent-type: text/event-stream", &stream)]);
            let client = Client::new(ClientConfig::new(url).with_retries(0)).expect("a client");
            let items: Vec<_> = client.chat_stream(&ask()).await.expect("a stream").collect().await;
            let [Ok(only)] = items.as_slice() else { panic!("{stream}: {items:?}") };
            assert_eq!(only.choices[0].delta.content.as_deref(), Some("a"));
            server.join().expect("the server ends");
        }
    });
}

#[test]
fn streams_with_names_end_with_their_last_event_or_an_error() {
    run(async {
        let created = "event: response.created\ndata: {\"type\": \"response.created\"}\n\n";
        for (rest, expected) in [
            (
                "data: {\"type\": \"response.incomplete\"}\n\ndata: {\"type\": \"more\"}\n\n",
                Ok("response.incomplete"),
            ),
            (
                "data: {\"type\": \"response.failed\", \"response\": {\"error\": {\"message\": \"broken\"}}}\n\n",
                Err("status 500: broken"),
            ),
            ("data: {\"type\": \"error\", \"message\": \"broken\", \"code\": \"x\"}\n\n", Err("broken")),
            ("", Err("ended without response.completed")),
        ] {
            let body = format!("{created}{rest}");
            let (url, server) = scripted(&[("200 OK\r\ncontent-type: text/event-stream", &body)]);
            let client = Client::new(ClientConfig::new(url).with_retries(0)).expect("a client");
            let stream = client.responses_stream(&ResponsesRequest::new("a")).await.expect("a stream");
            let items: Vec<_> = stream.collect().await;
            let [Ok(first), last] = items.as_slice() else { panic!("{rest}: {items:?}") };
            assert_eq!(first.kind, "response.created");
            match (last, expected) {
                (Ok(event), Ok(kind)) => assert_eq!(event.kind, kind),
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
                _ => panic!("{rest}: {last:?}"),
            }
            server.join().expect("the server ends");
        }
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
