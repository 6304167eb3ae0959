//! Every TOML of the repository that this crate reads is read by a test.

use std::path::Path;

use internlm_kit::exit::BadInput;
use internlm_model::sampling::SamplingConfig;
use lmdeploy::config::{DeployConfig, ServerConfig};
use lmdeploy::engine::{CacheSize, ExecutorConfig, QuantPolicy};
use proptest::prelude::*;

#[test]
fn deploy_recipes_are_valid() {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut found = 0;
    for recipe in std::fs::read_dir(&recipes).expect("recipes") {
        let recipe = recipe.expect("an entry").path();
        if recipe.is_dir() {
            let path = recipe.join("4-deploy.toml");
            DeployConfig::load(&path).expect("a valid config");
            found += 1;
        }
    }
    assert!(found >= 3, "found {found} recipes");
}

#[test]
fn a_file_with_bad_values_is_bad_input() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("d.toml");
    std::fs::write(&path, "[model]\npath = \"m\"\n[engine]\nthreads = 0\n").expect("writes");
    let error = DeployConfig::load(&path).expect_err("no threads");
    assert!(error.is_bad_input() && error.to_string().contains("engine.threads: found 0"), "{error}");
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

proptest! {
    #[test]
    fn settings_survive_a_file(
        batch in 1..64_usize,
        session in prop::option::of(1..9000_usize),
        policy in prop::sample::select(vec![QuantPolicy::Float, QuantPolicy::Int8, QuantPolicy::Int4]),
        share in 0.01_f64..1.0,
        port in any::<u16>(),
        temperature in prop::option::of(0.0_f32..2.0),
    ) {
        let mut engine = ExecutorConfig::default()
            .with_max_batch_size(batch)
            .with_quant_policy(policy)
            .with_cache_size(CacheSize::Share(share));
        engine.session_len = session;
        let mut config = DeployConfig::new("some/model").with_engine(engine);
        config.server = ServerConfig::default().with_host("::1").with_port(port).with_drain_timeout(1.5);
        config.sampling = temperature.map(|temperature| SamplingConfig::greedy().with_temperature(temperature));
        let text = toml::to_string(&config).expect("writes");
        let read: DeployConfig =
            internlm_kit::config::parse_unchecked(&text, "d.toml", &[""; 0]).expect("reads what it wrote");
        prop_assert_eq!(read, config);
    }
}
