//! [`Unread`]: what an answer leaves of its request's body.
//!
//! An answer may be ready before the request has been read: the route is unknown, the key is wrong, the content type is
//! not JSON. Clients send their next request on the same connection, which hyper closes without telling them while
//! bytes of the body are still on their way. So the rest is taken first, and where that would take too long the answer
//! says that the connection ends (RFC 9112, 9.3).

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

use super::body;

type Slot = Arc<Mutex<Option<Body>>>;

/// Where the body of a request comes back to, unless it was read to its end.
#[derive(Debug)]
pub(super) struct Unread {
    slot: Slot,
    /// Whether the client sends the body only when it is asked to.
    asks_first: bool,
}

impl Unread {
    /// Watches the body of `request`.
    pub(super) fn watch(request: Request) -> (Request, Self) {
        let asks_first = request.headers().contains_key(header::EXPECT);
        let slot = Slot::default();
        let back = Arc::clone(&slot);
        let lend = |body: Body| if body.is_end_stream() { body } else { Body::new(Lent { body, back }) };
        (request.map(lend), Self { slot, asks_first })
    }

    /// Takes what is left, so that the connection can carry another request, or marks the answer as its last one.
    pub(super) async fn take(self, response: &mut Response) {
        let rest = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(rest) = rest else { return };
        // Taking a byte would tell a client that asks first to send it all.
        if self.asks_first || !body::discard(&mut rest.into_data_stream()).await {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// A body on its way through a handler.
struct Lent {
    body: Body,
    back: Slot,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            // Nothing more comes.
            self.body = Body::empty();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            let rest = std::mem::take(&mut self.body);
            *self.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    use futures_util::{StreamExt, stream};

    use super::*;

    type Chunk = io::Result<Bytes>;

    /// A body of three chunks, whose length nobody knows.
    fn chunks() -> Body {
        Body::from_stream(stream::iter(["a", "b", "c"].map(|text| Chunk::Ok(Bytes::from(text)))))
    }

    /// Whether the connection ends after an answer to `request`, of whose body `read` chunks are read.
    async fn ends(request: Request, read: usize) -> bool {
        let (request, unread) = Unread::watch(request);
        let mut chunks = request.into_body().into_data_stream();
        for _ in 0..read {
            let _ = chunks.next().await;
        }
        drop(chunks);
        let mut response = StatusCode::NOT_FOUND.into_response();
        unread.take(&mut response).await;
        response.headers().get(header::CONNECTION).is_some_and(|value| value == "close")
    }

    #[tokio::test]
    async fn a_connection_stays_when_the_rest_has_come() {
        assert!(!ends(Request::new(Body::empty()), 0).await, "no body");
        assert!(!ends(Request::new(Body::from("text")), 0).await);
        for read in 0..5 {
            assert!(!ends(Request::new(chunks()), read).await, "{read}");
        }
    }

    #[tokio::test]
    async fn a_connection_ends_when_the_rest_does_not_come() {
        let silent = || Body::from_stream(stream::pending::<Chunk>());
        assert!(ends(Request::new(silent()), 0).await);
        let broken = Body::from_stream(stream::iter([Chunk::Err(io::Error::other("gone"))]));
        assert!(ends(Request::new(broken), 0).await);
    }

    #[tokio::test]
    async fn a_client_that_asks_first_is_not_told_to_send() {
        let asking =
            |body| Request::builder().header("expect", "100-continue").body(body).expect("a request");
        assert!(ends(asking(chunks()), 0).await);
        assert!(!ends(asking(chunks()), 4).await, "it was read");
    }

    #[tokio::test]
    async fn the_length_of_a_body_stays_known() {
        let (request, _unread) = Unread::watch(Request::new(Body::from("text")));
        assert_eq!(request.body().size_hint().exact(), Some(4));
    }
}
