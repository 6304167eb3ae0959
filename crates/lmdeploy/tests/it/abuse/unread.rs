//! Requests that are answered before their bodies are read: the connection carries the next one, or says that it ends.

use std::time::Duration;

use super::socket::Socket;
use super::{start, works};

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n";

/// Requests that nothing of the body decides, with their status.
const REFUSED: [(&str, &str, u16); 5] = [
    ("POST /nowhere", "", 404),
    ("PUT /v1/models", "", 405),
    ("POST /v1/models", "", 405),
    ("POST /update_weights_from_ipc", "", 501),
    ("POST /v1/chat/completions", "content-type: text/plain\r\n", 400),
];

fn head(line: &str, headers: &str, length: usize) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nhost: a\r\n{headers}content-length: {length}\r\n\r\n").into_bytes()
}

/// Whether the connection is closed, without anything more.
fn is_closed(socket: &mut Socket) -> bool {
    socket.rest().is_empty()
}

#[test]
fn the_next_request_is_answered_whenever_the_body_comes() {
    let server = start();
    for (line, headers, status) in REFUSED {
        for length in [50, 300_000] {
            let mut socket = Socket::connect(&server);
            for round in 0..3 {
                assert!(socket.send(&head(line, headers, length)), "{line} {length} {round}");
                std::thread::sleep(Duration::from_millis(20));
                assert!(socket.send(&vec![b'x'; length]), "{line} {length} {round}");
                let answer = socket.answer().unwrap_or_else(|| panic!("{line} {length} {round}"));
                assert_eq!((answer.status, answer.header("connection")), (status, None), "{line}");
            }
            assert!(socket.send(HEALTH));
            assert_eq!(socket.answer().map(|answer| answer.status), Some(200), "{line} {length}");
        }
    }
    works(&server, "bodies that nobody read");
}

#[test]
fn a_connection_whose_body_does_not_come_ends_with_the_answer() {
    let server = start();
    let mut sockets: Vec<(Socket, u16)> = Vec::new();
    for (line, headers, status) in REFUSED {
        let mut socket = Socket::connect(&server);
        assert!(socket.send(&head(line, headers, 1000)));
        sockets.push((socket, status));
    }
    for (mut socket, status) in sockets {
        let answer = socket.answer().expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")));
        assert!(is_closed(&mut socket));
    }
    works(&server, "bodies that did not come");
}

#[test]
fn a_client_that_asks_first_is_refused_at_once() {
    let server = start();
    for (line, headers) in
        [("POST /nowhere", ""), ("POST /v1/chat/completions", "content-type: text/plain\r\n")]
    {
        let mut socket = Socket::connect(&server);
        assert!(socket.send(&head(line, &format!("{headers}expect: 100-continue\r\n"), 1000)));
        let answer = socket.answer().expect("an answer");
        assert!((400..500).contains(&answer.status), "{}", answer.head);
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(is_closed(&mut socket));
    }
    works(&server, "clients that asked");
}
