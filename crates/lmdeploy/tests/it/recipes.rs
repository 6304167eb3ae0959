//! Every TOML of the repository that this crate reads is read by a test.

use std::path::Path;

use lmdeploy::config::DeployConfig;

#[test]
fn deploy_recipes_are_valid() {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut found = 0;
    for recipe in std::fs::read_dir(&recipes).expect("recipes") {
        let recipe = recipe.expect("an entry").path();
        if recipe.is_dir() {
            let path = recipe.join("4-deploy.toml");
            internlm_kit::config::load::<DeployConfig>(&path).expect("a valid config");
            found += 1;
        }
    }
    assert!(found >= 3, "found {found} recipes");
}

#[test]
fn bad_configs_name_the_key() {
    let parse = |text: &str| internlm_kit::config::parse::<DeployConfig>(text, "d.toml");
    for (text, word) in [
        ("", "model"),
        ("[model]\npath = \"m\"\nbackend = \"cuda\"", "backend"),
        ("[model]\npath = \"m\"\n[engine]\ncache-max-entry-count = \"lots\"", "cache-max-entry-count"),
        ("[model]\npath = \"m\"\n[servers]\nport = 1", "servers"),
        ("[model]\npath = \"m\"\n[server]\nport = 70000", "port"),
    ] {
        let error = parse(text).expect_err("a bad config").to_string();
        assert!(error.contains("d.toml") && error.contains(word), "{error}");
    }
}
