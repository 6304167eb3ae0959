//! [`Session`]: the server as its thread sees it, with a connection that is made anew when it has ended.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CallToolRequestParams, CallToolResult};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

use super::ask::{Asking, Unanswered};
use super::call::call_tool;
use super::link::Link;
use super::options::CallOptions;
use super::shared::Shared;
use crate::blocking::requested;
use crate::mcp::{McpConfig, McpError};

/// The longest call, which is far from where adding times overflows.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A server and its connection.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    config: McpConfig,
    link: Mutex<Option<Arc<Link>>>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, config: McpConfig) -> Self {
        Self { shared, config, link: Mutex::new(None) }
    }

    /// The connection; a program that has ended is started again.
    pub(super) async fn link(&self) -> Result<Arc<Link>, McpError> {
        let mut current = self.link.lock().await;
        if let Some(link) = current.as_ref()
            && !link.is_over().await
        {
            return Ok(Arc::clone(link));
        }
        if let Some(old) = current.take() {
            tracing::warn!(server = self.shared.name, "the connection has ended, connecting again");
            old.close().await;
        }
        let link = Arc::new(Link::open(&self.shared, &self.config).await?);
        *current = Some(Arc::clone(&link));
        Ok(link)
    }

    /// Calls a tool. The call is sent again only if the server has certainly not seen it.
    pub(super) async fn call(
        &self,
        params: CallToolRequestParams,
        options: &CallOptions,
    ) -> Result<CallToolResult, McpError> {
        let end = Instant::now() + options.deadline.min(LONGEST);
        let link = self.link_until(end, options).await?;
        match call_tool(self.asking(&link, options, end), params.clone()).await {
            Err(Unanswered::NotSent(_)) => {
                link.close().await;
                let link = self.link_until(end, options).await?;
                let answer = call_tool(self.asking(&link, options, end), params).await;
                self.explained(&link, options, answer).await
            }
            answer => self.explained(&link, options, answer).await,
        }
    }

    /// Waits for a request that only reads.
    pub(super) async fn within_limit<T>(
        &self,
        request: impl Future<Output = Result<T, rmcp::ServiceError>>,
    ) -> Result<T, McpError> {
        let limit = self.config.start_timeout();
        let answer = timeout(limit, request).await.map_err(|_| self.shared.timeout(limit))?;
        answer.map_err(|error| self.shared.failed(error))
    }

    pub(super) async fn close(&self) {
        if let Some(link) = self.link.lock().await.take() {
            link.close().await;
        }
    }

    async fn link_until(&self, end: Instant, options: &CallOptions) -> Result<Arc<Link>, McpError> {
        tokio::select! {
            biased;
            () = requested(options.stop.as_ref()) => Err(McpError::Cancelled { name: self.shared.name.clone() }),
            linked = timeout_at(end, self.link()) => {
                linked.map_err(|_| self.shared.timeout(options.deadline))?
            }
        }
    }

    fn asking<'a>(&'a self, link: &'a Link, options: &'a CallOptions, end: Instant) -> Asking<'a> {
        Asking { link, table: &self.shared.progress, options, end, silence: self.config.timeout() }
    }

    async fn explained(
        &self,
        link: &Link,
        options: &CallOptions,
        answer: Result<CallToolResult, Unanswered>,
    ) -> Result<CallToolResult, McpError> {
        let name = self.shared.name.clone();
        Err(match answer {
            Ok(result) => return Ok(result),
            Err(Unanswered::Late) => self.shared.timeout(options.deadline.min(self.config.timeout())),
            Err(Unanswered::Stopped) => McpError::Cancelled { name },
            Err(Unanswered::Sampling) => McpError::Answer {
                name,
                found: "a request for the reply of a model (sampling)".to_owned(),
                expected: "a result, since sampling is not supported".to_owned(),
            },
            Err(Unanswered::NotSent(error) | Unanswered::Failed(error)) => match self.shared.failed(error) {
                McpError::Ended { name, message, .. } => {
                    McpError::Ended { name, message, stderr: link.last_words().await }
                }
                other => other,
            },
        })
    }
}
