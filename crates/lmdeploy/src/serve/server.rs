//! [`Server`]: it listens, serves until it is told to stop, and drains.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use super::connection::{self, Limits};
use super::cors::Cors;
use super::tls::{self, TlsListener};
use super::{App, metrics, router};
use crate::config::ServerConfig;
use crate::{Error, Result};

/// A server that listens. Nothing is answered before [`Server::run`].
///
/// ```
/// use lmdeploy::config::ServerConfig;
/// use lmdeploy::serve::{App, Server};
/// use lmdeploy::testing::MockModel;
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let pipeline = MockModel::from("hello").pipeline(); // or `Pipeline::load`
/// let config = ServerConfig::default().with_host("127.0.0.1").with_port(0);
/// let server = Server::bind(&config).await?;
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// let stop = async {}; // a signal, a channel, ...
/// server.run(App::new(pipeline.responder().clone()), stop).await
/// # })?;
/// # Ok::<(), lmdeploy::Error>(())
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    drain_timeout: Duration,
    cors: Option<Cors>,
    /// None for plain HTTP.
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Server {
    /// Listens on the address of `config`.
    ///
    /// # Errors
    /// [`Error::Listen`] when the address is in use, does not belong to this machine, or is not allowed;
    /// [`Error::Setting`] when the drain timeout is not a number of seconds, or an allowed origin is not an origin;
    /// [`Error::File`], [`Error::Content`] or [`Error::Tls`] when certificate or key cannot be used.
    pub async fn bind(config: &ServerConfig) -> Result<Self> {
        let drain_timeout = Duration::try_from_secs_f64(config.drain_timeout)
            .map_err(|_| Error::setting("drain-timeout", config.drain_timeout, "a number of seconds"))?;
        let (cors, tls) = (Cors::new(config)?, tls::load(config)?);
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
        Ok(Self { listener, address, drain_timeout, cors, tls })
    }

    /// The address it listens on; with port 0 in the settings, the port that the system chose.
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
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    /// Serves until `stop` is ready, or a client stops it where clients may. Then it takes no new requests and waits for
    /// the running ones, but not longer than the drain timeout.
    ///
    /// A connection ends when its client does not send the whole head of a request within 75 s, or takes nothing of an
    /// answer for 60 s.
    ///
    /// # Errors
    /// None so far: a connection that cannot be accepted is tried again.
    pub async fn run(self, app: App, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let (stopped, mut on_stop) = tokio::sync::watch::channel(false);
        let draining = app.clone();
        let graceful = async move {
            tokio::select! {
                () = stop => {}
                () = draining.terminated() => {}
            }
            draining.drain();
            // The receiver below outlives this future.
            let _ = stopped.send(true);
        };
        let routes = match self.cors {
            Some(cors) => cors.apply(router(app.clone())),
            None => router(app.clone()),
        };
        let limits = Limits::default();
        let serving = async {
            match self.tls {
                Some(tls) => {
                    let listener = TlsListener::start(self.listener, self.address, tls);
                    connection::serve(listener, routes, limits, graceful).await;
                }
                None => {
                    connection::serve(self.listener.tap_io(send_at_once), routes, limits, graceful).await;
                }
            }
        };
        let limit = async {
            // The sender is only dropped after sending.
            let _ = on_stop.wait_for(|stopped| *stopped).await;
            tokio::time::sleep(self.drain_timeout).await;
        };
        tokio::select! {
            () = serving => Ok(()),
            () = limit => {
                tracing::warn!("requests are still running after the drain timeout: they are cancelled");
                Ok(())
            }
            never = metrics::log(app) => match never {},
        }
    }
}

/// Tokens are small packets, and each must be sent at once.
fn send_at_once(connection: &mut tokio::net::TcpStream) {
    let _ = connection.set_nodelay(true);
}
