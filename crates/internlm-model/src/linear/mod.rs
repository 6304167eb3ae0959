//! The one linear layer of the decoder in its kinds: dense, packed, with a low-rank adapter, in codes of 8 or 4 bits.

mod dense;
mod draw;
mod int4;
#[allow(clippy::module_inception, reason = "the file is named like its type")]
mod linear;
mod lora;
mod noise;
mod packed;
mod quantized;

pub use dense::{Bias, Dense};
pub use draw::Draw;
pub use int4::Int4;
pub use linear::Linear;
pub use lora::{Base, Lora, LoraConfig, Magnitude, Scaling};
pub use noise::Noise;
pub use packed::Packed;
pub use quantized::Quantized;
