//! Adapters under the names of another family, for programs that load the base model in that form.

use std::path::Path;

use internlm_kit::file;
use internlm_model::weights;
use internlm_model::weights::names::NameStyle;

use crate::lora::Adapter;
use crate::{Error, Result};

/// Writes the adapter in the folder `adapter`, which fits the model at `model`, as the folder `out` under the names of
/// `style`: `InternLM2`'s fused `wqkv`, or LLaMA's separate q, k and v. A fused adapter is split exactly; separate ones
/// become one of the sum of their ranks, or of the same rank where they share A.
///
/// # Errors
/// Files that cannot be read, an adapter that does not fit, and names of GGUF files.
pub fn rename_adapter(
    model: impl AsRef<Path>,
    adapter: impl AsRef<Path>,
    out: impl AsRef<Path>,
    style: NameStyle,
) -> Result<()> {
    let adapter = adapter.as_ref();
    let (config, base) = weights::open(model)?;
    let renamed = Adapter::read(adapter)?
        .renamed(style, &config, base.as_ref())
        .map_err(|problems| Error::Adapter { path: adapter.to_path_buf(), problems })?;
    file::replace_folder(out, |folder| renamed.write(folder))
}
