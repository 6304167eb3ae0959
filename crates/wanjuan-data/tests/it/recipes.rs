//! Every data recipe of the repository parses and is valid.

use std::path::Path;

use internlm_kit::config::Validate;
use wanjuan_data::PipelineConfig;

#[test]
fn data_recipes_are_valid() {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut seen = 0;
    for recipe in std::fs::read_dir(&recipes).expect("lists") {
        let recipe = recipe.expect("lists").path();
        if recipe.is_dir() {
            let path = recipe.join("1-data.toml");
            let config: PipelineConfig = internlm_kit::config::load(&path).expect("is valid");
            assert_eq!(config.problems(), Vec::<String>::new());
            // What is written into the output folder can be run again.
            let text = toml::to_string(&config).expect("writes");
            let again: PipelineConfig = internlm_kit::config::parse(&text, "config.toml").expect("parses");
            assert_eq!(again, config);
            seen += 1;
        }
    }
    assert!(seen >= 3, "found {seen} recipes");
}
