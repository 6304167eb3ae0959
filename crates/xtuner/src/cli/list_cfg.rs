//! `xtuner list-cfg`: the names of the ready configurations.

use clap::Args;
use internlm_kit::outln;

use crate::catalog::ready_configs;

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner list-cfg
  xtuner list-cfg -p chat_7b_qlora

A name is made of the model, the method, the training set and, as _eN, the number of epochs. `xtuner copy-cfg NAME .`
writes one into a file, `xtuner train NAME` runs it as it is.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListCfg {
    /// Show only names that contain this text, whatever its case.
    #[arg(short, long, value_name = "TEXT")]
    pattern: Option<String>,
}

impl ListCfg {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let pattern = self.pattern.unwrap_or_default().to_lowercase();
        let ready = ready_configs()?;
        let mut shown: Vec<_> =
            ready.iter().filter(|ready| ready.name.to_lowercase().contains(&pattern)).collect();
        // Stable: families keep the order of the catalog.
        shown.sort_by(|left, right| left.name.cmp(&right.name));
        let mut families: Vec<&str> = ready.iter().map(|ready| ready.family.as_str()).collect();
        families.dedup();
        for family in families {
            let mut names = shown.iter().filter(|ready| ready.family == family).peekable();
            if names.peek().is_some() {
                outln!("{family}")?;
            }
            for ready in names {
                outln!("  {}", ready.name)?;
            }
        }
        Ok(())
    }
}
