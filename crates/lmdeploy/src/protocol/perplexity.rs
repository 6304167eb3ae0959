//! `POST /get_ppl`: how likely a model finds a text.

use serde::{Deserialize, Serialize};

#[cfg(feature = "server")]
use super::request_fields::{RequestFields, Row, Treatment};
use super::whole::wholes;

/// Body of a request for the perplexity of a text.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PerplexityRequest {
    /// The text, or its ids, which are taken as they are.
    pub input: Scored,
}

/// What is scored, as text or ids.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a list of token ids")]
pub enum Scored {
    /// A text, which begins with `<s>` where the tokenizer adds it.
    Text(String),
    /// Ids, taken as they are.
    Ids(#[serde(deserialize_with = "wholes")] Vec<u32>),
}

/// The answer of `/get_ppl`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PerplexityResponse {
    /// Mean of the negative log-probabilities of all ids but the first, in natural logarithms: the cross-entropy,
    /// under upstream's name for it.
    pub ppl: f64,
}

#[cfg(feature = "server")]
impl RequestFields for PerplexityRequest {
    const SHARED: &'static [&'static [Row]] = &[];
    const OWN: &'static [Row] = &[("input", Treatment::Used)];
}
