//! A service on loopback that answers as a test says and remembers what it was asked.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tokio::sync::oneshot;

/// Maximum size of a request, bytes.
const LIMIT: usize = 1 << 20;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    /// The value of a header; empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

type Answer = dyn Fn(&Seen) -> Response + Send + Sync;

#[derive(Clone)]
struct Shared {
    answer: Arc<Answer>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A running service; it stops when it is dropped.
pub(crate) struct MockService {
    /// Address without a slash at the end.
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Option<oneshot::Sender<()>>,
}

impl MockService {
    /// Starts a service with this answer to every request.
    pub(crate) fn start(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("can be polled");
        let url = format!("http://{}", listener.local_addr().expect("has an address"));
        let shared = Shared { answer: Arc::new(answer), seen: Arc::default() };
        let seen = Arc::clone(&shared.seen);
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let router = Router::new().fallback(remember).with_state(shared);
                let stopping = async {
                    let _ = stopped.await;
                };
                axum::serve(listener, router).with_graceful_shutdown(stopping).await.expect("serves");
            });
        });
        Self { url, seen, stop: Some(stop) }
    }

    /// The requests so far, in order of arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for MockService {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

async fn remember(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, LIMIT).await.unwrap_or_default();
    let seen = Seen {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen.clone());
    (shared.answer)(&seen)
}

/// An answer of a type.
pub(crate) fn answer(status: u16, kind: &str, body: impl Into<Body>) -> Response {
    let status = StatusCode::from_u16(status).expect("is a status");
    Response::builder().status(status).header(CONTENT_TYPE, kind).body(body.into()).expect("is an answer")
}

/// An answer in JSON.
pub(crate) fn json_answer(value: &serde_json::Value) -> Response {
    answer(200, "application/json", value.to_string())
}

/// A redirect to another address.
pub(crate) fn redirect(target: &str) -> Response {
    Response::builder().status(302).header(LOCATION, target).body(Body::empty()).expect("is an answer")
}
