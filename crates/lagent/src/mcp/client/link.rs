//! [`Link`]: one connection to a server, from the handshake to the end.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ProtocolVersion;
use rmcp::service::{Peer, RoleClient, RunningService};
use rmcp::transport::IntoTransport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{ClientLifecycleMode, ClientServiceExt};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::child::ChildServer;
use super::handler::{Handler, subscribe, watch};
use super::http;
use super::shared::Shared;
use crate::mcp::{McpConfig, McpError};

type Service = RunningService<RoleClient, Handler>;

/// Time that closing the connection may take, without the time that a program needs to end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// One connection. Dropping it ends the server if that is a program.
pub(super) struct Link {
    pub(super) peer: Peer<RoleClient>,
    /// Absent once the connection is closed.
    service: Mutex<Option<Service>>,
    /// Absent for a server with an address, and once the connection is closed.
    child: Mutex<Option<ChildServer>>,
    /// Whether a message that could not be written was certainly not read.
    pub(super) pipe: Pipe,
}

/// What carries the messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pipe {
    /// Standard input and output of a program.
    Program,
    /// Requests of HTTP, which may have arrived although they failed.
    Http,
}

impl Link {
    /// Connects: with the newest version of the protocol, or else with a handshake that older servers understand.
    pub(super) async fn open(shared: &Arc<Shared>, config: &McpConfig) -> Result<Self, McpError> {
        let newest = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        let link = match (Opening { shared, config, mode: newest }).connect().await {
            // There are servers which end when the first message is not the handshake that they know.
            Err(McpError::Start { .. }) => {
                Opening { shared, config, mode: ClientLifecycleMode::Initialize }.connect().await?
            }
            other => other?,
        };
        link.agree(shared).await?;
        Ok(link)
    }

    fn new(service: Service, child: Option<ChildServer>) -> Self {
        let pipe = if child.is_some() { Pipe::Program } else { Pipe::Http };
        Self {
            peer: service.peer().clone(),
            service: Mutex::new(Some(service)),
            child: Mutex::new(child),
            pipe,
        }
    }

    /// Checks the version, and reads what the server has to say about itself.
    async fn agree(&self, shared: &Arc<Shared>) -> Result<(), McpError> {
        let Some(info) = self.peer.peer_info() else {
            return Err(McpError::Answer {
                name: shared.name.clone(),
                found: "no handshake".to_owned(),
                expected: "one".to_owned(),
            });
        };
        let version = &info.protocol_version;
        if !ProtocolVersion::KNOWN_VERSIONS.contains(version) {
            let known: Vec<&str> =
                ProtocolVersion::KNOWN_VERSIONS.iter().map(ProtocolVersion::as_str).collect();
            let (name, found) = (shared.name.clone(), version.to_string());
            return Err(McpError::Version { name, found, expected: known.join(", ") });
        }
        shared.set_agreement(version, info.instructions.clone());
        let reports_changes =
            info.capabilities.tools.as_ref().is_some_and(|tools| tools.list_changed == Some(true));
        // Before the list is read, so that no change is missed.
        let subscription = if reports_changes && !version.has_initialize() {
            subscribe(shared, &self.peer).await
        } else {
            None
        };
        shared.list_tools(&self.peer).await?;
        if let Some(subscription) = subscription {
            tokio::spawn(watch(Arc::clone(shared), self.peer.clone(), subscription));
        }
        Ok(())
    }

    /// Returns whether no further request can be sent. A program that has ended is asked for itself: until the end of
    /// its pipes is read, a request would be accepted and lost.
    pub(super) async fn is_over(&self) -> bool {
        self.peer.is_transport_closed()
            || self.child.lock().await.as_mut().is_some_and(ChildServer::has_ended)
    }

    /// The last lines of the program's standard error.
    pub(super) async fn last_words(&self) -> String {
        match self.child.lock().await.as_mut() {
            Some(child) => child.last_words().await,
            None => String::new(),
        }
    }

    /// Closes the connection and ends the program. Open requests fail.
    pub(super) async fn close(&self) {
        if let Some(mut service) = self.service.lock().await.take() {
            // A task that has panicked is closed as well.
            let _ = service.close_with_timeout(CLOSE_TIMEOUT).await;
        }
        if let Some(child) = self.child.lock().await.take() {
            child.end().await;
        }
    }
}

/// One attempt to connect.
struct Opening<'a> {
    shared: &'a Arc<Shared>,
    config: &'a McpConfig,
    mode: ClientLifecycleMode,
}

impl Opening<'_> {
    async fn connect(self) -> Result<Link, McpError> {
        let name = &self.shared.name;
        if let Some(url) = &self.config.url {
            let transport = http::transport(name, url, self.config)?;
            return Ok(Link::new(self.shake_hands(transport).await?, None));
        }
        let (mut child, (stdout, stdin)) = ChildServer::spawn(name, self.config)?;
        match self.shake_hands(AsyncRwTransport::new_client(stdout, stdin)).await {
            Ok(service) => Ok(Link::new(service, Some(child))),
            Err(McpError::Start { name, message, .. }) => {
                Err(McpError::Start { name, message, stderr: child.last_words().await })
            }
            Err(error) => Err(error),
        }
    }

    async fn shake_hands<T, E, A>(&self, transport: T) -> Result<Service, McpError>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let limit = self.config.start_timeout();
        let handler = Handler::new(Arc::clone(self.shared));
        match timeout(limit, handler.serve_with_lifecycle(transport, self.mode.clone())).await {
            Ok(Ok(service)) => Ok(service),
            Ok(Err(error)) => {
                let message = match &self.config.url {
                    Some(url) => format!("{url}: {error}"),
                    None => error.to_string(),
                };
                Err(McpError::Start { name: self.shared.name.clone(), message, stderr: String::new() })
            }
            Err(_) => Err(self.shared.timeout(limit)),
        }
    }
}
