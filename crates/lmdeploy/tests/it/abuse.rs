//! What no client should send: each connection is answered or closed, nothing is 5xx, and the next one works.

use lmdeploy::testing::{MockModel, MockServer};

mod socket;
mod unread;

use socket::{Answer, Socket};

const CHAT: &str = "/v1/chat/completions";
/// A request that is right, without its closing brace.
const GOOD: &str = "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"max_tokens\": 3";

fn start() -> MockServer {
    MockServer::start(MockModel::from("the quick brown fox"))
}

/// A request with some headers, and the length of its body among them.
fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes =
        format!("{line} HTTP/1.1\r\nhost: a\r\n{headers}content-length: {length}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A request with a JSON body and some more headers.
fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    request(&format!("POST {CHAT}"), &format!("content-type: application/json\r\n{headers}"), body)
}

/// The request that is right, with more fields.
fn chat(fields: &str) -> Vec<u8> {
    post("", format!("{GOOD}{fields}}}").as_bytes())
}

/// The answer to what is sent over a new connection.
fn answer(server: &MockServer, bytes: &[u8]) -> Option<Answer> {
    let mut socket = Socket::connect(server);
    socket.send(bytes);
    socket.answer()
}

/// Checks that the server works as before.
fn works(server: &MockServer, after: &str) {
    let answer = answer(server, &chat("")).unwrap_or_else(|| panic!("no answer after {after}"));
    assert_eq!(
        (answer.status, answer.json()["usage"]["completion_tokens"].as_u64()),
        (200, Some(3)),
        "{after}"
    );
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let server = start();
    let mut socket = Socket::connect(&server);
    for byte in chat("") {
        assert!(socket.send(&[byte]));
    }
    assert_eq!(socket.answer().map(|answer| answer.status), Some(200));
}

#[test]
fn whoever_ends_its_side_has_gone_away() {
    let server = start();
    let endless = chat(", \"ignore_eos\": true");
    for bytes in [&chat("")[..], &endless[..], &endless[..endless.len() - 9], &endless[..40], b""] {
        let mut socket = Socket::connect(&server);
        socket.send(bytes);
        socket.end();
        if let Some(answer) = socket.answer() {
            assert!(answer.status < 500, "{answer:?}");
        }
        socket.rest();
        works(&server, "half a connection");
    }
}

#[test]
fn what_is_not_http_is_refused_or_closed() {
    let server = start();
    let lines = |count: usize| (0..count).map(|index| format!("x-{index}: 1\r\n")).collect::<String>();
    let path = "a".repeat(100_000);
    let length = |length: &str| {
        format!("POST {CHAT} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{length}\r\n\r\n{{}}")
            .into_bytes()
    };
    let tls = [&[0x16_u8, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3][..], &[7; 190]].concat();
    for (name, bytes, status) in [
        ("a path of 100 kB", request(&format!("GET /{path}"), "", b""), 414),
        ("10,000 headers", post(&lines(10_000), b"{}"), 431),
        ("a header of 1 MB", post(&format!("x-a: {}\r\n", "b".repeat(1 << 20)), b"{}"), 431),
        ("a length in words", length("content-length: two"), 400),
        ("a negative length", length("content-length: -1"), 400),
        ("a length without end", length("content-length: 99999999999999999999999"), 400),
        ("two lengths", length("content-length: 2\r\ncontent-length: 3"), 400),
        ("two codings", length("transfer-encoding: chunked\r\ntransfer-encoding: identity"), 400),
        ("a space behind a name", length("transfer-encoding : chunked"), 400),
        ("a control character", post("x-request-id: a\x01b\r\n", b"{}"), 400),
        ("a folded header", post("x-a: b\r\n c\r\n", b"{}"), 400),
        ("a path of other bytes", b"GET /\xff\xfe HTTP/1.1\r\n\r\n".to_vec(), 400),
        ("HTTP 0.9", b"GET /\r\n\r\n".to_vec(), 400),
        ("a method of other characters", request("G@T /health", "", b""), 400),
        ("noise", b"\x00\x01\xff\xfe\r\n\r\n".to_vec(), 400),
        ("TLS", tls, 400),
    ] {
        match answer(&server, &bytes) {
            Some(answer) => assert_eq!(answer.status, status, "{name}"),
            // An answer may be lost when the connection is closed while much is on its way.
            None => assert!(bytes.len() > 50_000, "{name}: no answer"),
        }
        works(&server, name);
    }
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    assert!(answer(&server, preface).is_none_or(|answer| answer.status < 500));
    works(&server, "HTTP/2");
}

#[test]
fn bodies_that_are_not_what_they_are_announced_as_are_refused() {
    let server = start();
    let good = format!("{GOOD}}}");
    let chunked = |coding: &str, chunks: &str| {
        let head =
            format!("POST {CHAT} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{coding}\r\n\r\n");
        format!("{head}{chunks}").into_bytes()
    };
    let whole = format!("{:x};a=b\r\n{good}\r\n0\r\nx: y\r\n\r\n", good.len());
    let both = "content-length: 5\r\ntransfer-encoding: chunked";
    for (name, bytes, status, word) in [
        ("chunks", chunked("transfer-encoding: chunked", &whole), 200, ""),
        ("a length and chunks", chunked(both, &whole), 200, ""),
        (
            "plain text as gzip",
            post("content-encoding: gzip\r\n", good.as_bytes()),
            400,
            "content-encoding: found `gzip`",
        ),
        (
            "gzip in chunks",
            chunked("transfer-encoding: gzip, chunked", &whole),
            400,
            "transfer-encoding: found",
        ),
        (
            "no size",
            chunked("transfer-encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n"),
            400,
            "broke off after 0 bytes",
        ),
        ("a huge size", chunked("transfer-encoding: chunked", "ffffffffffffffffff\r\n{}"), 400, "broke off"),
        (
            "two types",
            post("content-type: text/plain\r\n", good.as_bytes()),
            400,
            "content-type: found two different",
        ),
        (
            "two times",
            post("x-request-timeout: 5\r\nx-request-timeout: 6\r\n", good.as_bytes()),
            400,
            "x-request-timeout: found two different values",
        ),
    ] {
        let answer = answer(&server, &bytes).unwrap_or_else(|| panic!("{name}: no answer"));
        assert_eq!(answer.status, status, "{name}");
        if status != 200 {
            assert!(answer.message().contains(word), "{name}: {}", answer.message());
        }
        works(&server, name);
    }
}

#[test]
fn bodies_of_40_megabytes_are_413() {
    let server = start();
    let part = vec![b' '; 1 << 20];
    let announced = format!("content-length: {}\r\n", 40 << 20);
    for (length, chunked) in [(announced.as_str(), false), ("transfer-encoding: chunked\r\n", true)] {
        let head =
            format!("POST {CHAT} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{length}\r\n");
        let mut socket = Socket::connect(&server);
        assert!(socket.send(head.as_bytes()));
        for _ in 0..40 {
            let framed = !chunked || socket.send(b"100000\r\n");
            assert!(framed && socket.send(&part) && (!chunked || socket.send(b"\r\n")), "all of it is taken");
        }
        if chunked {
            socket.send(b"0\r\n\r\n");
        }
        assert_eq!(socket.answer().map(|answer| answer.status), Some(413));
        assert!(socket.send(&chat("")), "the connection may be used again");
        assert_eq!(socket.answer().map(|answer| answer.status), Some(200));
    }
    let mut socket = Socket::connect(&server);
    let head = format!("POST {CHAT} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{announced}");
    assert!(socket.send(format!("{head}expect: 100-continue\r\n\r\n").as_bytes()));
    assert_eq!(socket.answer().map(|answer| answer.status), Some(413), "it is not asked for");
    let mut socket = Socket::connect(&server);
    assert!(socket.send(format!("{head}\r\n{{").as_bytes()), "the rest does not come");
    assert_eq!(socket.answer().map(|answer| answer.status), Some(413));
    works(&server, "large bodies");
}

#[test]
fn a_client_may_ask_before_it_sends_its_body() {
    let server = start();
    let body = format!("{GOOD}}}");
    let whole = post("expect: 100-continue\r\n", body.as_bytes());
    let (head, body) = whole.split_at(whole.len() - body.len());
    let mut socket = Socket::connect(&server);
    assert!(socket.send(head));
    assert_eq!(socket.answer().map(|answer| answer.status), Some(100));
    assert!(socket.send(body));
    assert_eq!(socket.answer().map(|answer| answer.status), Some(200));
}

#[test]
fn older_and_pipelined_requests_are_answered() {
    let server = start();
    let old = String::from_utf8(chat(", \"stream\": true")).expect("text").replace("HTTP/1.1", "HTTP/1.0");
    let stream = answer(&server, old.as_bytes()).expect("an answer");
    assert_eq!((stream.status, stream.header("transfer-encoding")), (200, None));
    assert!(stream.body.ends_with(b"data: [DONE]\n\n"));
    let mut socket = Socket::connect(&server);
    let pair = [chat(""), request("GET /health", "", b"")].concat();
    assert!(socket.send(&pair.repeat(20)));
    for index in 0..40 {
        let answer = socket.answer().expect("an answer");
        let is_health = answer.json()["status"].is_string();
        assert_eq!((answer.status, is_health), (200, index % 2 == 1), "in order");
    }
}

#[test]
fn names_that_are_there_twice_are_refused_by_name() {
    let server = start();
    for (fields, param) in [
        (", \"temperature\": 0, \"temperature\": 1", "temperature"),
        (", \"seed\": 1, \"se\\u0065d\": 1", "seed"),
        (", \"seed\": 1, \"seed\": \"a\"", "seed"),
        (", \"messages\": []", "messages"),
        (", \"logit_bias\": {\"5\": 1, \"5\": 100}", "logit_bias.5"),
        (", \"response_format\": {\"type\": \"text\", \"type\": \"json_object\"}", "response_format.type"),
        (
            ", \"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"a\", \
             \"schema\": {\"type\": \"object\", \"type\": \"string\"}}}",
            "response_format.json_schema.schema.type",
        ),
        (
            ", \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": \
             {\"properties\": {\"a\": {}, \"a\": {}}}}}]",
            "tools[0].function.parameters.properties.a",
        ),
        (", \"chat_template_kwargs\": {\"a\": true, \"a\": false}", "chat_template_kwargs.a"),
        (
            ", \"stream_options\": {\"include_usage\": true, \"include_usage\": false}",
            "stream_options.include_usage",
        ),
        (", \"unheard_of\": 1, \"unheard_of\": 2", "unheard_of"),
    ] {
        let answer = answer(&server, &chat(fields)).expect("an answer");
        assert_eq!(answer.status, 400, "{fields}");
        assert_eq!(answer.json()["param"], param, "{fields}");
        assert_eq!(answer.message(), format!("{param}: found twice, expected once"));
    }
}

#[test]
fn what_is_not_json_is_refused_wherever_it_is() {
    let server = start();
    let lists = "[".repeat(100_000);
    let objects = "{\"a\":".repeat(1_000);
    let closed = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    for name in ["temperature", "unheard_of", "response_format"] {
        for value in [
            "NaN",
            "Infinity",
            "-Infinity",
            "1e400",
            "01",
            "+1",
            "0x1",
            "\"\\ud800\"",
            "\"\\udc00x\"",
            "\"a\0b\"",
            "'a'",
            "",
            "]",
            lists.as_str(),
            objects.as_str(),
            closed.as_str(),
        ] {
            let answer = answer(&server, &chat(&format!(", \"{name}\": {value}"))).expect("an answer");
            let shown: String = value.chars().take(20).collect();
            assert_eq!(answer.status, 400, "{name}: {shown}");
            assert!(answer.message().starts_with("invalid JSON body: "), "{shown}: {}", answer.message());
        }
    }
    let [start, end] = ["{\"messages\": [{\"role\": \"user\", \"content\": \"", "\"}]}"].map(str::as_bytes);
    for (body, word) in [
        ([start, b"\xff\xfe", end].concat(), "invalid unicode"),
        ([start, b"\xed\xa0\x80", end].concat(), "invalid unicode"),
        (b"{\"\xff\": 1}".to_vec(), "invalid unicode"),
        (b"{}{}".to_vec(), "trailing characters"),
        (b"{\0}".to_vec(), "key must be a string"),
        (b"\xff\xfe{\0}\0".to_vec(), "invalid JSON body"),
    ] {
        let answer = answer(&server, &post("", &body)).expect("an answer");
        assert_eq!(answer.status, 400, "{word}");
        assert!(answer.message().contains(word), "{}", answer.message());
    }
    let null = answer(&server, &post("", &[start, b"a\\u0000b", end].concat())).expect("an answer");
    assert_eq!(null.status, 200, "a character like others: {null:?}");
    works(&server, "what is not JSON");
}

#[test]
fn numbers_out_of_their_ranges_are_refused_by_name() {
    let server = start();
    for (name, value) in [
        ("temperature", "18446744073709551616"),
        ("seed", "18446744073709551616"),
        ("seed", "9223372036854775808"),
        ("seed", "1.5"),
        ("top_logprobs", "-1"),
        ("min_p", "1e308"),
        ("timeout", "1e300"),
        ("timeout", "-0.0"),
        ("priority", "-9223372036854775809"),
        ("n", "4294967296"),
    ] {
        let answer = answer(&server, &chat(&format!(", \"{name}\": {value}"))).expect("an answer");
        assert_eq!(
            (answer.status, answer.json()["param"].as_str()),
            (400, Some(name)),
            "{value}: {}",
            answer.message()
        );
    }
}

#[test]
fn names_of_requests_are_short_text_or_refused() {
    let server = start();
    let long = "a".repeat(10_000);
    for path in ["/health", "/v1/messages", "/v1/responses", "/nowhere"] {
        for name in [long.as_bytes(), b"\xff\xfe", b"a\r\nx-request-id: b"] {
            let head = [&b"x-request-id: "[..], name, b"\r\n"].concat();
            let line = format!("GET {path} HTTP/1.1\r\nhost: a\r\n");
            let answer = answer(&server, &[line.as_bytes(), &head, b"\r\n"].concat()).expect("an answer");
            assert_eq!(answer.status, 400, "{path}");
            assert!(answer.message().starts_with("x-request-id: found "), "{}", answer.message());
            assert!(answer.header("x-request-id").is_some_and(|name| name.len() == 32));
        }
    }
    let named = answer(&server, &post("x-request-id: mine\r\n", b"{}")).expect("an answer");
    assert_eq!((named.status, named.header("x-request-id")), (400, Some("mine")));
}

#[test]
fn other_methods_are_405_and_other_paths_404_in_the_form_of_their_api() {
    let server = start();
    let document = answer(&server, &request("GET /openapi.json", "", b"")).expect("an answer").json();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 15);
    let mut socket = Socket::connect(&server);
    for (path, operations) in paths {
        let path = path.replace(['{', '}'], "");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            if operations.get(method.to_ascii_lowercase()).is_some() {
                continue;
            }
            assert!(socket.send(&request(&format!("{method} {path}"), "", b"")));
            let answer = socket.answer().expect("an answer");
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.header("allow").is_some_and(|allowed| !allowed.is_empty()), "{method} {path}");
            assert_eq!(answer.message(), format!("{path} does not take {method}"));
        }
    }
    for path in ["/nowhere", "/v1", "/v1/messages/a", "/v1/responses/a/b", "/docs/../a", "/docs/%2e%2e%2fa"] {
        assert!(socket.send(&request(&format!("GET {path}"), "", b"")));
        let answer = socket.answer().expect("an answer");
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.message().is_empty());
    }
}

#[test]
fn connections_without_requests_keep_nobody_out() {
    let server = start();
    let idle: Vec<Socket> = (0..100).map(|_| Socket::connect(&server)).collect();
    let halves: Vec<Socket> = (0..50)
        .map(|index| {
            let mut socket = Socket::connect(&server);
            let whole = chat("");
            assert!(socket.send(&whole[..whole.len() * index / 50]));
            socket
        })
        .collect();
    works(&server, "silence");
    drop((idle, halves));
    works(&server, "their end");
}
