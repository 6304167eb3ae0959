//! `POST /abort_request`: which requests are to end.

use serde::{Deserialize, Serialize};

#[cfg(feature = "server")]
use super::request_fields::{RequestFields, Row, Treatment};
use super::whole::whole;

/// Body of a request that ends others.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AbortRequest {
    /// `true` ends all requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_all: Option<bool>,
    /// The request with this `x-request-id`, or the one whose answer has this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// All requests that have sent this number as `session_id`; -1, upstream's default, means no session.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub session_id: Option<i64>,
    /// The reason, for the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_message: Option<String>,
}

#[cfg(feature = "server")]
impl RequestFields for AbortRequest {
    const SHARED: &'static [&'static [Row]] = &[];
    const OWN: &'static [Row] = &[
        ("abort_all", Treatment::Used),
        ("request_id", Treatment::Used),
        ("abort_message", Treatment::Used),
        ("session_id", Treatment::Used),
    ];
}
