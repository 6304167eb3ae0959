//! [`TestServer`]: an HTTP server on loopback that answers from a function, for clients that must meet every failure.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

/// One request as the server got it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method: `GET` or `POST`.
    pub method: String,
    /// With its query: `/v1/models`.
    pub path: String,
    /// The JSON of the body; null when there is no body or it is not JSON.
    pub body: Value,
    /// How many requests came before this one.
    pub number: usize,
}

/// What the server does with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// A status and a JSON body.
    Json(u16, Value),
    /// Server-sent events with status 200, each with its `data:`, and `[DONE]` at the end.
    Events(Vec<Value>),
    /// Headers of a good answer, and then the connection breaks.
    Broken,
}

impl Response {
    /// The list of one model, `tiny`, with a context of `max_tokens` tokens.
    #[must_use]
    pub fn models(max_tokens: usize) -> Self {
        let model = json!({"id": "tiny", "object": "model", "max_model_len": max_tokens});
        Self::Json(200, json!({"object": "list", "data": [model]}))
    }

    /// A whole chat answer; `calls` is the value of `tool_calls`, null for none.
    #[must_use]
    pub fn chat(content: &str, calls: Value) -> Self {
        let finish = if calls.is_null() { "stop" } else { "tool_calls" };
        let message = json!({"role": "assistant", "content": content, "tool_calls": calls});
        let choice = json!({"index": 0, "message": message, "finish_reason": finish});
        let usage = json!({"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30});
        Self::Json(200, json!({"model": "tiny", "choices": [choice], "usage": usage}))
    }
}

type Handler = dyn Fn(&Request) -> Response + Send + Sync;

/// A running server. Its thread ends with the process.
#[derive(Debug)]
pub struct TestServer {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl TestServer {
    /// Starts a server on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When there is no free port.
    ///
    /// ```
    /// use internlm_kit::testing::{Response, TestServer};
    ///
    /// let server = TestServer::start(|request| match request.path.as_str() {
    ///     "/v1/models" => Response::models(512),
    ///     _ => Response::chat("Hello!", serde_json::Value::Null),
    /// });
    /// assert!(server.url().starts_with("http://127.0.0.1:"));
    /// assert!(server.requests().is_empty());
    /// ```
    pub fn start(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            count: AtomicUsize::new(0),
            requests: Arc::clone(&requests),
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that goes away in the middle is part of what is tested.
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { url, requests }
    }

    /// The address to give to clients: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far, in the order in which they were read.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests so far were for `path`.
    #[must_use]
    pub fn count(&self, path: &str) -> usize {
        self.requests().iter().filter(|request| request.path == path).count()
    }
}

struct Shared {
    handler: Box<Handler>,
    count: AtomicUsize,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let number = || self.count.fetch_add(1, Ordering::SeqCst);
        let request = read_request(&mut BufReader::new(&stream), number)?;
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let (status, kind, body) = match (self.handler)(&request) {
            Response::Json(status, body) => (status, "application/json", body.to_string()),
            Response::Events(events) => {
                let events: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
                (200, "text/event-stream", events + "data: [DONE]\n\n")
            }
            Response::Broken => {
                let head =
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
                return stream.write_all(head.as_bytes());
            }
        };
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} Status\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n");
        write!(stream, "{head}connection: close\r\n\r\n{body}")
    }
}

fn read_request(reader: &mut impl BufRead, number: impl FnOnce() -> usize) -> io::Result<Request> {
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
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
    Ok(Request { method, path, body: serde_json::from_slice(&body).unwrap_or_default(), number: number() })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn send(server: &TestServer, request: &str) -> String {
        let address = server.url().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream.write_all(request.as_bytes()).expect("writes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("reads");
        answer
    }

    #[test]
    fn requests_are_numbered_and_kept() {
        let server = TestServer::start(|request| Response::Json(404, json!({"number": request.number})));
        let body = "POST /v1/chat HTTP/1.1\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
        let first = send(&server, body);
        assert!(first.starts_with("HTTP/1.1 404 Status\r\n") && first.ends_with("\r\n\r\n{\"number\":0}"));
        assert!(send(&server, "GET /v1/models HTTP/1.1\r\n\r\n").ends_with("{\"number\":1}"));
        let expected = Request {
            method: "POST".to_owned(),
            path: "/v1/chat".to_owned(),
            body: json!({"a": 1}),
            number: 0,
        };
        assert_eq!(server.requests()[0], expected);
        assert_eq!((server.requests()[1].body.clone(), server.count("/v1/models")), (Value::Null, 1));
    }

    #[test]
    fn events_end_with_done_and_a_broken_answer_ends_early() {
        let server = TestServer::start(|request| match request.path.as_str() {
            "/events" => Response::Events(vec![json!({"a": 1})]),
            _ => Response::Broken,
        });
        let events = send(&server, "GET /events HTTP/1.1\r\n\r\n");
        assert!(events.ends_with("\r\n\r\ndata: {\"a\":1}\n\ndata: [DONE]\n\n"), "{events}");
        let broken = send(&server, "GET / HTTP/1.1\r\n\r\n");
        assert!(broken.contains("content-length: 1000") && broken.ends_with("\r\n\r\n{"), "{broken}");
    }
}
