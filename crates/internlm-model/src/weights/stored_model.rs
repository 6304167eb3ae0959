//! [`StoredModel`]: an opened model as its files have it.

use super::TensorSource;
use super::names::NameStyle;
use super::qkv::RowOrder;
use super::quantization::Quantization;
use crate::ModelConfig;

/// A model's tensors under the names, and with the packing, that its files use.
pub struct StoredModel {
    /// The shape of the model.
    pub config: ModelConfig,
    /// The tensors; not yet compared with the config.
    pub source: Box<dyn TensorSource>,
    /// What the tensors are called; [`parts`](super::names::parts) gives the name of each.
    pub style: NameStyle,
    /// How the rows of separate q and k heads are ordered.
    pub order: RowOrder,
    /// What a quantizer says about a folder: AWQ, GPTQ or compressed-tensors.
    pub quantization: Option<Quantization>,
    /// What a user should know about the files, for the log of whoever loads the weights.
    pub notes: Vec<String>,
}
