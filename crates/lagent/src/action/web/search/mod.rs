//! Search engines: each turns a query into a list of results.

mod duckduckgo;
mod engine;
mod json_engines;
mod query;
mod tencent;

pub(super) use engine::{Engine, index};
pub(super) use query::Query;
