//! The agent files of the recipes and of the guide are valid.

use std::path::Path;

use lagent::config::AgentConfig;
use lagent::team::LoadedTeam;

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

#[test]
fn agents_of_the_guide_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/agents");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("the agents") {
        let path = entry.expect("an entry").path();
        let name = path.display();
        let text = std::fs::read_to_string(&path).expect("is a file");
        if text.contains("[team]") {
            let team = LoadedTeam::open(&path, &[""; 0]);
            assert_eq!(team.expect("a valid team").spec.members.len(), 2, "{name}");
        } else {
            let config = AgentConfig::load(&path).expect("a valid agent");
            assert!(!config.tools.is_empty(), "{name}");
        }
        found += 1;
    }
    assert_eq!(found, 4);
}
