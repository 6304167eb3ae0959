//! Checkpoints: complete or absent, and enough to continue bit for bit.
//!
//! `checkpoints/step-N/` holds `config.json` and `model.safetensors` (a Hugging Face InternLM2 folder; with
//! frozen parameters `trainable.safetensors` holds only what is trained), `optimizer.safetensors` (the moments
//! as `NAME.exp_avg` and `NAME.exp_avg_sq`), `state.json`, and `COMPLETE`, written last, with length and
//! sha256 of every other file. The folder is written in `.step-N.replacing` and then renamed.

mod layout;
mod load;
mod save;

pub use layout::{CheckpointConfig, Resume, State, list, step_folder};
pub use load::{Loaded, newest, open};
pub use save::{Coverage, Saver, Snapshot};
