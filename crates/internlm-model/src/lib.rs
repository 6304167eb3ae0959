//! The InternLM2 model family: configuration, tokenizers, chat formats, weights, and one decoder on Burn.
//!
//! Without the feature `burn` the crate is light: [`config`], [`tokenizer`], [`chat`], [`weights`] and
//! [`sampling`] only. With it come the decoder and the reference generation.
//!
//! | module | takes -> gives |
//! |---|---|
//! | [`config`] | `config.json`, GGUF metadata or TOML -> [`ModelConfig`], the only view of a model's shape |
//! | [`tokenizer`] | `tokenizer.json`, SentencePiece `.model`, GGUF -> [`Tokenizer`]; trains byte-level BPE |
//! | [`chat`] | messages -> ids and a loss mask; generated ids -> content and tool calls |
//! | [`weights`] | safetensors, GGUF -> tensors by InternLM2 name |
//! | [`sampling`] | logits -> one token id, from counter-based random numbers |
//!
//! ```no_run
//! use internlm_model::chat::{ChatTemplate, Message, Prompt};
//! use internlm_model::tokenizer::Tokenizer;
//!
//! let folder = std::path::Path::new("runs/tiny/finetune/hf");
//! let tokenizer = Tokenizer::load(folder)?;
//! let template = ChatTemplate::load(folder)?;
//! let ids = template.encode(&tokenizer, &[Message::user("What is 12*34?")], Prompt::Generate)?;
//! # Ok::<(), internlm_model::Error>(())
//! ```

#[cfg(feature = "burn")]
pub mod attend;
pub mod chat;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
mod cursor;
#[cfg(feature = "burn")]
pub mod decoder;
pub mod describe;
#[cfg(feature = "burn")]
pub mod device;
mod error;
#[cfg(feature = "burn")]
pub mod generate;
#[cfg(feature = "burn")]
mod heads;
#[cfg(feature = "burn")]
#[doc(hidden)]
pub mod kernels;
#[cfg(feature = "burn")]
pub mod linear;
#[cfg(feature = "burn")]
pub mod padding;
#[cfg(feature = "burn")]
pub mod parameter;
#[cfg(feature = "burn")]
pub mod positions;
#[cfg(feature = "burn")]
pub mod reward;
pub mod rope;
pub mod sampling;
mod token_id;
pub mod tokenizer;
pub mod weights;

#[cfg(feature = "burn")]
pub use burn::tensor::Device;
pub use config::{ModelConfig, ModelSize};
#[cfg(feature = "burn")]
pub use decoder::Decoder;
pub use error::{Error, Result};
#[cfg(feature = "burn")]
pub use generate::{GenerateConfig, Generator};
pub use token_id::TokenId;
pub use tokenizer::Tokenizer;
