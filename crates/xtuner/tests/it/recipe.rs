//! The recipe that ships with the repository loads.

use std::path::Path;

use internlm_kit::config;
use xtuner::FinetuneConfig;

#[test]
fn the_tiny_recipe_loads_and_its_stages_meet() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/tiny/3-finetune.toml");
    let config: FinetuneConfig = config::load(&path, &[]).expect("loads");
    let generate = config.generate.expect("a generator");
    assert_eq!(config.dataset.paths, [generate.conversations]);
    assert_eq!(config.test.expect("a test").questions, generate.questions);
    assert!(generate.held_out >= 200);
}
