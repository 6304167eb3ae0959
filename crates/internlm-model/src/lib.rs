//! Read, run and convert language models of the InternLM2 family, on any Burn device.
//!
//! For Rust programs that have a model folder or a GGUF file and want ids, logits, text or another file format from
//! it, without Python. One decoder covers InternLM2, InternLM3, LLaMA, Mistral and Qwen2; training, serving and
//! evaluation crates are built on it.
//!
//! | module | takes -> gives |
//! |---|---|
//! | [`config`] | `config.json`, GGUF metadata, TOML or code -> [`ModelConfig`], the only view of a model's shape |
//! | [`tokenizer`] | `tokenizer.json`, SentencePiece `.model`, GGUF -> [`Tokenizer`]; trains byte-level BPE |
//! | [`chat`] | messages -> ids and a loss mask; generated ids -> content and tool calls |
//! | [`weights`] | safetensors, PyTorch, InternEvo, GGUF -> tensors by InternLM2 name; converts between them |
//! | `decoder` | a path, or a config and a seed -> `Decoder`; ids -> hidden states, logits, loss |
//! | `attend` | `Attend`: computes attention, owns the stored keys and values; for training, generation and serving |
//! | `generate` | a decoder and a prompt -> ids or text, one at a time |
//! | [`answer`] | the text of an answer -> its number, compared exactly |
//! | [`sampling`] | logits -> one token id, from counter-based random numbers |
//! | `linear`, `parameter` | a decoder's layers and numbers by name: for adapters, quantizers and optimizers |
//! | `reward`, `padding` | conversations -> scores of a reward model; padded batches -> packed rows |
//! | [`describe`] | a path -> what a report says about its vocabulary |
//!
//! Modules without a link need the feature `burn`, which is on by default. Without it the crate is light: it links
//! neither Burn nor, without the feature `cli`, anything that draws or parses a command line.
//!
//! A model made in code, and five tokens from it:
//!
#![cfg_attr(feature = "flex", doc = "```")]
#![cfg_attr(not(feature = "flex"), doc = "```ignore")]
//! use internlm_model::{Decoder, GenerateConfig, Generator, ModelConfig, ModelSize, TokenId, device};
//!
//! let size = ModelSize { hidden: 32, layers: 2, heads: 4, inter: 64, vocab: 100 };
//! let config = ModelConfig::new(size).with_kv_heads(2);
//! let decoder = Decoder::init(&config, 42, &device::parse("cpu")?);
//! let generator = Generator::new(&decoder, &[TokenId(1)], GenerateConfig::new(5))?;
//! assert_eq!(generator.count(), 5);
//! # Ok::<(), internlm_model::Error>(())
//! ```
//!
//! A model from a folder, asked in its chat format:
//!
#![cfg_attr(feature = "burn", doc = "```no_run")]
#![cfg_attr(not(feature = "burn"), doc = "```ignore")]
//! use internlm_model::chat::{ChatTemplate, Message, Prompt};
//! use internlm_model::{Decoder, GenerateConfig, Generator, Tokenizer, device, tokenizer::Special};
//!
//! let folder = "runs/tiny/finetune/hf";
//! let (decoder, tokenizer) = (Decoder::load(folder, &device::parse("cpu")?)?, Tokenizer::load(folder)?);
//! let messages = [Message::user("What is 12*34?")];
//! let prompt = ChatTemplate::of(&tokenizer)?.encode(&tokenizer, &messages, Prompt::Generate)?;
//! let config = GenerateConfig::new(64).with_stop_ids(decoder.config().eos.clone());
//! let ids: Vec<_> = Generator::new(&decoder, &prompt, config)?.collect();
//! println!("{}", tokenizer.decode(&ids, Special::Skip));
//! # Ok::<(), internlm_model::Error>(())
//! ```

pub mod answer;
#[cfg(feature = "burn")]
pub mod attend;
pub mod chat;
#[cfg(feature = "cli")]
#[doc(hidden)]
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
mod marks;
pub mod packed;
#[cfg(feature = "burn")]
pub mod padding;
#[cfg(feature = "burn")]
pub mod parameter;
#[cfg(feature = "burn")]
pub mod positions;
#[cfg(feature = "burn")]
mod precision;
#[cfg(feature = "burn")]
pub mod reward;
pub mod rope;
pub mod sampling;
#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod testing;
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
#[cfg(feature = "burn")]
pub use precision::Precision;
pub use token_id::TokenId;
pub use tokenizer::Tokenizer;
