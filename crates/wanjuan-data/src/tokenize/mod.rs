//! Clean text to tokens: split, tokenizer training, shards, and the baselines a model has to beat.

mod baseline;
mod config;
mod shards;
mod split;
mod tokenizer;

pub use config::TokenizeConfig;
pub(crate) use shards::write_shards;
pub use shards::{SplitTotals, TokenizeReport, TokenizedDocument};
pub(crate) use tokenizer::train_tokenizer;
