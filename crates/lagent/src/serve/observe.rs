//! [`observe`]: what happens to every request: its name, its line in the log, its count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::failure::{Failure, FailureMessage};

/// Header by which client and server name a request in their logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Maximum length of a client's name for a request, as OpenAI's `X-Client-Request-Id` has it.
const NAME_LENGTH: usize = 512;
/// What paths without a route are counted as, so that strangers cannot make up labels.
const NO_ROUTE: &str = "other";
/// Status of a request whose client went away before the answer; nobody sees it but the log.
const CLIENT_GONE: u16 = 499;
/// Number of requests of this process that had no name.
static UNNAMED: AtomicU64 = AtomicU64::new(0);

/// A request until its answer begins, when it is logged and counted.
struct Observed {
    app: App,
    request: HeaderValue,
    method: String,
    route: String,
    started: Instant,
    status: u16,
    message: Option<String>,
}

/// Names a request, answers it, counts it and logs it.
pub(super) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| NO_ROUTE.to_owned(), |path| path.as_str().to_owned());
    let name = name(&app, request.headers());
    let mut observed = Observed {
        app,
        request: name.clone(),
        method: request.method().to_string(),
        route,
        started: Instant::now(),
        status: CLIENT_GONE,
        message: None,
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let mut response = if query.is_empty() {
        next.run(request).await
    } else {
        // A parameter would be passed over silently.
        Failure::field("query", format_args!("found `{query}`, expected no parameters")).into_response()
    };
    response.headers_mut().insert(REQUEST_ID, name);
    observed.status = response.status().as_u16();
    observed.message = response.extensions().get::<FailureMessage>().map(|message| message.0.clone());
    response
}

/// The client's name of the request, or one that the server makes.
fn name(app: &App, headers: &HeaderMap) -> HeaderValue {
    let sent = headers.get(REQUEST_ID);
    let sent = sent.filter(|name| !name.is_empty() && name.len() <= NAME_LENGTH && name.to_str().is_ok());
    sent.cloned().unwrap_or_else(|| {
        let number = UNNAMED.fetch_add(1, Ordering::Relaxed);
        let name = format!("{:012x}{:08x}{number:012x}", app.started, std::process::id());
        // Digits are text.
        HeaderValue::try_from(name).unwrap_or_else(|_| HeaderValue::from(number))
    })
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.app.counts.answer(&self.route, self.status);
        let (method, route, status) = (self.method.as_str(), self.route.as_str(), self.status);
        let request = self.request.to_str().unwrap_or_default();
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &self.message {
            Some(error) if status >= 500 => {
                tracing::warn!(request, method, route, status, ms, error, "request failed");
            }
            Some(error) => tracing::info!(request, method, route, status, ms, error, "request refused"),
            None => tracing::debug!(request, method, route, status, ms, "request"),
        }
    }
}
