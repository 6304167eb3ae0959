//! The agent files of the recipes and of the guide are valid.

use std::path::Path;

use internlm_model::chat::{Message, Role};
use lagent::action::ActionReturn;
use lagent::config::AgentConfig;
use lagent::run::{AgentRun, Command, Event, Finish, ModelOutcome, ToolOutcome};
use lagent::team::LoadedTeam;
use serde_json::json;

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

/// Role and text of every message of the next request.
fn request(commands: &[Command]) -> Vec<(Role, String)> {
    let asked = commands.iter().find_map(|command| match command {
        Command::AskModel { messages, .. } => Some(messages),
        _ => None,
    });
    asked.expect("a request").iter().map(|message| (message.role, message.text().to_owned())).collect()
}

#[test]
fn the_agent_of_smollm2_asks_as_its_model_was_taught() {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/smollm2");
    let tuning = std::fs::read_to_string(recipe.join("3-finetune.toml")).expect("is a file");
    let tuning: toml::Table = toml::from_str(&tuning).expect("is TOML");
    let taught = tuning["generate"]["react-prompt"].as_str().expect("a text");

    let config = AgentConfig::load(recipe.join("6-agent.toml")).expect("a valid config");
    let mut run = AgentRun::new(config.spec(&config.toolbox().expect("its tools work here")));
    let commands = run.step(Event::Start { messages: vec![Message::user("What is 12 + 30?")] });
    let message = |role, text: &str| (role, text.to_owned());
    let question = message(Role::User, "What is 12 + 30?");
    assert_eq!(request(&commands), [message(Role::System, taught), question]);

    // As the conversations of xtuner's generator have it.
    let call =
        "Thought: I need to calculate 12+30.\nAction: Calculator\nAction Input: {\"expression\":\"12+30\"}";
    let reply = |content: &str| ModelOutcome::Reply {
        content: content.to_owned(),
        calls: Vec::new(),
        finish: Finish::Stop,
        input_tokens: 1,
        output_tokens: 1,
        milliseconds: 1,
    };
    let commands = run.step(Event::Model { request: 1, outcome: reply(call) });
    let called = commands.iter().find_map(|command| match command {
        Command::CallTool { id, name, args, .. } => Some((*id, name.as_str(), args)),
        _ => None,
    });
    let (id, name, args) = called.expect("a call");
    assert_eq!((name, args), ("Calculator", &json!({"expression": "12+30"})));
    let value = ActionReturn::text("Calculator", args.clone(), "42");
    let commands = run.step(Event::Tool { call: id, outcome: ToolOutcome { value, milliseconds: 1 } });
    let result = message(Role::System, "Response:42\n");
    assert_eq!(request(&commands)[2..], [message(Role::Assistant, call), result]);
    let end = "Thought: I know the result.\nFinal Answer: The answer is 42.";
    let id = commands.iter().find_map(|command| match command {
        Command::AskModel { id, .. } => Some(*id),
        _ => None,
    });
    let commands = run.step(Event::Model { request: id.expect("a request"), outcome: reply(end) });
    assert!(format!("{commands:?}").contains("The answer is 42."), "{commands:?}");
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
