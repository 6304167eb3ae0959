//! Serving over streamable HTTP, on the path `/mcp`.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::serve::ListenerExt;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::ToolServer;
use super::keys::{Keys, check_key};
use crate::mcp::McpError;

/// The path of the only route.
const PATH: &str = "/mcp";
/// How long connections may take to close at the end. One on which nothing was ever asked does not close by itself.
const LAST: Duration = Duration::from_secs(2);
/// Names of this machine that a `Host` header may always have.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Who may call a server over HTTP.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct HttpConfig {
    /// Keys, one of which every request must send as `Authorization: Bearer KEY`. Callers with different keys share
    /// neither sessions nor files. Without keys only this machine may call.
    pub keys: Vec<String>,
    /// Further names of this machine that a `Host` header may have, besides `localhost`. Requests for other names are
    /// refused: a web page in a browser could have sent them.
    pub hosts: Vec<String>,
}

/// Without the keys.
impl std::fmt::Debug for HttpConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys = self.keys.len();
        formatter.debug_struct("HttpConfig").field("keys", &keys).field("hosts", &self.hosts).finish()
    }
}

impl ToolServer {
    /// Serves until `end` is there, then answers no new requests, ends the running ones and closes all connections.
    /// Those that do not close within two seconds are left to the runtime.
    ///
    /// # Errors
    /// [`McpError::Serve`] when other machines could reach the listener although there are no keys, and when the
    /// listener fails.
    pub async fn serve_http(
        self,
        listener: TcpListener,
        config: HttpConfig,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), McpError> {
        let failed = |message: String| McpError::Serve { message };
        let address = listener.local_addr().map_err(|error| failed(error.to_string()))?;
        check_open(address, &config).map_err(failed)?;
        let hosts = LOOPBACK.iter().copied().map(str::to_owned).chain([address.ip().to_string()]);
        let settings = StreamableHttpServerConfig::default()
            .with_allowed_hosts(hosts.chain(config.hosts))
            .enforce_origin_validation();
        let closing = settings.cancellation_token.clone();
        let service: StreamableHttpService<Self, LocalSessionManager> =
            StreamableHttpService::new(move || Ok(self.clone()), Default::default(), settings);
        let router = Router::new()
            .route_service(PATH, service)
            .layer(from_fn_with_state(Keys::new(&config.keys), check_key));
        // Answers are small and many: none should wait for the next one.
        let listener = listener.tap_io(|stream| {
            // A connection that is gone already fails at its first read.
            let _ = stream.set_nodelay(true);
        });
        let (ended, on_end) = oneshot::channel::<()>();
        let end = async move {
            end.await;
            // Streams of events never end by themselves.
            closing.cancel();
            // The receiver below outlives this future, unless all connections are closed.
            let _ = ended.send(());
        };
        let limit = async {
            if on_end.await.is_err() {
                // The server has failed, which the other branch tells.
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(LAST).await;
        };
        tokio::select! {
            served = axum::serve(listener, router).with_graceful_shutdown(end).into_future() => {
                served.map_err(|error| McpError::Serve { message: error.to_string() })
            }
            () = limit => Ok(()),
        }
    }
}

/// Checks that only this machine can call a server without keys.
fn check_open(address: SocketAddr, config: &HttpConfig) -> Result<(), String> {
    if config.keys.is_empty() && !address.ip().is_loopback() {
        return Err(format!("found no keys for {address}, expected keys where other machines can call"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_need_a_key() {
        let open = HttpConfig::default();
        let closed = HttpConfig { keys: vec!["secret".to_owned()], ..HttpConfig::default() };
        let (here, everywhere) =
            (SocketAddr::from(([127, 0, 0, 1], 80)), SocketAddr::from(([0, 0, 0, 0], 80)));
        assert!(check_open(here, &open).is_ok() && check_open(everywhere, &closed).is_ok());
        let message = check_open(everywhere, &open).expect_err("open to everybody");
        assert_eq!(message, "found no keys for 0.0.0.0:80, expected keys where other machines can call");
        assert!(!format!("{closed:?}").contains("secret"));
    }
}
