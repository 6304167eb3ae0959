//! Hand-written kernels of the engine.

mod paged_attention;

pub(crate) use paged_attention::{CacheLayout, LayerCache, Query, paged_attention};
