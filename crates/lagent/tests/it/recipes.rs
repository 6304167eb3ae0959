//! The agent files of the recipes are valid and have questions to ask.

use std::path::Path;

use lagent::config::AgentConfig;

#[test]
fn agent_recipes_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("the recipes") {
        let recipe = entry.expect("an entry").path();
        if !recipe.is_dir() {
            continue;
        }
        let name = recipe.display();
        let config = AgentConfig::load(recipe.join("6-agent.toml")).expect("a valid config");
        assert!(config.questions.is_some(), "{name}");
        assert!(config.toolbox().is_ok(), "{name}: its tools work here");
        let text = toml::to_string(&config).expect("serializes");
        let again: AgentConfig =
            internlm_kit::config::parse(&text, "config.toml").expect("the resolved form parses");
        assert_eq!(again, config, "{name}");
        found += 1;
    }
    assert!(found >= 3, "found {found} recipes");
}
