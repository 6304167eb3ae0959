//! The decoder-only transformer of the InternLM2 family: one forward for training, prefill and decoding.
//!
//! Read [`Decoder`] first, then `attention.rs` and [`Attend`](crate::attend::Attend), which computes attention and owns
//! the stored keys and values.

mod attention;
mod block;
mod build;
#[allow(clippy::module_inception, reason = "the file is named like its type")]
mod decoder;
mod feed_forward;
mod norm;
mod save;
mod walk;

pub use attention::Attention;
pub use block::Block;
pub use decoder::{Decoder, Embedding, EmbeddingNoise};
pub use feed_forward::FeedForward;
pub use norm::RmsNorm;
