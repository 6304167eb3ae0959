//! [`serve`]: connections from the first byte to the last. The loop is that of `axum::serve`, with a limit on the time
//! that a client may take for the head of a request.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// From the end of one answer, or from connecting, to the last line of the next request's head. Proxies close idle
/// connections after 60 s and must be the first to do so: a request on a connection that the server is closing is lost.
const HEAD: Duration = Duration::from_secs(75);
/// Pause after a connection could not be accepted, for instance because there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the connections of `listener` until `stop` is ready and the running requests have been answered.
pub(super) async fn serve(listener: TcpListener, routes: Router, stop: impl Future<Output = ()>) {
    // Every connection keeps a receiver for as long as it lives.
    let (closing, on_close) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.as_mut() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(stream, routes.clone(), on_close.clone());
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%peer, %error, "a connection broke off");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    drop(on_close);
    closing.send_replace(true);
    closing.closed().await;
}

/// Answers the requests of one connection.
async fn connection(
    stream: TcpStream,
    routes: Router,
    mut on_close: watch::Receiver<bool>,
) -> hyper::Result<()> {
    // Events are small packets, and each must be sent at once. Without it they come later, but they come.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        // An error means that the loop is gone, which is the same request to end.
        _ = on_close.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}
