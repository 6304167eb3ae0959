//! What an operator asks of a server: its state, numbers and version; sleeping, other weights, ending requests.

use serde::de::IgnoredAny;

use super::{Client, place};
use crate::Result;
use crate::protocol::{
    AbortRequest, HealthStatus, SleepStatus, UpdateWeightsRequest, Version, WeightsUpdated,
};

impl Client {
    /// `GET /health`; a server that is draining or unhealthy answers with an error status.
    ///
    /// # Errors
    /// Like [`Client::chat`]. Status 503 is not retried here.
    pub async fn health(&self) -> Result<HealthStatus> {
        self.transport.get_once("/health").await
    }

    /// `GET /is_sleeping`: whether weights or cache have been released.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn is_sleeping(&self) -> Result<SleepStatus> {
        self.transport.get("/is_sleeping").await
    }

    /// `POST /sleep`: releases weights and cache. Level 1 keeps the files of the model open, 2 releases them too.
    ///
    /// # Errors
    /// Like [`Client::chat`], with status 400 for another level.
    pub async fn sleep(&self, level: u8) -> Result<SleepStatus> {
        self.transport.order(&format!("/sleep?level={level}")).await
    }

    /// `POST /wakeup`: gets back what is named, `weights` or `kv_cache`, or everything when nothing is.
    ///
    /// # Errors
    /// Like [`Client::chat`], with status 400 for another name.
    pub async fn wake(&self, tags: &[&str]) -> Result<SleepStatus> {
        let tags: Vec<String> = tags.iter().map(|tag| format!("tags={}", place::encoded(tag))).collect();
        let query = if tags.is_empty() { String::new() } else { format!("?{}", tags.join("&")) };
        self.transport.order(&format!("/wakeup{query}")).await
    }

    /// `POST /update_weights`: continues with the weights of another folder or file of the same shape.
    ///
    /// # Errors
    /// Like [`Client::chat`], with status 400 for weights that do not fit. The old ones then stay.
    pub async fn update_weights(&self, request: &UpdateWeightsRequest) -> Result<WeightsUpdated> {
        self.transport.post("/update_weights", request).await
    }

    /// `POST /abort_request`: ends running requests, which answer with what they have so far.
    ///
    /// # Errors
    /// Like [`Client::chat`], with status 404 for a request that is not running.
    pub async fn abort(&self, request: &AbortRequest) -> Result<()> {
        let IgnoredAny = self.transport.post("/abort_request", request).await?;
        Ok(())
    }

    /// `GET /terminate`: stops a server that clients may stop.
    ///
    /// # Errors
    /// Like [`Client::chat`], with status 400 for a server that they may not.
    pub async fn terminate(&self) -> Result<()> {
        let IgnoredAny = self.transport.get("/terminate").await?;
        Ok(())
    }

    /// `GET /version`: version and commit of the serving software.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn version(&self) -> Result<Version> {
        self.transport.get("/version").await
    }

    /// `GET /metrics`: all numbers in Prometheus' text format.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn metrics(&self) -> Result<String> {
        self.transport.text("/metrics").await
    }

    /// `GET /openapi.json`: the description of all routes in the form of OpenAPI 3.1.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn openapi(&self) -> Result<serde_json::Value> {
        self.transport.get("/openapi.json").await
    }
}
