//! [`read`]: the bytes of a request's body, when there are not too many of them and they do not come too slowly.

use std::time::Duration;

use axum::body::{BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::Failure;

/// Maximum size of a request body in bytes.
const LIMIT: usize = 32 << 20;
/// How long a client may send nothing.
const PAUSE: Duration = Duration::from_secs(30);
/// Bytes per second that a client must send on average after the first pause.
const RATE: f64 = (64 << 10) as f64;
/// How much of a body that nobody wants is taken before the answer.
const DISCARDED: usize = 4 * LIMIT;
/// How long it is taken, and how long it may pause meanwhile.
const DISCARDING: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(2)];

/// Reads the body of a request to its end.
///
/// # Errors
/// 413 when it is too large, 408 when it comes too slowly, 400 when it breaks off.
pub(super) async fn read(request: Request) -> Result<Bytes, Failure> {
    read_within(request, PAUSE).await
}

async fn read_within(request: Request, pause: Duration) -> Result<Bytes, Failure> {
    let asks_first = request.headers().contains_key(header::EXPECT);
    let body = request.into_body();
    let too_large = body.size_hint().lower() > LIMIT as u64;
    if too_large && asks_first {
        // Taking a byte would tell the client to send it all.
        return Err(refusal());
    }
    let mut chunks = body.into_data_stream();
    if too_large {
        return Err(too_large_after(&mut chunks).await);
    }
    let begun = Instant::now();
    let mut bytes = Vec::new();
    loop {
        let due = begun + pause + Duration::from_secs_f64(bytes.len() as f64 / RATE);
        let chunk = timeout_at(due.min(Instant::now() + pause), chunks.next());
        match chunk.await {
            Ok(Some(Ok(chunk))) if bytes.len() + chunk.len() > LIMIT => {
                drop(bytes);
                return Err(too_large_after(&mut chunks).await);
            }
            Ok(Some(Ok(chunk))) => bytes.extend_from_slice(&chunk),
            Ok(Some(Err(error))) => {
                let message = format!("request body: it broke off after {} bytes: {error}", bytes.len());
                return Err(Failure::new(400, message));
            }
            Ok(None) => return Ok(bytes.into()),
            Err(_) => {
                let message = format!("request body: it came too slowly: {} bytes so far", bytes.len());
                return Err(Failure::new(408, message));
            }
        }
    }
}

/// Takes what is on its way, and then refuses it. Many clients read the answer only after they have sent everything,
/// and would see a connection that breaks off instead.
async fn too_large_after(chunks: &mut BodyDataStream) -> Failure {
    // What has not come by then is not waited for.
    let _ = discard(chunks).await;
    refusal()
}

/// Takes the rest of a body, unless it is too much or comes too slowly; whether that was all of it.
pub(super) async fn discard(chunks: &mut BodyDataStream) -> bool {
    let [whole, pause] = DISCARDING;
    let all = async {
        let mut left = DISCARDED;
        while left > 0 {
            match timeout(pause, chunks.next()).await {
                Ok(Some(Ok(chunk))) => left = left.saturating_sub(chunk.len()),
                Ok(None) => return true,
                _ => return false,
            }
        }
        false
    };
    timeout(whole, all).await.unwrap_or(false)
}

fn refusal() -> Failure {
    Failure::new(413, "the request body is larger than 32 MiB")
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    type Chunk = io::Result<Bytes>;

    fn mebibytes(count: usize) -> impl futures_util::Stream<Item = Chunk> + Send {
        stream::iter((0..count).map(|_| Ok(Bytes::from(vec![b' '; 1 << 20]))))
    }

    async fn refused(body: Body) -> (u16, String) {
        let read = read_within(Request::new(body), Duration::from_millis(20));
        let Failure(error) = read.await.expect_err("refused");
        let text = error.to_string();
        match error {
            crate::Error::Refused { status, .. } => (status, text),
            _ => (0, text),
        }
    }

    #[tokio::test]
    async fn a_body_may_have_32_mebibytes() {
        let read = |body: Body| async { read(Request::new(body)).await.expect("read") };
        assert_eq!(read(Body::from("{}")).await, "{}");
        assert_eq!(read(Body::from_stream(mebibytes(32))).await.len(), 32 << 20);
        let large = (413, "the request body is larger than 32 MiB".to_owned());
        assert_eq!(refused(Body::from_stream(mebibytes(33))).await, large);
        assert_eq!(refused(Body::from(vec![b' '; (32 << 20) + 1])).await, large, "by its length");
        let endless = stream::repeat_with(|| Chunk::Ok(Bytes::from(vec![b' '; 1 << 20])));
        assert_eq!(refused(Body::from_stream(endless)).await, large);
    }

    #[tokio::test]
    async fn a_body_that_stops_is_not_waited_for() {
        let silent = Body::from_stream(stream::pending::<Chunk>());
        assert_eq!(
            refused(silent).await,
            (408, "request body: it came too slowly: 0 bytes so far".to_owned())
        );
        let stops = stream::iter([Ok(Bytes::from("{"))]).chain(stream::pending::<Chunk>());
        let told = (408, "request body: it came too slowly: 1 bytes so far".to_owned());
        assert_eq!(refused(Body::from_stream(stops)).await, told);
    }

    #[tokio::test]
    async fn a_body_that_trickles_is_not_waited_for() {
        // A byte each time, and never a pause.
        let trickle = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Chunk::Ok(Bytes::from(" ")), ()))
        });
        let (status, told) = refused(Body::from_stream(trickle)).await;
        assert!(status == 408 && told.contains("came too slowly"), "{told}");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_told() {
        let broken = stream::iter([Ok(Bytes::from("{")), Err(io::Error::other("gone"))]);
        let (status, told) = refused(Body::from_stream(broken)).await;
        assert_eq!((status, told.as_str()), (400, "request body: it broke off after 1 bytes: gone"));
    }
}
