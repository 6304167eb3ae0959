//! [`Client`]: routes of other servers that send JSON and events in the same way, such as servers of agents.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Client;
use super::stream::EventStream;
use crate::Result;

/// Events of a route, each with its number, if its id is one. The stream ends after the last event or the first error;
/// dropping it closes the connection.
pub type NumberedStream<T> = EventStream<(Option<u64>, T)>;

impl Client {
    /// Returns a client with the same connections that sends no request a second time, whatever the server answers.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        Self { transport: self.transport.without_retries() }
    }

    /// `GET` of a route, which begins with a slash: the JSON that the server answers.
    ///
    /// ```
    /// use lmdeploy::client::{Client, ClientConfig};
    /// use serde_json::Value;
    /// # let server = lmdeploy::testing::MockServer::start("hello");
    /// # let url = server.url();
    /// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
    ///
    /// let client = Client::new(ClientConfig::new(url))?;
    /// let models: Value = client.get("/v1/models").await?;
    /// assert_eq!(models["data"][0]["id"], "mock");
    /// # Ok::<(), lmdeploy::Error>(())
    /// # })?;
    /// # Ok::<(), lmdeploy::Error>(())
    /// ```
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        self.transport.get(route).await
    }

    /// `DELETE` of a route: the JSON that the server answers when it has deleted something.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn delete<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        self.transport.delete(route).await
    }

    /// `POST` of a body to a route: the JSON that the server answers.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn post<T: DeserializeOwned>(&self, route: &str, body: &impl Serialize) -> Result<T> {
        self.transport.post(route, body).await
    }

    /// `GET` of a route that answers server-sent events: those after the number `after`, or all of them. The stream
    /// ends after the event whose data has the field `last`; a connection that ends before is an error.
    ///
    /// # Errors
    /// Like [`Client::chat`] before the first event; later errors are items of the stream.
    pub async fn events<T>(
        &self,
        route: &str,
        after: Option<u64>,
        last: &'static str,
    ) -> Result<NumberedStream<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.transport.numbered_events(route, after, last).await
    }
}
