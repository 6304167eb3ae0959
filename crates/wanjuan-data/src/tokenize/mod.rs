//! Clean text to tokens: split, tokenizer training, shards, and the baselines a model has to beat.

mod baseline;
mod config;
mod shards;
mod split;
mod tokenizer;

pub use baseline::{UnigramCounts, gzip_bytes};
pub use config::TokenizeConfig;
pub use shards::{TokenizeReport, TokenizedDocument, write_shards};
pub use split::{Split, split_of};
pub use tokenizer::{tokenizer_folder, train_tokenizer};
