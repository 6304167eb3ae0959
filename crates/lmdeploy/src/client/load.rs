//! How busy a server is.

use super::Client;
use crate::Result;
use crate::protocol::ServerLoad;

impl Client {
    /// `GET /load`: the number of inference requests that run or wait.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn load(&self) -> Result<ServerLoad> {
        self.transport.get("/load").await
    }
}
