//! Models with their adapters merged, as folders.

use std::path::Path;

use internlm_model::decoder::Decoder;
use internlm_model::device;

use super::FolderOptions;
use crate::Result;
use crate::lora::{WeightedAdapter, merged};

/// Merges `adapters` into the model at `model`, by weighted sum when there are several, and writes the folder `out`.
///
/// # Errors
/// Files that cannot be read, and adapters that do not fit.
pub fn merge_adapters(
    model: impl AsRef<Path>,
    adapters: &[WeightedAdapter],
    out: impl AsRef<Path>,
    options: FolderOptions,
) -> Result<()> {
    let model = model.as_ref();
    let decoder = Decoder::load(model, &device::parse("cpu")?)?;
    options.export(&merged(decoder, adapters)?, model, out.as_ref())
}
