//! Clients that keep a connection waiting, and the end of all connections.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::routing::get;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;

/// A request without a body.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
/// Time that nothing here comes near.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

/// A server that ends when `stop` is used or dropped.
struct Serving {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Serving {
    async fn start(routes: Router, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        Self { address, stop, served: tokio::spawn(serve(listener, routes, limits, stopped)) }
    }

    fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(self.address).expect("it listens");
        connection.set_read_timeout(Some(LONG)).expect("a time limit");
        connection
    }
}

fn greeting() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// Reads to the end of the greeting.
fn greeted(connection: &mut TcpStream) {
    let mut answer = Vec::new();
    let mut bytes = [0; 1024];
    while !answer.ends_with(b"hello") {
        let count = connection.read(&mut bytes).expect("an answer");
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&bytes[..count]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let serving = Serving::start(greeting(), Limits { head: SHORT, write: LONG }).await;
    let mut silent = serving.connect();
    silent.write_all(&REQUEST[..20]).expect("sends");
    assert_eq!(silent.read(&mut [0; 64]).expect("it is closed"), 0);
    let mut slow = serving.connect();
    slow.write_all(&REQUEST[..REQUEST.len() - 2]).expect("sends");
    let open = |_: &i32| {
        std::thread::sleep(Duration::from_millis(5));
        slow.write_all(b"x: 1\r\n").is_ok()
    };
    assert!((0..4000).take_while(open).count() < 4000, "one header after the other");
    greeted_after(&serving);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_may_be_used_again_for_a_while() {
    let serving = Serving::start(greeting(), Limits { head: SHORT, write: LONG }).await;
    let mut connection = serving.connect();
    for _ in 0..3 {
        connection.write_all(REQUEST).expect("sends");
        greeted(&mut connection);
    }
    assert_eq!(connection.read(&mut [0; 64]).expect("it is closed"), 0);
    greeted_after(&serving);
}

/// Checks that the server answers others.
fn greeted_after(serving: &Serving) {
    let mut next = serving.connect();
    next.write_all(REQUEST).expect("sends");
    greeted(&mut next);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_nobody_reads_is_given_up() {
    let ended = Arc::new(Notify::new());
    let told = Arc::clone(&ended);
    let endless = move || {
        let guard = OnDrop(Arc::clone(&told));
        async move {
            Body::from_stream(stream::repeat_with(move || {
                let _: &OnDrop = &guard;
                Ok::<_, std::io::Error>(Bytes::from(vec![0; 1 << 16]))
            }))
        }
    };
    let routes = greeting().route("/endless", get(endless));
    let serving = Serving::start(routes, Limits { head: LONG, write: SHORT }).await;
    let mut connection = serving.connect();
    connection.write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").expect("sends");
    tokio::time::timeout(LONG, ended.notified()).await.expect("its body is dropped");
    greeted_after(&serving);
}

/// Tells that the body which owns it has been dropped.
struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_waits_for_answers_and_not_for_idle_connections() {
    let (asked, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let both = (Arc::clone(&asked), Arc::clone(&release));
    let slow = move || {
        let (asked, release) = both.clone();
        async move {
            asked.notify_one();
            release.notified().await;
            "hello"
        }
    };
    let routes = greeting().route("/slow", get(slow));
    let serving = Serving::start(routes, Limits { head: LONG, write: LONG }).await;
    let mut idle = serving.connect();
    idle.write_all(REQUEST).expect("sends");
    greeted(&mut idle);
    let mut waiting = serving.connect();
    waiting.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").expect("sends");
    asked.notified().await;
    serving.stop.send(()).expect("it serves");
    assert_eq!(idle.read(&mut [0; 64]).expect("it is closed"), 0);
    assert!(!serving.served.is_finished());
    release.notify_one();
    greeted(&mut waiting);
    serving.served.await.expect("ends");
    assert!(TcpStream::connect(serving.address).is_err(), "nobody listens any more");
}
