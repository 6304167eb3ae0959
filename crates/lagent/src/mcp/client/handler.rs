//! [`Handler`]: what our client answers when a server speaks first.

use std::sync::Arc;

use rmcp::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, Implementation, ProgressNotificationParam, ProtocolVersion,
    ServerNotification, SubscriptionFilter,
};
use rmcp::service::{NotificationContext, Peer, RoleClient, Subscription};

use super::shared::Shared;

/// Hears progress reports and changed lists. Everything else is answered by rmcp's defaults: a question to a person
/// (elicitation) is declined, a request for a reply of a model (sampling) is refused, there are no roots.
pub(super) struct Handler {
    shared: Arc<Shared>,
}

impl Handler {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl ClientHandler for Handler {
    async fn on_progress(
        &self,
        report: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.shared.progress.report(report);
    }

    async fn on_tool_list_changed(&self, context: NotificationContext<RoleClient>) {
        refresh(&self.shared, &context.peer).await;
    }

    fn get_info(&self) -> ClientConfig {
        // Without capabilities: our client offers neither roots nor sampling nor elicitation.
        let lagent = Implementation::new("lagent", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), lagent)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }
}

/// Asks a server for reports about changed lists, for versions of the protocol that send them only to subscribers.
pub(super) async fn subscribe(shared: &Shared, peer: &Peer<RoleClient>) -> Option<Subscription> {
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    match tokio::time::timeout(shared.limit(), peer.listen(filter)).await {
        Ok(Ok(subscription)) => return Some(subscription),
        Ok(Err(error)) => {
            tracing::warn!(server = shared.name, %error, "changes of the tools will not be heard");
        }
        Err(_) => tracing::warn!(server = shared.name, "changes of the tools will not be heard: no answer"),
    }
    None
}

/// Hears about changed lists until the connection ends.
pub(super) async fn watch(shared: Arc<Shared>, peer: Peer<RoleClient>, mut subscription: Subscription) {
    while let Ok(Some(notification)) = subscription.next().await {
        if matches!(notification, ServerNotification::ToolListChangedNotification(_)) {
            refresh(&shared, &peer).await;
        }
    }
}

/// Reads the tools again. A list that cannot be read leaves the old one in place.
async fn refresh(shared: &Shared, peer: &Peer<RoleClient>) {
    if let Err(error) = shared.list_tools(peer).await {
        tracing::warn!(server = shared.name, %error, "the changed list of tools cannot be read");
    }
}
