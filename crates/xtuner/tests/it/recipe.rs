//! The fine-tuning files of the recipes load.

use std::path::Path;

use internlm_kit::config;
use xtuner::FinetuneConfig;

#[test]
fn every_recipe_loads_and_its_stages_meet() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("the recipes") {
        let recipe = entry.expect("an entry").path();
        if !recipe.is_dir() {
            continue;
        }
        let config: FinetuneConfig = config::load(recipe.join("3-finetune.toml")).expect("loads");
        let name = recipe.display();
        let text = toml::to_string_pretty(&config).expect("serializes");
        let again: FinetuneConfig = config::parse(&text, "config.toml").expect("the resolved form parses");
        assert_eq!(again, config, "{name}");
        let generate = config.generate.expect("a generator");
        assert!(config.dataset.paths.contains(&generate.conversations), "{name}");
        assert!(config.test.is_none_or(|test| test.questions == generate.questions), "{name}");
        assert!(generate.held_out >= 200, "{name}");
        found += 1;
    }
    assert!(found >= 3, "found {found} recipes");
}

#[test]
fn the_stage_after_fine_tuning_starts_from_its_model_and_asks_what_it_generates() {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/tiny");
    let tuned = FinetuneConfig::load(recipe.join("3-finetune.toml")).expect("loads");
    let aligned = FinetuneConfig::load(recipe.join("3b-align.toml")).expect("loads");
    assert_eq!(aligned.model.path, tuned.run.out.join("hf"));
    let generate = aligned.generate.expect("a generator");
    assert_eq!(Some(&aligned.dataset.paths[0]), generate.prompts.as_ref());
    assert_eq!(aligned.test.map(|test| test.questions), Some(generate.questions));
    let own = tuned.generate.expect("a generator").seed;
    assert_ne!(generate.seed, own, "questions of another draw");
}

#[test]
fn every_config_of_the_repository_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let entries = std::fs::read_dir(folder).expect("the configs");
    let paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
        FinetuneConfig::load(path).unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(paths.len() >= 3, "{paths:?}");
}
