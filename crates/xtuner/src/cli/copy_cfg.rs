//! `xtuner copy-cfg`: a ready configuration as a file to edit.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::{file, outln};

use crate::catalog::{ReadyConfig, commented};
use crate::{Error, FinetuneConfig};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner copy-cfg internlm2_chat_7b_qlora_oasst1_e3 .
  xtuner copy-cfg internlm2_chat_1_8b_dpo_full configs --set model.path=runs/sft/hf

The file is called NAME_copy.toml. It has every key with its meaning; `xtuner train` takes it.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct CopyCfg {
    /// Name of the configuration; `xtuner list-cfg` shows all.
    name: String,
    /// Folder to write into.
    dir: PathBuf,
    /// Override one key, for instance `model.path=models/base`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
}

impl CopyCfg {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let name = &self.name;
        let Some(ready) = ReadyConfig::named(name)? else {
            let expected = "a name that `xtuner list-cfg` shows";
            return Err(Error::mismatch(name, "no ready configuration of that name", expected).into());
        };
        let path = self.dir.join(format!("{name}_copy.toml"));
        if path.is_file() && !self.force {
            let place = path.display().to_string();
            return Err(Error::mismatch(place, "an existing file", "a new file, or --force").into());
        }
        let config: FinetuneConfig =
            internlm_kit::config::parse_with(&ready.toml(), name, &self.set).map_err(Error::from)?;
        let note = ready.note.map_or_else(String::new, |note| format!(" {note}"));
        let about = format!(
            "The ready configuration {name}.{note} Run it with `xtuner train {}`; the model and the data have to be \
             where `model.path` and `dataset` say.",
            path.display()
        );
        file::write(&path, commented(&config, &about)?).map_err(Error::from)?;
        outln!("{}", path.display())?;
        Ok(())
    }
}
