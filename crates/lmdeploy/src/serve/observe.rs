//! [`observe`]: what happens to every request: its name, its line in the log, its count, and the form of its errors.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, StreamExt};

use super::calls::{OpenCall, RequestName};
use super::failure::Failure;
use super::forms::Form;
use super::header::once;
use super::other_paths::listed;
use super::routes::{Access, access};
use super::unread::Unread;
use super::{App, auth};
use crate::Error;
use crate::protocol::ErrorBody;

/// Header by which client and server name a request in their logs.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Maximum length of a client's name for a request, as OpenAI's `X-Client-Request-Id` has it.
const NAME_LENGTH: usize = 512;
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
    let route = request.extensions().get::<MatchedPath>().map(|path| listed(path.as_str()).into_owned());
    let access = route.as_deref().map_or(Access::Keyed, access);
    let (method, form) = (request.method().clone(), Form::of(request.uri().path()));
    let number = app.calls.number();
    // Digits are text.
    let own = || {
        HeaderValue::try_from(own_name(app.responder.model().created, number))
            .unwrap_or_else(|_| HeaderValue::from(number))
    };
    let (header, refused) = match sent_name(request.headers()) {
        Ok(sent) => (sent.unwrap_or_else(own), None),
        Err(failure) => (own(), Some(failure)),
    };
    let name = String::from_utf8_lossy(header.as_bytes()).into_owned();
    // Strangers take no place from others.
    let waits = access == Access::Inference && refused.is_none() && auth::is_allowed(&app, access, &request);
    let place = if waits { Some(app.place().await) } else { None };
    let open = app.calls.open(number, name.clone(), place);
    let call = open.call.clone();
    request.extensions_mut().insert(RequestName(name.clone()));
    let (request, unread) = Unread::watch(request);
    let route = route.unwrap_or_else(|| NO_ROUTE.to_owned());
    let mut observed =
        Observed { app, open, method, route, access, started, status: CLIENT_GONE, message: None };
    let response = match refused {
        Some(failure) => {
            drop(request);
            failure.into_response()
        }
        None => answer(call.run(next.run(request))).await,
    };
    let mut response = form.dress(response, &name);
    unread.take(&mut response).await;
    response.headers_mut().insert(REQUEST_ID, header);
    observed.status = response.status().as_u16();
    observed.message = response.extensions().get::<ErrorBody>().map(|body| body.message().to_owned());
    until_the_end(response, observed)
}

/// A name for a request that has none: 32 hexadecimal digits, as peers make them, from the start of the server in Unix
/// seconds, its process and the number of the request.
fn own_name(started: u64, number: u64) -> String {
    format!("{started:012x}{:08x}{number:012x}", std::process::id())
}

/// The name that the client gave to the request, if any.
fn sent_name(headers: &HeaderMap) -> Result<Option<HeaderValue>, Failure> {
    let Some(sent) = once(headers, &REQUEST_ID)?.filter(|sent| !sent.is_empty()) else { return Ok(None) };
    if sent.len() > NAME_LENGTH || sent.to_str().is_err() {
        let message =
            format!("found {} bytes, expected at most {NAME_LENGTH} printable ASCII characters", sent.len());
        return Err(Failure(Error::field(REQUEST_ID.as_str(), message)));
    }
    Ok(Some(sent.clone()))
}

/// Waits for the answer of a handler. A panic is an answer like others: without one the connection would break off.
async fn answer(handler: impl Future<Output = Response>) -> Response {
    let panicked = |_| Failure::new(500, "the request failed by a fault of the server").into_response();
    AssertUnwindSafe(handler).catch_unwind().await.unwrap_or_else(panicked)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(names: &[&[u8]]) -> Result<Option<HeaderValue>, String> {
        let value = |name: &&[u8]| (REQUEST_ID, HeaderValue::from_bytes(name).expect("a value"));
        let headers: HeaderMap = names.iter().map(value).collect();
        sent_name(&headers).map_err(|Failure(error)| error.to_string())
    }

    #[test]
    fn own_names_differ_and_have_one_length() {
        let names =
            [own_name(0, 0), own_name(1_800_000_000, 1), own_name(1_800_000_000, u64::from(u32::MAX))];
        assert!(names.iter().all(|name| name.len() == 32), "{names:?}");
        assert!(names[0] != names[1] && names[1] != names[2]);
    }

    #[test]
    fn names_of_requests_are_short_text() {
        assert_eq!((sent(&[]), sent(&[b""])), (Ok(None), Ok(None)));
        let long = [b'a'; NAME_LENGTH + 1];
        for name in [&b"mine"[..], &long[1..]] {
            let expected = HeaderValue::from_bytes(name).expect("a value");
            assert_eq!(sent(&[name]), Ok(Some(expected)));
        }
        for (name, length) in [(&long[..], 513), (&b"\xff\xfe"[..], 2)] {
            let told = format!(
                "x-request-id: found {length} bytes, expected at most 512 printable ASCII characters"
            );
            assert_eq!(sent(&[name]), Err(told));
        }
        assert!(sent(&[b"a", b"b"]).is_err_and(|told| told.contains("two different values")));
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let broken = answer(async { panic!("scripted") }).await;
        assert_eq!(broken.status(), 500);
        assert!(broken.extensions().get::<ErrorBody>().is_some());
    }
}
