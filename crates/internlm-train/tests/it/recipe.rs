//! The pre-training files of the recipes parse, are valid and plan.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_kit::config;
use internlm_train::plan::Plan;
use internlm_train::pretrain::PretrainConfig;

/// The stage's file of every recipe, by the recipe's name.
fn recipes() -> BTreeMap<String, PretrainConfig> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let entries = std::fs::read_dir(folder).expect("the recipes");
    let folders = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    let load = |folder: std::path::PathBuf| {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        (name, config::load(folder.join("2-pretrain.toml")).expect("the recipe is valid"))
    };
    folders.map(load).collect()
}

#[test]
fn every_recipe_is_valid_and_its_resolved_form_too() {
    let recipes = recipes();
    assert!(recipes.len() >= 3, "{:?}", recipes.keys());
    for (name, config) in &recipes {
        let text = toml::to_string_pretty(config).expect("serializes");
        let again: PretrainConfig = config::parse(&text, "config.toml").expect("the resolved form parses");
        assert_eq!(&again, config, "{name}");
    }
}

#[test]
fn the_tiny_recipe_is_small() {
    let plan = Plan::of(&recipes()["tiny"]).expect("it has a model");
    assert!((4_000_000..6_000_000).contains(&plan.parameters), "{plan:?}");
}

#[test]
fn internlm2_1_8b_has_its_real_size_and_smollm2_starts_from_weights() {
    let recipes = recipes();
    let plan = Plan::of(&recipes["internlm2-1_8b"]).expect("it has a model");
    assert_eq!(plan.parameters, 1_889_110_016);
    assert!(recipes["smollm2"].model.is_none() && recipes["smollm2"].run.init_from.is_some());
}
