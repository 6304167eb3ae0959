//! Every recipe of the repository fits the pipeline.

use std::path::Path;

use toml::{Table, Value};

use super::super::*;

/// Every folder below recipes/ and its name.
fn recipes() -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(workspace::root().join("recipes")).expect("the recipes");
    let folders = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    folders.map(|path| (name(&path), path)).collect()
}

fn config(recipe: &Path, stage: &Stage, overrides: &[String]) -> Table {
    let path = recipe.join(stage.config);
    let text = std::fs::read_to_string(&path).expect(stage.config);
    internlm_kit::config::parse_unchecked(&text, &path, overrides).expect("TOML")
}

/// The value at a dotted key.
fn value<'a>(config: &'a Table, key: &str) -> Option<&'a Value> {
    let mut parts = key.split('.');
    let first = config.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// The folder that the stage writes; xtask itself says where the load test's numbers go.
fn output(config: &Table, stage: &Stage) -> Option<String> {
    let key = match stage.name {
        StageName::Data => "output",
        StageName::Pretrain | StageName::Finetune | StageName::Align => "run.out",
        StageName::Deploy => return None,
        StageName::Evaluate => "run.folder",
        StageName::Agent => "questions.out",
    };
    Some(value(config, key).and_then(Value::as_str).expect(key).to_owned())
}

fn writes_below(run: &str, config: &Table, stage: &Stage) {
    let expected = format!("runs/{run}/{}", stage.name.as_str());
    assert_eq!(output(config, stage).unwrap_or_else(|| expected.clone()), expected);
}

#[test]
fn every_recipe_has_every_stage_and_writes_where_the_pipeline_looks() {
    assert!(recipes().len() >= 3, "{:?}", recipes());
    for (name, recipe) in recipes() {
        for stage in STAGES.iter().filter(|stage| is_part(&recipe, stage)) {
            writes_below(&name, &config(&recipe, stage, &[]), stage);
        }
    }
}

#[test]
fn quick_runs_write_elsewhere_and_override_keys_that_are_there() {
    for (name, recipe) in recipes() {
        let path = recipe.join("quick.toml");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let quick: Quick =
            internlm_kit::config::parse_unchecked(&text, &path, &[""; 0]).expect("a quick.toml");
        assert_ne!(quick.run, name);
        let known = |name: &String| STAGES.iter().any(|stage| stage.name.as_str() == name);
        assert!(quick.set.keys().all(known), "{name}: {:?}", quick.set.keys());
        for stage in STAGES.iter().filter(|stage| is_part(&recipe, stage)) {
            let overrides = quick.set.get(stage.name.as_str()).map_or(&[][..], Vec::as_slice);
            let whole = config(&recipe, stage, &[]);
            for key in overrides.iter().filter_map(|text| text.split('=').next()) {
                // A dataset without a range in the whole run may have one here.
                let fits = key.starts_with("test-range.") || value(&whole, key).is_some();
                assert!(fits, "{name}: {key} is not in {}", stage.config);
            }
            writes_below(&quick.run, &config(&recipe, stage, overrides), stage);
        }
    }
}
