//! [`serve`]: connections from the first byte to the last, with limits on the time that a client may keep them waiting.
//!
//! The loop is that of `axum::serve`, which sets no limits: a client that sends its headers byte by byte, or that never
//! reads its answer, would hold its connection for ever.

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;

use super::write_limit::WriteLimit;

/// Times that a client may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// From the end of one answer, or from connecting, to the last line of the next request's headers.
    pub(super) head: Duration,
    /// Without taking a byte of what is sent to it.
    pub(super) write: Duration,
}

impl Default for Limits {
    /// Proxies close idle connections after 60 s, and must be the first to do so: a request on a connection that the
    /// server is closing is lost.
    fn default() -> Self {
        Self { head: Duration::from_secs(75), write: Duration::from_secs(60) }
    }
}

/// Serves the connections of `listener` until `stop` is ready and the running requests have been answered.
///
/// When this is dropped earlier, each connection ends with the answer that it is sending.
pub(super) async fn serve<L: Listener<Addr: Debug>>(
    mut listener: L,
    routes: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    // Every connection keeps a receiver for as long as it lives.
    let (closing, on_close) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let (io, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.as_mut() => break,
        };
        let peer = format!("{peer:?}");
        let connection =
            connection(WriteLimit::new(io, limits.write), routes.clone(), limits, on_close.clone());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(peer, %error, "a connection broke off");
            }
        });
    }
    drop(listener);
    drop(on_close);
    closing.send_replace(true);
    closing.closed().await;
}

/// Answers the requests of one connection.
async fn connection<I>(
    io: WriteLimit<I>,
    routes: Router,
    limits: Limits,
    mut on_close: watch::Receiver<bool>,
) -> hyper::Result<()>
where
    WriteLimit<I>: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head);
    let connection = builder.serve_connection(TokioIo::new(io), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        // An error means that the loop is gone, which is the same request to end.
        _ = on_close.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

#[cfg(test)]
mod tests;
