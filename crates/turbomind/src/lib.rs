//! Runs language models on the CPU: quantized weights in, next-token logits for a batch of sequences out.
//!
//! For programs that want a model on a machine without a GPU and decide for themselves which sequence runs when, which
//! token is chosen and how text becomes ids: this crate is the part below a server such as `lmdeploy`. It has no sampling,
//! no chat formats, no async and no server. It mirrors the role of InternLM's TurboMind, which runs on GPUs.
//!
//! ```
//! # // A tiny model of pseudo-random weights takes the place of a downloaded one.
//! # let folder = tempfile::tempdir()?;
//! # std::fs::write(folder.path().join("config.json"), r#"{"architectures": ["InternLM2ForCausalLM"],
//! #     "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
//! #     "intermediate_size": 96, "vocab_size": 220, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
//! #     "rope_theta": 1e4, "tie_word_embeddings": false, "bias": false}"#)?;
//! # let tensors = internlm_model::weights::names::expected(&internlm_model::ModelConfig::from_hf(folder.path())?);
//! # let rng = internlm_kit::rng::CounterRng::new(1, "weights");
//! # internlm_model::weights::write_folder(folder.path(), &tensors, &Default::default(), &mut |name| {
//! #     let (_, shape) = tensors.iter().find(|(other, _)| other == name).expect("a tensor of the list");
//! #     Ok((0..shape.iter().product()).map(|i: usize| 0.1 * rng.normal(i as u64) as f32).collect())
//! # })?;
//! # let model = folder.path();
//! use turbomind::{Engine, EngineConfig, LogitEntries, Outputs, SeqStep};
//!
//! // A GGUF file or a model folder; two threads, and four blocks of 32 tokens for keys and values.
//! let mut engine = Engine::load(model, &EngineConfig::new().with_threads(2).with_kv_blocks(4))?;
//!
//! // The caller gives each sequence its blocks; this one needs a single block for up to 32 tokens.
//! let (mut ids, blocks) = (vec![1, 17, 42], [0]);
//! let (mut stored, mut outputs) = (0, Outputs::default());
//! for _ in 0..5 {
//!     // First the whole prompt in one step, then one token at a time.
//!     let step = SeqStep::new(&ids[stored..], stored, &blocks);
//!     engine.forward(&[step], LogitEntries::Top(1), &mut outputs)?;
//!     stored = ids.len();
//!     let (id, _logit) = outputs.top[0][0];
//!     ids.push(id);
//! }
//! assert_eq!(ids.len(), 3 + 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is built
//!
//! Everything but the types below is private. From the files of a model to its logits:
//!
//! | module | takes -> gives |
//! |---|---|
//! | `format` | rows of a float or block format, AWQ, GPTQ or compressed-tensors -> tiles |
//! | `tile`, `arena` | outputs in groups of 16, the layout that every instruction set reads -> one map in huge pages |
//! | `model` | a folder or GGUF file -> every matrix as tiles, with the kernel that multiplies it |
//! | `panel` | rows of floats -> blocks of 8-bit activations |
//! | `simd` | tiles and activations -> sums, on plain Rust, AVX2, AVX-VNNI or AVX-512 |
//! | `kv` | keys and values of a token -> a place in a paged pool, in f32, f16, 8 or 4 bits |
//! | `pool` | a job -> chunks of work on persistent threads, with barriers between phases |
//! | `kernels` | the phases of a pass: embedding, norms, projections, attention, head |
//! | `engine` | steps of many sequences -> logits: [`Engine`] |
//!
//! The guide, with the command line, is `docs/turbomind.md`; `docs/turbomind-step.md` explains how a step works.
//!
//! # Features
//!
//! `cli` (default) builds the binary `turbomind`. Without it the crate does not depend on clap.

mod arena;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod engine;
mod error;
mod format;
#[doc(hidden)]
pub mod internals;
mod kernels;
mod kv;
mod model;
mod panel;
mod pool;
mod simd;
mod tile;

pub use engine::{Engine, EngineConfig, LogitEntries, LogitRows, MemoryReport, NonFinite, Outputs, SeqStep};
pub use error::{Error, Result};
pub use kv::{BlockCopy, KvConfig, KvFormat};
pub use model::Compute;
pub use simd::Isa;
