//! Where a run starts: at a checkpoint of the same settings and data, or at step 0.

use std::fs;
use std::path::Path;

use internlm_kit::file::{self, AtPath};
use serde_json::Value;

use crate::checkpoint::{self, Resume, State};
use crate::start::other_run;
use crate::{Result, Start, Trainer};

/// Brings `trainer` to its starting point in the run folder `out` and gives the step of the checkpoint it resumes
/// from.
///
/// # Errors
/// A checkpoint that cannot be used, and a run of other settings that must not be replaced.
pub(crate) fn start(trainer: &mut Trainer, out: &Path, start: &Start) -> Result<Option<u64>> {
    let checkpoints = out.join("checkpoints");
    let folder = match &start.resume {
        Resume::None => None,
        Resume::From(folder) => Some(folder.clone()),
        Resume::Auto => match checkpoint::newest(&checkpoints)? {
            Some((folder, state)) => same_run(trainer, out, &state, start)?.then_some(folder),
            None => None,
        },
    };
    let Some(folder) = folder else {
        set_aside(&checkpoints)?;
        return Ok(None);
    };
    let loaded = checkpoint::open(&folder, trainer.parameters(), trainer.coverage())?;
    let step = loaded.state.step;
    if matches!(start.resume, Resume::From(_)) {
        for difference in differences(trainer.state(), &loaded.state) {
            tracing::warn!("{}: resumes although it differs in {difference}", folder.display());
        }
    }
    trainer.restore(loaded);
    supersede(&checkpoints, step)?;
    tracing::info!("resumes after step {step} from {}", folder.display());
    Ok(Some(step))
}

/// Whether the newest checkpoint belongs to this run. The checkpoints of a finished run of other settings do not, when
/// they may be replaced.
fn same_run(trainer: &Trainer, out: &Path, state: &State, start: &Start) -> Result<bool> {
    let keys = differences(trainer.state(), state);
    if keys.is_empty() {
        return Ok(true);
    }
    let steps = state.config.pointer("/schedule/steps").and_then(Value::as_u64);
    let finished = steps.is_some_and(|steps| state.step >= steps);
    if finished && start.replaces() {
        tracing::warn!("{}: replaces a finished run that differs in {}", out.display(), keys.join(", "));
        return Ok(false);
    }
    Err(other_run(out, if finished { "finished" } else { "unfinished" }, keys).into())
}

/// Every setting that differs, as `key (NEW here, OLD there)`.
fn differences(own: &State, other: &State) -> Vec<String> {
    let mut found = Vec::new();
    if own.data != other.data {
        found.push(format!("the data ({} here, {} there)", own.data, other.data));
    }
    compare("", &own.config, &other.config, &mut found);
    found
}

fn compare(key: &str, own: &Value, other: &Value, found: &mut Vec<String>) {
    let (Value::Object(own_map), Value::Object(other_map)) = (own, other) else {
        if own != other {
            found.push(format!("{key} ({own} here, {other} there)"));
        }
        return;
    };
    let names = own_map.keys().chain(other_map.keys().filter(|name| !own_map.contains_key(*name)));
    for name in names {
        let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        let value = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
        compare(&key, &value(own_map), &value(other_map), found);
    }
}

/// Moves the checkpoints of another run out of the way, to `checkpoints.old`.
fn set_aside(checkpoints: &Path) -> Result<()> {
    if !checkpoints.exists() {
        return Ok(());
    }
    let old = checkpoints.with_extension("old");
    file::remove_dir_all(&old)?;
    Ok(fs::rename(checkpoints, &old).at(checkpoints, "rename")?)
}

/// Renames the checkpoints after the starting point: they belong to a branch that this run leaves.
fn supersede(checkpoints: &Path, step: u64) -> Result<()> {
    for (_, path) in checkpoint::list(checkpoints)?.into_iter().filter(|(found, _)| *found > step) {
        let target = path.with_extension("superseded");
        file::remove_dir_all(&target)?;
        fs::rename(&path, &target).at(&path, "rename")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_differing_setting_is_named_with_both_values() {
        let state = |lr: f64, data: &str, extra: &str| State {
            config: json!({"a": 1, "optim": {"lr": lr}, extra: true}),
            data: data.to_owned(),
            ..State::default()
        };
        assert!(differences(&state(0.1, "x", "b"), &state(0.1, "x", "b")).is_empty());
        let found = differences(&state(0.1, "x", "b"), &state(0.2, "y", "c"));
        let expected = [
            "the data (\"x\" here, \"y\" there)".replace('"', ""),
            "optim.lr (0.1 here, 0.2 there)".to_owned(),
            "b (true here, null there)".to_owned(),
            "c (null here, true there)".to_owned(),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn checkpoints_after_the_starting_point_no_longer_count() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let checkpoints = folder.path().join("checkpoints");
        for step in [5, 10, 15] {
            fs::create_dir_all(checkpoint::step_folder(&checkpoints, step)).expect("creates");
        }
        supersede(&checkpoints, 10).expect("renames");
        let steps = |path: &Path| -> Vec<u64> {
            checkpoint::list(path).expect("lists").into_iter().map(|(step, _)| step).collect()
        };
        assert_eq!(steps(&checkpoints), [10, 5]);
        set_aside(&checkpoints).expect("moves");
        assert!(steps(&checkpoints).is_empty());
        assert_eq!(steps(&folder.path().join("checkpoints.old")), [10, 5]);
        set_aside(&checkpoints).expect("nothing to move is not an error");
    }
}
