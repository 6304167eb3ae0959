//! Tools that ask services, against a server that records what it is asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use lagent::action::{ActionState, Service};
use serde_json::{Value, json};

use super::Bench;

/// One request as the server saw it.
struct Asked {
    line: String,
    headers: String,
    body: Vec<u8>,
}

/// Answers one request with a status and a body, and hands the request over.
fn server(status: &str, answer: impl Into<Vec<u8>>) -> (Service, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("is bound");
    let (sender, receiver) = channel();
    let (status, answer) = (status.to_owned(), answer.into());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream.try_clone().expect("clones"));
        let (mut line, mut headers) = (String::new(), String::new());
        reader.read_line(&mut line).expect("a request");
        while reader.read_line(&mut headers).expect("headers") > 2 {}
        let lower = headers.to_ascii_lowercase();
        let length =
            lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).expect("the body");
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer)).expect("answers");
        sender.send(Asked { line: line.trim().to_owned(), headers, body }).expect("somebody waits");
    });
    (Service::at(format!("http://{address}/v1")), receiver)
}

/// The JSON that was asked.
fn json_of(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).expect("JSON")
}

/// A picture of one pixel.
fn pixel(bench: &Bench) {
    image::RgbImage::new(1, 1).save(bench.folder.path().join("p.png")).expect("writes");
}

#[test]
fn pictures_come_from_an_image_model() {
    let (service, asked) = server("200 OK", r#"{"data": [{"b64_json": "UE5H"}]}"#);
    let bench = Bench::new().with_service("TextToImage", service);
    let path =
        bench.text("TextToImage", json!({"keywords": "a cat", "size": "64x64"})).expect("is configured");
    assert_eq!(std::fs::read(path).expect("is there"), b"PNG");
    let asked = asked.recv().expect("was asked");
    assert_eq!(asked.line, "POST /v1/images/generations HTTP/1.1");
    assert_eq!(json_of(&asked), json!({"model": "gpt-image-1", "prompt": "a cat", "n": 1, "size": "64x64"}));
}

#[test]
fn a_picture_and_an_instruction_are_sent_as_a_form() {
    let (mut service, asked) = server("200 OK", r#"{"data": [{"url": "http://a/b.png"}]}"#);
    service.extra.insert("model".to_owned(), json!("m"));
    let bench = Bench::new().with_service("ImageStylization", service);
    pixel(&bench);
    let arguments = json!({"image": "p.png", "instruction": "make it blue"});
    assert_eq!(bench.text("ImageStylization", arguments).as_deref(), Some("http://a/b.png"));
    let asked = asked.recv().expect("was asked");
    assert_eq!(asked.line, "POST /v1/images/edits HTTP/1.1");
    assert!(
        asked
            .headers
            .to_ascii_lowercase()
            .contains("content-type: multipart/form-data; boundary=lagent-part-")
    );
    let body = String::from_utf8_lossy(&asked.body);
    assert!(
        body.contains("name=\"model\"\r\n\r\nm\r\n")
            && body.contains("name=\"prompt\"\r\n\r\nmake it blue\r\n")
    );
    assert!(
        body.contains("name=\"image\"; filename=\"input.png\"\r\nContent-Type: image/png\r\n\r\n\u{fffd}PNG")
    );
}

#[test]
fn speech_comes_from_services() {
    let (service, asked) = server("200 OK", "RIFF....");
    let bench = Bench::new().with_service("TextToSpeech", service);
    let path = bench.text("TextToSpeech", json!({"text": "hello"})).expect("is configured");
    assert_eq!(std::fs::read(path).expect("is there"), b"RIFF....");
    let body = json_of(&asked.recv().expect("was asked"));
    assert_eq!(body, json!({"model": "tts-1", "input": "hello", "voice": "alloy", "response_format": "wav"}));
    let (service, asked) = server("200 OK", r#"{"text": " hello "}"#);
    let bench = Bench::new().with_service("SpeechToText", service);
    bench.write("a.wav", "RIFF");
    assert_eq!(bench.text("SpeechToText", json!({"audio": "a.wav"})).as_deref(), Some("hello"));
    assert_eq!(asked.recv().expect("was asked").line, "POST /v1/audio/transcriptions HTTP/1.1");
}

#[test]
fn a_vision_model_sees_the_picture() {
    let answer = r#"{"choices": [{"message": {"content": "black"}}]}"#;
    let (service, asked) = server("200 OK", answer);
    let bench = Bench::new().with_service("VQA", service);
    pixel(&bench);
    let arguments = json!({"image": "p.png", "question": "Which color?"});
    assert_eq!(bench.text("VQA", arguments).as_deref(), Some("black"));
    let body = json_of(&asked.recv().expect("was asked"));
    let content = &body["messages"][0]["content"];
    assert_eq!(content[0]["text"], "Which color?");
    assert!(
        content[1]["image_url"]["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("data:image/png;base64,iVBOR"))
    );
    let (service, _asked) = server("200 OK", answer);
    let bench = Bench::new().with_service("Translation", service);
    assert_eq!(bench.text("Translation", json!({"text": "noir", "target": "en"})).as_deref(), Some("black"));
}

#[test]
fn a_refusal_is_an_error_without_the_key() {
    let (mut service, asked) = server("401 Unauthorized", r#"{"error": {"message": "bad key s3cret"}}"#);
    let bench = Bench::new();
    bench.write("key", "s3cret\n");
    service.key_file = Some(bench.folder.path().join("key"));
    let bench = bench.with_service("TextToImage", service);
    let value = bench.tool("TextToImage").call(&json!({"keywords": "a cat"}));
    assert_eq!(value.state, ActionState::HttpError);
    assert!(value.for_model().ends_with("401 Unauthorized: bad key ***"), "{}", value.for_model());
    let headers = asked.recv().expect("was asked").headers.to_ascii_lowercase();
    assert!(headers.contains("authorization: bearer s3cret"));
}

#[test]
fn an_answer_of_another_form_is_an_error() {
    for answer in ["{\"data\": []}", "not JSON", "{\"data\": [{\"b64_json\": \"?\"}]}"] {
        let (service, _asked) = server("200 OK", answer);
        let bench = Bench::new().with_service("TextToImage", service);
        let value = bench.tool("TextToImage").call(&json!({"keywords": "a cat"}));
        assert_eq!(value.state, ActionState::HttpError, "{answer}");
    }
}
