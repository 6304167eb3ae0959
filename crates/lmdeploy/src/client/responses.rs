//! OpenAI's Responses: create, stream, get, delete, list the input, cancel, count.

use super::response_event::ResponseStreamEvent;
use super::stream::{EventStream, Last};
use super::{Client, place};
use crate::Result;
use crate::protocol::responses::{
    DeletedResponse, InputItemList, InputTokenCount, ResponseObject, ResponsesRequest,
};

/// Events of a streamed response; ends after the event with the whole response or the first error.
pub type ResponseStream = EventStream<ResponseStreamEvent>;

const RESPONSES: &str = "/v1/responses";
/// The events after which nothing follows; one that failed is an error of the stream.
const LAST: Last = Last::Event(&["response.completed", "response.incomplete", "response.cancelled"]);

/// Which of the items that a response was asked with are listed, and in which order.
///
/// ```
/// use lmdeploy::client::InputItemsQuery;
/// let query = InputItemsQuery::default().with_limit(10).with_order("asc");
/// assert_eq!((query.limit, query.order.as_deref(), query.after), (Some(10), Some("asc"), None));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct InputItemsQuery {
    /// Maximum number of items, 1 to 100. Default: the server's, 20.
    pub limit: Option<u32>,
    /// `asc` for the oldest item first, `desc` for the newest. Default: the server's, `desc`.
    pub order: Option<String>,
    /// Name of the item after which the list begins.
    pub after: Option<String>,
}

impl InputItemsQuery {
    /// Sets the maximum number of items.
    #[must_use]
    pub fn with_limit(self, limit: u32) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Sets the order, `asc` or `desc`.
    #[must_use]
    pub fn with_order(self, order: impl Into<String>) -> Self {
        Self { order: Some(order.into()), ..self }
    }

    /// Begins the list after the item of that name: the last one of the list before.
    #[must_use]
    pub fn with_after(self, after: impl Into<String>) -> Self {
        Self { after: Some(after.into()), ..self }
    }

    /// The query of a URL, with the question mark; empty when nothing is asked for.
    fn text(&self) -> String {
        let limit = self.limit.map(|limit| format!("limit={limit}"));
        let order = self.order.as_deref().map(|order| format!("order={}", place::encoded(order)));
        let after = self.after.as_deref().map(|after| format!("after={}", place::encoded(after)));
        let parts: Vec<String> = [limit, order, after].into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }
}

impl Client {
    /// `POST /v1/responses`; waits for the whole response.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn responses(&self, request: &ResponsesRequest) -> Result<ResponseObject> {
        let request = ResponsesRequest { stream: None, ..request.clone() };
        self.transport.post(RESPONSES, &request).await
    }

    /// `POST /v1/responses`, streamed. An event `response.failed` or `error` is an error of the stream. Dropping the
    /// stream cancels the request.
    ///
    /// # Errors
    /// Like [`Client::chat_stream`].
    pub async fn responses_stream(&self, request: &ResponsesRequest) -> Result<ResponseStream> {
        let request = ResponsesRequest { stream: Some(true), ..request.clone() };
        self.transport.events(RESPONSES, &request, LAST).await
    }

    /// `GET /v1/responses/{id}`: a response that the server has stored.
    ///
    /// # Errors
    /// Like [`Client::chat`], with status 404 for one that it has not, and
    /// [`Error::Setting`](crate::Error::Setting) for a name that a URL cannot hold.
    pub async fn response(&self, id: &str) -> Result<ResponseObject> {
        self.transport.get(&route(id)?).await
    }

    /// `DELETE /v1/responses/{id}`: the server forgets a response.
    ///
    /// # Errors
    /// Like [`Client::response`].
    pub async fn delete_response(&self, id: &str) -> Result<DeletedResponse> {
        self.transport.delete(&route(id)?).await
    }

    /// `GET /v1/responses/{id}/input_items`: what a stored response was asked with.
    ///
    /// # Errors
    /// Like [`Client::response`].
    pub async fn response_input_items(&self, id: &str, query: &InputItemsQuery) -> Result<InputItemList> {
        self.transport.get(&format!("{}/input_items{}", route(id)?, query.text())).await
    }

    /// `POST /v1/responses/{id}/cancel`: ends a response that is generated in the background. This server has none and
    /// refuses; what a client waits for is cancelled by dropping its future or stream.
    ///
    /// # Errors
    /// Like [`Client::response`].
    pub async fn cancel_response(&self, id: &str) -> Result<ResponseObject> {
        self.transport.post(&format!("{}/cancel", route(id)?), &serde_json::json!({})).await
    }

    /// `POST /v1/responses/input_tokens`: the length of the prompt that the request would have.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn count_response_tokens(&self, request: &ResponsesRequest) -> Result<InputTokenCount> {
        let request = ResponsesRequest { stream: None, ..request.clone() };
        self.transport.post("/v1/responses/input_tokens", &request).await
    }
}

fn route(id: &str) -> Result<String> {
    Ok(format!("{RESPONSES}/{}", place::segment("response_id", id)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_in_the_query() {
        assert_eq!(InputItemsQuery::default().text(), "");
        let all = InputItemsQuery::default().with_limit(5).with_order("asc").with_after("msg 1");
        assert_eq!(all.text(), "?limit=5&order=asc&after=msg%201");
    }
}
