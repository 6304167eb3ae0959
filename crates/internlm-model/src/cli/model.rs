//! The positional argument MODEL, which every verb has.

use std::path::{Path, PathBuf};

use clap::Args;

/// Where the model is.
#[derive(Args, Debug)]
pub(super) struct ModelArg {
    /// Model to read: a Hugging Face folder, an InternEvo folder or a GGUF file
    #[arg(value_name = "MODEL", required_unless_present = "model_option")]
    model: Option<PathBuf>,
    /// The name of the argument up to version 0.1; kept for one release.
    #[arg(long = "model", hide = true, conflicts_with = "model")]
    model_option: Option<PathBuf>,
}

impl ModelArg {
    /// The path, as MODEL or as the older `--model`.
    pub(super) fn path(&self) -> &Path {
        let path = self.model.as_ref().or(self.model_option.as_ref());
        path.expect("clap requires one of the two")
    }
}
