//! [`Server`]: listening, serving until told to stop, draining.

use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use super::{App, router};
use crate::{Error, Result};

/// Where to listen, and how to stop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServeConfig {
    /// Host name or address. Default 0.0.0.0, as upstream.
    pub host: String,
    /// Port; 0 takes a free one. Default 23333, as upstream.
    pub port: u16,
    /// How long requests under way may take once the server is told to stop. Default 30 s.
    pub drain_timeout: Duration,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self { host: "0.0.0.0".to_owned(), port: 23333, drain_timeout: Duration::from_secs(30) }
    }
}

/// A server that listens already.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: ServeConfig,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// [`Error::Listen`] when the address is in use, not this machine's, or not allowed.
    pub async fn bind(config: ServeConfig) -> Result<Self> {
        let fail = |error: std::io::Error| Error::Listen {
            address: format!("{}:{}", config.host, config.port),
            message: match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "the port is in use: stop what listens there, or choose another with --server-port \
                     (0 takes a free one)"
                        .to_owned()
                }
                _ => format!("cannot listen: {error}"),
            },
        };
        let listener = TcpListener::bind((config.host.as_str(), config.port)).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        Ok(Self { listener, address, config })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL that reaches it from this machine.
    #[must_use]
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{address}")
    }

    /// Serves until `stop` is ready, then takes no new requests and waits for those under way, but not longer
    /// than the drain timeout.
    ///
    /// # Errors
    /// [`Error::Listen`] when accepting connections fails for good.
    pub async fn run(self, app: App, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let address = self.address.to_string();
        // Tokens are small packets: each goes out at once.
        let listener = self.listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        let (stopped, mut on_stop) = tokio::sync::watch::channel(false);
        let draining = app.clone();
        let graceful = async move {
            stop.await;
            draining.drain();
            // The receiver below outlives this future.
            let _ = stopped.send(true);
        };
        let serving = axum::serve(listener, router(app)).with_graceful_shutdown(graceful);
        let limit = async {
            // The sender is only dropped after sending.
            let _ = on_stop.wait_for(|stopped| *stopped).await;
            tokio::time::sleep(self.config.drain_timeout).await;
        };
        tokio::select! {
            served = serving => {
                served.map_err(|error| Error::Listen { address, message: error.to_string() })
            }
            () = limit => {
                tracing::warn!("requests are still running after the drain timeout: they are cancelled");
                Ok(())
            }
        }
    }
}
