//! [`InputItemList`] and [`InputTokenCount`]: what a response was asked with, and how long a prompt would be.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The answer to `GET /v1/responses/{id}/input_items`: one page of the items that the model was given.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct InputItemList {
    /// Kind of the body: always `list`.
    pub object: String,
    /// The items in the order that was asked for, each with an `id`.
    pub data: Vec<Map<String, Value>>,
    /// Name of the first item; empty on an empty page.
    pub first_id: String,
    /// Name of the last item, by which the next page is asked for; empty on an empty page.
    pub last_id: String,
    /// Whether items follow behind the page.
    pub has_more: bool,
}

/// The answer to `POST /v1/responses/input_tokens`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct InputTokenCount {
    /// Kind of the body: always `response.input_tokens`.
    pub object: String,
    /// Number of ids in the prompt of the same request.
    pub input_tokens: u64,
}

impl InputItemList {
    /// The last page of a list of items, of which each has its name as `id`.
    #[must_use]
    pub fn new(data: Vec<Map<String, Value>>) -> Self {
        let name = |item: Option<&Map<String, Value>>| {
            item.and_then(|item| item.get("id")?.as_str()).unwrap_or_default().to_owned()
        };
        let (first_id, last_id) = (name(data.first()), name(data.last()));
        Self { object: "list".to_owned(), data, first_id, last_id, has_more: false }
    }
}

impl InputTokenCount {
    /// The count of a prompt of that many ids.
    #[must_use]
    pub fn new(input_tokens: u64) -> Self {
        Self { object: "response.input_tokens".to_owned(), input_tokens }
    }
}
