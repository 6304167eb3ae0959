//! The one linear layer of the decoder in its kinds: dense, packed, with a low-rank adapter, quantized.

mod dense;
mod draw;
#[allow(clippy::module_inception, reason = "the file is named like its type")]
mod linear;
mod lora;
mod noise;
mod packed;
mod quantized;

pub use dense::{Bias, Dense};
pub use draw::Draw;
pub use linear::Linear;
pub use lora::{Base, Lora, LoraConfig, Magnitude, Scaling};
pub use noise::Noise;
pub use packed::Packed;
pub use quantized::Quantized;
