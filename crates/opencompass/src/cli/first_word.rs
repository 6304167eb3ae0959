//! The first word of a command line that is neither a verb nor a file.

use std::path::Path;

use clap::Command;
use internlm_kit::exit::UsageError;

use crate::dataset::nearest;

/// Checks the word in the place of the run file.
///
/// # Errors
/// [`UsageError`] for the folder of a run, and for a word that looks like a verb and is not.
pub(super) fn check(word: Option<&Path>, command: &Command) -> Result<(), UsageError> {
    let Some(word) = word else { return Ok(()) };
    let (shown, inside) = (word.display(), word.join("configs/run.toml"));
    if inside.is_file() {
        let inside = inside.display();
        return Err(UsageError(format!("{shown}: found the folder of a run, expected a run file: {inside}")));
    }
    if word.exists() || word.extension().is_some() || word.components().count() > 1 {
        return Ok(());
    }
    let near = nearest(&shown.to_string(), command.get_subcommands().map(Command::get_name));
    let near = near.map_or_else(String::new, |near| format!(" (nearest verb: `{near}`)"));
    Err(UsageError(format!("{shown}: found no such file, expected a run file or a verb{near}")))
}
