//! Merging: W + s B A in f32, written in the base's dtype.

use std::path::Path;

use internlm_model::Tokenizer;
use internlm_model::decoder::Decoder;
use internlm_model::device;

use super::Adapter;
use crate::Result;
use crate::export::export_model;

/// Writes the folder `out` with the model at `model` and the adapter at `adapter` made one; tokenizer files are
/// the base's.
///
/// # Errors
/// Files that cannot be read, and an adapter that does not fit.
pub fn merge(model: &Path, adapter: &Path, out: &Path) -> Result<()> {
    let decoder = Decoder::load(model, &device::parse("cpu")?)?;
    let tokenizer = Tokenizer::load(model)?;
    let merged = Adapter::read(adapter)?.apply(decoder, adapter)?.merged();
    export_model(&merged, &tokenizer, model, out)
}
