//! `lagent template`: shows the prompt texts that have names.

use clap::Subcommand;
use internlm_kit::exit::UsageError;
use internlm_kit::{out, outln};

use crate::templates::{NAMES, named};

const LIST_EXAMPLES: &str = "Example:
  lagent template list";
const SHOW_EXAMPLES: &str = "Examples:
  lagent template show react_en
  lagent template show cibench_react --verbatim";

/// The verbs below `lagent template`.
#[derive(Debug, Subcommand)]
pub(super) enum Template {
    /// List the names of all templates.
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Print a template as it is, with the names of its fields in braces.
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// Name of the template, one of `lagent template list`.
        name: String,
        /// Print the prompt as it is quoted in print, with what LaTeX left in it.
        #[arg(long)]
        verbatim: bool,
    },
}

impl Template {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List => NAMES.iter().try_for_each(|name| outln!("{name}"))?,
            // Without a further line end: the bytes are the template's.
            Self::Show { name, verbatim } => out!("{}", text(&name, verbatim)?)?,
        }
        Ok(())
    }
}

fn text(name: &str, verbatim: bool) -> Result<&'static str, UsageError> {
    let Some(template) = named(name) else {
        return Err(UsageError(format!("template `{name}`: unknown, expected one of {}", NAMES.join(", "))));
    };
    if !verbatim {
        return Ok(template.text());
    }
    template.verbatim().ok_or_else(|| {
        let quoted = NAMES.iter().filter(|name| named(name).is_some_and(|found| found.verbatim().is_some()));
        let quoted: Vec<&str> = quoted.copied().collect();
        UsageError(format!("--verbatim: found `{name}`, expected one of {}", quoted.join(", ")))
    })
}
