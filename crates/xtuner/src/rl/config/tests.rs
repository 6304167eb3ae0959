//! Tables of `[objective]` as TOML.

use super::*;

fn grpo(text: &str) -> GrpoConfig {
    toml::from_str(text).expect("keys that exist")
}

#[test]
fn the_smallest_tables_have_the_defaults_of_upstream_and_report() {
    let config = grpo("[[rewards]]\nkind = 'gsm8k'");
    assert!(config.problems().is_empty(), "{:?}", config.problems());
    assert_eq!((config.answers, config.clip_low, config.clip_high, config.kl_weight), (5, 0.2, 0.28, 0.0));
    assert_eq!(config, GrpoConfig::new(config.rewards.clone()));

    let config: PpoConfig =
        toml::from_str("[[rewards]]\nkind = 'model'\npath = 'rm'").expect("keys that exist");
    assert!(config.problems().is_empty(), "{:?}", config.problems());
    assert_eq!((config.critic_warmup, config.lambda, config.gamma), (50, 0.99, 1.0));
    assert_eq!(config.critic_folder(), Some(&PathBuf::from("rm")));
    assert_eq!(config, PpoConfig::new(config.rewards.clone()));
}

#[test]
fn every_problem_names_its_key() {
    let cases = [
        ("", "objective.rewards: found an empty list"),
        ("answers = 1", "objective.answers: found 1, expected at least 2"),
        ("clip-low = 1.5", "objective.clip-low: found 1.5"),
        ("negative-cap = 0.5", "objective.negative-cap: found 0.5"),
        ("importance-cap = 0.0", "objective.importance-cap: found 0"),
        ("rounds.steps = 0", "objective.rounds.steps: found 0"),
        ("answer.temperature = -1.0", "objective.answer.temperature: found -1"),
        ("rollout = { engine = 'local', batch = 0 }", "objective.rollout.batch: found 0"),
        ("rewards = [{ kind = 'regex', pattern = '(' }]", "objective.rewards.regex.pattern: found `(`"),
    ];
    for (text, expected) in cases {
        let problems = grpo(text).problems();
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{text}: {problems:?}");
    }
    let text = "rewards = [{ kind = 'number' }]\nlambda = 2.0\n[pretrain]\nshards = 's'\nrows = 0";
    let config: PpoConfig = toml::from_str(text).expect("keys that exist");
    let problems = config.problems().join("; ");
    for key in ["objective.lambda", "objective.pretrain.rows", "objective.critic: found none"] {
        assert!(problems.contains(key), "{problems}");
    }
}

#[test]
fn tables_survive_being_written() {
    let text = "kl = 'k2'\nadvantage = 'pass-k'\nanswer.top-p = 0.5\nrollout = { engine = 'served', url = 'http://h:1' }\n\
                rewards = [{ kind = 'model', path = 'rm', domains = { code = 'c' } }, { kind = 'contains', weight = 2.0 }]";
    let config = grpo(text);
    assert!(config.problems().is_empty(), "{:?}", config.problems());
    assert_eq!(grpo(&toml::to_string(&config).expect("writes")), config);
    assert!(toml::from_str::<GrpoConfig>("clip = 0.1").is_err(), "keys of the other kind are refused");
}
