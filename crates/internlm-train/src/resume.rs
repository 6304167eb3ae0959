//! Where a run starts: at a checkpoint of the same settings and data, or at step 0.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::checkpoint::{self, Resume, State};
use crate::{Error, Result, Trainer};

/// Brings `trainer` to its starting point and gives the step of the checkpoint it continues from.
///
/// # Errors
/// A checkpoint that cannot be used, or one of an unfinished run with other settings.
pub(crate) fn start(trainer: &mut Trainer, checkpoints: &Path, resume: &Resume) -> Result<Option<u64>> {
    let folder = match resume {
        Resume::None => None,
        Resume::From(folder) => Some(folder.clone()),
        Resume::Auto => match checkpoint::newest(checkpoints)? {
            Some((folder, state)) => same_run(trainer, &folder, &state)?.then_some(folder),
            None => None,
        },
    };
    let Some(folder) = folder else {
        set_aside(checkpoints)?;
        return Ok(None);
    };
    let loaded = checkpoint::open(&folder, trainer.parameters(), trainer.coverage())?;
    let step = loaded.state.step;
    if let (Resume::From(_), Some(difference)) = (resume, difference(trainer.state(), &loaded.state)) {
        tracing::warn!("{}: continues although {difference}", folder.display());
    }
    trainer.restore(loaded);
    supersede(checkpoints, step)?;
    tracing::info!("continues after step {step} from {}", folder.display());
    Ok(Some(step))
}

/// Whether the checkpoint belongs to this run; the remains of another finished run do not.
fn same_run(trainer: &Trainer, folder: &Path, state: &State) -> Result<bool> {
    let Some(difference) = difference(trainer.state(), state) else { return Ok(true) };
    let steps = state.config.pointer("/schedule/steps").and_then(Value::as_u64);
    if steps.is_some_and(|steps| state.step >= steps) {
        tracing::warn!("{}: a finished run of other settings ({difference}); starts over", folder.display());
        return Ok(false);
    }
    Err(Error::Checkpoint {
        path: folder.to_path_buf(),
        found: format!("an unfinished run of other settings: {difference}"),
        expected: "equal settings and data; `--resume none` starts over, `--resume DIR` continues from DIR \
                   under the new settings"
            .to_owned(),
    })
}

/// The first setting that differs, as `key is NEW here and OLD there`.
fn difference(own: &State, other: &State) -> Option<String> {
    let text = |key: &str, own: &dyn std::fmt::Display, other: &dyn std::fmt::Display| {
        format!("{key} is {own} here and {other} there")
    };
    if own.data != other.data {
        return Some(text("the data", &own.data, &other.data));
    }
    first_difference("", &own.config, &other.config).map(|(key, own, other)| text(&key, &own, &other))
}

fn first_difference(key: &str, own: &Value, other: &Value) -> Option<(String, Value, Value)> {
    let (Value::Object(own_map), Value::Object(other_map)) = (own, other) else {
        return (own != other).then(|| (key.to_owned(), own.clone(), other.clone()));
    };
    let keys = own_map.keys().chain(other_map.keys().filter(|key| !own_map.contains_key(*key)));
    keys.into_iter().find_map(|name| {
        let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        let value = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
        first_difference(&key, &value(own_map), &value(other_map))
    })
}

/// Moves the checkpoints of another run out of the way, to `checkpoints.old`.
fn set_aside(checkpoints: &Path) -> Result<()> {
    if !checkpoints.exists() {
        return Ok(());
    }
    let old = checkpoints.with_extension("old");
    if old.exists() {
        fs::remove_dir_all(&old).map_err(Error::io(&old, "remove"))?;
    }
    fs::rename(checkpoints, &old).map_err(Error::io(checkpoints, "rename"))
}

/// Checkpoints beyond the starting point belong to the branch that was left: they no longer count.
fn supersede(checkpoints: &Path, step: u64) -> Result<()> {
    for (_, path) in checkpoint::list(checkpoints)?.into_iter().filter(|(found, _)| *found > step) {
        let target = path.with_extension("superseded");
        if target.exists() {
            fs::remove_dir_all(&target).map_err(Error::io(&target, "remove"))?;
        }
        fs::rename(&path, &target).map_err(Error::io(&path, "rename"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn difference_names_the_dotted_key_and_both_values() {
        let state = |lr: f64| State { config: json!({"a": 1, "optim": {"lr": lr}}), ..State::default() };
        assert_eq!(difference(&state(0.1), &state(0.1)), None);
        let text = difference(&state(0.1), &state(0.2)).expect("they differ");
        assert_eq!(text, "optim.lr is 0.1 here and 0.2 there");
    }
}
