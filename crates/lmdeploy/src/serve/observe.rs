//! [`observe`]: what happens to every request: its name, its line in the log, its count, and the form of its errors.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;

use super::App;
use super::calls::{OpenCall, RequestName};
use super::forms::Form;
use super::routes::{Access, access};
use crate::protocol::ErrorBody;

/// Header by which client and server name a request in their logs.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What paths without a route are counted as, so that strangers cannot make up labels.
const NO_ROUTE: &str = "other";
/// Status of a request whose client went away before the answer; nobody sees it but the log.
const CLIENT_GONE: u16 = 499;
/// Content type of an event stream, which ends long after the head of the answer.
const EVENT_STREAM: &[u8] = b"text/event-stream";

/// A request until the end of its answer, when it is logged and counted.
struct Observed {
    app: App,
    open: OpenCall,
    method: Method,
    route: String,
    access: Access,
    started: Instant,
    status: u16,
    /// The message of an error.
    message: Option<String>,
}

/// Names a request, waits for a place when only so many may be handled at the same time, answers it, and logs it.
pub(super) async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let access = route.as_deref().map_or(Access::Keyed, access);
    let (method, form) = (request.method().clone(), Form::of(request.uri().path()));
    let number = app.calls.number();
    let header = match request.headers().get(&REQUEST_ID) {
        Some(sent) if !sent.is_empty() => sent.clone(),
        // Digits are text.
        _ => HeaderValue::try_from(format!("req-{:x}-{number:x}", app.responder.model().created))
            .unwrap_or_else(|_| HeaderValue::from(number)),
    };
    let name = String::from_utf8_lossy(header.as_bytes()).into_owned();
    let place = if access == Access::Inference { Some(app.place().await) } else { None };
    let open = app.calls.open(number, name.clone(), place);
    let call = open.call.clone();
    request.extensions_mut().insert(RequestName(name.clone()));
    let route = route.unwrap_or_else(|| NO_ROUTE.to_owned());
    let mut observed =
        Observed { app, open, method, route, access, started, status: CLIENT_GONE, message: None };
    let response = call.run(next.run(request)).await;
    let mut response = form.dress(response, &name);
    response.headers_mut().insert(REQUEST_ID, header);
    observed.status = response.status().as_u16();
    observed.message = response.extensions().get::<ErrorBody>().map(|body| body.message().to_owned());
    until_the_end(response, observed)
}

/// Keeps `observed` for as long as the body of a stream; other bodies are complete already.
fn until_the_end(response: Response, observed: Observed) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM)) {
        return response;
    }
    let (head, body) = response.into_parts();
    let chunks = body.into_data_stream().map(move |chunk| {
        // The closure owns it: it ends with the stream, or when the client goes away.
        let _: &Observed = &observed;
        chunk
    });
    Response::from_parts(head, Body::from_stream(chunks))
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.app.http.count(&self.route, self.status);
        let (prompt_tokens, generated_tokens) = self.open.call.tokens();
        let (request, method, route, status) =
            (self.open.call.name(), &self.method, &self.route, self.status);
        let ms = self.started.elapsed().as_millis() as u64;
        match &self.message {
            Some(error) if status >= 500 => {
                tracing::warn!(request, %method, route, status, ms, error, "request failed");
            }
            Some(error) => tracing::info!(request, %method, route, status, ms, error, "request refused"),
            // Probes would fill the log.
            None if matches!(self.access, Access::Public | Access::Metrics) => {
                tracing::debug!(request, %method, route, status, ms, "request");
            }
            None => {
                tracing::info!(request, %method, route, status, ms, prompt_tokens, generated_tokens, "request");
            }
        }
    }
}
