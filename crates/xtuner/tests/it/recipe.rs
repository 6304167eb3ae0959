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
