//! [`Server`]: it listens, serves until it is told to stop, and drains.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::app::App;
use super::router::router;
use super::{ServeConfig, connection};
use crate::{Error, Result};

/// Maximum time between two looks for idle sessions.
const SWEEP: Duration = Duration::from_secs(60);
/// How long cancelled questions may take to end.
const LAST: Duration = Duration::from_secs(1);

/// A server that listens. Nothing is answered before [`Server::run`].
///
/// ```
/// use lagent::action::Toolbox;
/// use lagent::client::{AgentClient, AgentRequest};
/// use lagent::llm::Scripted;
/// use lagent::run::{AgentRun, AgentSpec};
/// use lagent::serve::{Agents, App, ServeConfig, ServedAgent, Server};
/// use lmdeploy::client::ClientConfig;
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let run = AgentRun::new(AgentSpec::internlm2(Vec::new()));
/// let agent = ServedAgent::new("greeter", run, Scripted::new(["Hello!"]), Toolbox::default());
/// let config = ServeConfig::default().with_port(0);
/// let server = Server::bind(&config).await?;
/// let client = AgentClient::new(ClientConfig::new(server.url()))?;
/// let app = App::new(Agents::new([agent])?, &config)?;
/// let asked = async {
///     let answer = client.chat(&AgentRequest::new(["Hi"])).await?;
///     assert_eq!(answer.text(), "Hello!");
///     Ok::<(), lagent::Error>(())
/// };
/// let stop = std::future::pending(); // a signal, a channel, ...
/// tokio::select! {
///     served = server.run(app, stop) => served,
///     asked = asked => asked,
/// }
/// # })?;
/// # Ok::<(), lagent::Error>(())
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on the address of `config`.
    ///
    /// # Errors
    /// [`Error::AgentServer`] when the address is in use, does not belong to this machine, or is not allowed.
    pub async fn bind(config: &ServeConfig) -> Result<Self> {
        let fail = |error: std::io::Error| {
            let address = format!("{}:{}", config.host, config.port);
            let message = match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "the port is in use: stop what listens there, or choose another with --port (0 takes a \
                     free one)"
                        .to_owned()
                }
                _ => format!("cannot listen: {error}"),
            };
            Error::AgentServer(lmdeploy::Error::Listen { address, message })
        };
        let listener = TcpListener::bind((config.host.as_str(), config.port)).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        Ok(Self { listener, address })
    }

    /// Returns the address it listens on; with port 0 in the settings, the port that the system chose.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a URL that reaches it from this machine.
    #[must_use]
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{address}")
    }

    /// Serves until `stop` is ready. Then it takes no new questions and waits for the running ones, but not longer than
    /// the drain timeout; those that still run are cancelled.
    ///
    /// # Errors
    /// None so far: a connection that cannot be accepted is tried again.
    pub async fn run(self, app: App, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let (stopped, mut on_stop) = watch::channel(false);
        let draining = app.clone();
        let graceful = async move {
            stop.await;
            draining.drain();
            // The receiver below outlives this future.
            let _ = stopped.send(true);
        };
        let serving = async {
            connection::serve(self.listener, router(app.clone()), graceful).await;
            app.counts.nothing_runs().await;
        };
        let limit = async {
            // The sender is only dropped after sending.
            let _ = on_stop.wait_for(|stopped| *stopped).await;
            tokio::time::sleep(app.config.drain()).await;
        };
        tokio::select! {
            () = serving => return Ok(()),
            () = limit => {}
            () = sweep(&app) => {}
        }
        tracing::warn!("questions are still being answered after the drain timeout: they are cancelled");
        app.runs.cancel_all();
        // What takes longer ends with the process.
        let _ = tokio::time::timeout(LAST, app.counts.nothing_runs()).await;
        Ok(())
    }
}

/// Drops idle sessions from time to time, without an end.
async fn sweep(app: &App) {
    let pause = (app.config.session_idle() / 4).clamp(Duration::from_millis(10), SWEEP);
    loop {
        tokio::time::sleep(pause).await;
        app.drop_idle().await;
    }
}
