//! Texts to vectors: `/v1/embeddings` and `/pooling`.

use super::Client;
use crate::Result;
use crate::protocol::{EmbeddingRequest, EmbeddingResponse, PoolingRequest, PoolingResponse};

impl Client {
    /// `POST /v1/embeddings`: a vector of length 1 for each text.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn embeddings(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse> {
        self.transport.post("/v1/embeddings", request).await
    }

    /// `POST /pooling`: the hidden states of each text as one vector, as they are.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn pooling(&self, request: &PoolingRequest) -> Result<PoolingResponse> {
        self.transport.post("/pooling", request).await
    }
}
