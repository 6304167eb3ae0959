//! The TOML files of the repository parse and plan.

use std::path::Path;

use internlm_kit::config;
use internlm_train::plan::Plan;
use internlm_train::pretrain::PretrainConfig;

#[test]
fn the_tiny_recipe_is_valid_and_small() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/tiny/2-pretrain.toml");
    let config: PretrainConfig = config::load(&path, &[]).expect("the recipe is valid");
    let plan = Plan::of(&config).expect("it has a model");
    assert!((4_000_000..6_000_000).contains(&plan.parameters), "{plan:?}");
    let text = toml::to_string_pretty(&config).expect("serializes");
    let again: PretrainConfig = config::parse(&text, "config.toml", &[]).expect("the resolved form parses");
    assert_eq!(again, config);
}
