//! `xtuner plan` for objectives with more than one model, against what their runs then train.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use internlm_kit::context::RunContext;
use internlm_model::decoder::Decoder;
use internlm_model::{TokenId, Tokenizer, device};
use serde_json::Value;
use xtuner::plan::Plan;
use xtuner::{FinetuneConfig, Resume, finetune};

use crate::families::{PAIRS, PROMPTS, write_data};
use crate::fixture::{prepare, xtuner};

/// Adapters, and the embedding trained whole.
const SAVED: &str = "lora.modules-to-save=[\"tok_embeddings\"]";
/// Four prompts of two answers in one step.
const GRPO: &str = "objective={ kind = \"grpo\", answers = 2, rewards = [{ kind = \"number\" }], \
                    rounds = { prompts = 4 }, answer = { max-tokens = 6 }, kl-weight = 0.1 }";

/// Writes a critic, which is a reward model of the base model's size, into `folder/critic`.
fn write_critic(folder: &Path) {
    let base = Decoder::load(folder.join("base"), &device::parse("cpu").expect("the CPU")).expect("loads");
    base.with_value_head(TokenId(2), &BTreeMap::new()).save(folder.join("critic")).expect("saves");
    Tokenizer::load(folder.join("base")).expect("loads").save(folder.join("critic")).expect("saves");
}

fn ppo(folder: &Path) -> String {
    let critic = folder.join("critic").display().to_string();
    format!(
        "objective={{ kind = \"ppo\", critic-warmup = 0, rewards = [{{ kind = \"model\", path = {critic:?} }}], \
         rounds = {{ prompts = 4 }}, answer = {{ max-tokens = 6 }} }}"
    )
}

/// The config of one step of an objective on a file of `folder`.
fn config(folder: &Path, method: &str, file: &str, set: &[&str]) -> FinetuneConfig {
    let mut all = vec![
        format!("model.method={method}"),
        format!("dataset.paths=[{:?}]", folder.join(file).display().to_string()),
        "dataset.max-length=128".to_owned(),
        format!("run.out={:?}", folder.join("planned").display().to_string()),
    ];
    all.extend(set.iter().map(|text| (*text).to_owned()));
    FinetuneConfig::load_with(folder.join("config.toml"), &all).expect("a valid config")
}

#[test]
fn every_objective_trains_what_its_plan_counts() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder, "full", 1);
    write_data(folder);
    write_critic(folder);
    let ppo = ppo(folder);
    let cases = [
        (PAIRS, "objective={ kind = \"preference\", loss = \"sigmoid\" }"),
        (PAIRS, "objective={ kind = \"reward\" }"),
        (PROMPTS, GRPO),
        (PROMPTS, ppo.as_str()),
    ];
    for (index, (file, objective)) in cases.into_iter().enumerate() {
        for method in ["full", "lora"] {
            let mut config = config(folder, method, file, &[SAVED, objective]);
            config.run.out = folder.join(format!("{method}-{index}"));
            let plan = Plan::of(&config).expect("plans");
            let report = finetune(&config, Resume::None, &RunContext::default()).expect("trains");
            let summary = report.summary.expect("finished");
            let number = |key: &str| summary.rows().iter().find(|(name, _)| name == key).expect("is there").1;
            assert_eq!(plan.parameters as f64, number("parameters"), "{method} {objective}");
            assert_eq!(plan.trained as f64, number("trained_parameters"), "{method} {objective}");
        }
    }
}

#[test]
fn a_reference_is_a_copy_of_what_is_trained_without_the_adapters() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder, "full", 1);
    write_data(folder);
    let plan =
        |method: &str, file: &str, set: &[&str]| Plan::of(&config(folder, method, file, set)).expect("plans");
    let plain = "lora.modules-to-save=[]";
    let dpo = "objective={ kind = \"preference\", loss = \"sigmoid\" }";
    let stored = "objective={ kind = \"preference\", loss = \"sigmoid\", reference = \"stored\" }";
    for (file, objective) in [(PAIRS, dpo), (PROMPTS, GRPO)] {
        assert_eq!(plan("lora", file, &[plain, objective]).reference_bytes, 0, "{objective}");
        // The embedding has 384 rows of 32 numbers.
        assert_eq!(plan("lora", file, &[SAVED, objective]).reference_bytes, 4 * 384 * 32, "{objective}");
        let full = plan("full", file, &[objective]);
        assert_eq!(full.reference_bytes, 4 * full.trained, "{objective}");
    }
    assert_eq!(plan("full", PAIRS, &[stored]).reference_bytes, 0);
    assert_eq!(plan("full", PROMPTS, &[&GRPO.replace("0.1", "0.0")]).reference_bytes, 0);
    let (full, lora) = (plan("full", PAIRS, &[dpo]), plan("lora", PAIRS, &[plain, dpo]));
    assert_eq!((full.merged_bytes, full.checkpoint_bytes), (0, 12 * full.trained));
    // The matrices of both layers: wqkv of 64 rows, wo, and three of 48 x 32.
    assert_eq!(lora.merged_bytes, 4 * 2 * (64 * 32 + 32 * 32 + 3 * 48 * 32));
}

#[test]
fn ppo_counts_actor_critic_reference_reward_models_and_answers() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder, "full", 1);
    write_data(folder);
    write_critic(folder);
    let plan = Plan::of(&config(folder, "full", PROMPTS, &[&ppo(folder)])).expect("plans");
    let critic = plan.critic.expect("a critic");
    // Instead of an output matrix of 384 rows, the critic has one row.
    assert_eq!(critic.parameters, plan.parameters - 383 * 32);
    assert_eq!(critic.memory.moments, 8 * critic.parameters);
    assert_eq!(critic.shared_bytes, critic.memory.gradients + critic.memory.activations);
    assert_eq!(plan.reward_model_bytes, 4 * critic.parameters);
    assert_eq!((plan.reference_bytes, plan.pass_tokens), (4 * plan.trained, 4 * (128 + 6)));
    assert!(plan.answer_bytes > 0 && plan.rollout_bytes > 0, "{plan:?}");
    let kept = plan.memory.total() + critic.memory.weights + critic.memory.moments + plan.reference_bytes;
    let between = plan.rollout_bytes.max(plan.checkpoint_bytes);
    assert_eq!(plan.total_bytes, kept + plan.reward_model_bytes + plan.answer_bytes + between);
}

#[test]
fn the_verb_shows_the_parts_of_ppo_and_refuses_what_the_run_would_refuse() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let path = prepare(folder, "full", 1);
    write_critic(folder);
    let (program, ppo) = (xtuner(folder), ppo(folder));
    let short = "dataset.max-length=128";
    let ran = program.run(["plan", &path, "--set", &ppo, "--set", short]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for name in ["reference", "critic", "reward models", "answers of a round", "generating answers"] {
        assert!(ran.stdout.lines().any(|line| line.trim_start().starts_with(name)), "{name}: {}", ran.stdout);
    }
    let ran = program.run(["plan", &path, "--set", &ppo, "--set", short, "--json"]);
    let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert!(json["critic"]["memory"]["weights"].is_u64() && json["total_bytes"].is_u64(), "{json}");

    let base = ppo.replace("/critic\"", "/base\"");
    let ran = program.run(["plan", &path, "--set", &base, "--set", short]);
    assert!(ran.code == Some(2) && ran.stderr.contains("expected a reward model"), "{ran:?}");
    let long = ppo.replace("max-tokens = 6", "max-tokens = 600");
    let ran = program.run(["plan", &path, "--set", &long, "--set", short]);
    assert!(ran.code == Some(2) && ran.stderr.contains("objective.answer.max-tokens: found 601"), "{ran:?}");
}

#[test]
fn samples_are_asked_by_every_objective_that_trains_a_model_with_answers() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let path = prepare(folder, "full", 1);
    write_data(folder);
    write_critic(folder);
    let program = xtuner(folder).with_environment("INTERNLM_LOG", "info");
    let asked = "samples={ prompts = [\"What is 1 + 1?\"], max-tokens = 4 }";
    let run = |file: &str, objective: &str, out: &str| {
        let paths = format!("dataset.paths=[{file:?}]");
        let out = format!("run.out={out:?}");
        let set = [paths.as_str(), out.as_str(), asked, "dataset.max-length=128", objective];
        let set = set.iter().flat_map(|text| ["--set", *text]);
        program.run(["train", &path].into_iter().chain(set))
    };
    let ppo = ppo(folder);
    for (out, objective) in [("grpo", GRPO), ("ppo", ppo.as_str())] {
        let ran = run(PROMPTS, objective, out);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        // Before the first round and after the last one.
        assert_eq!(ran.stderr.matches("What is 1 + 1? -> ").count(), 2, "{out}: {}", ran.stderr);
        let metrics = fs::read_to_string(folder.join(out).join("metrics.jsonl")).expect("metrics");
        let row: Value = serde_json::from_str(metrics.lines().next().expect("a step")).expect("JSON");
        let share = row["mfu"].as_f64().expect("a utilization");
        assert!(share > 0.0 && row["seconds_forward"].is_number(), "{out}: {row}");
    }
    let ran = run(PAIRS, "objective={ kind = \"preference\", loss = \"orpo\" }", "orpo");
    assert!(ran.code == Some(0) && ran.stderr.matches("What is 1 + 1? -> ").count() == 1, "{ran:?}");
    let ran = run(PAIRS, "objective={ kind = \"reward\" }", "reward");
    assert!(ran.code == Some(2) && ran.stderr.contains("samples: found a table"), "{ran:?}");
}

#[test]
fn settings_that_rounds_do_not_read_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder, "full", 1);
    write_data(folder);
    for (set, expected) in [
        ("dataset.row-tokens=256", "dataset.row-tokens: found a value"),
        ("dataset.packing=hard", "dataset.packing: found a value"),
        ("dataset.reduction=sample", "dataset.reduction: found a value"),
        ("dataset.group-by-length=true", "dataset.group-by-length: found a value"),
        ("dataset.compat=xtuner", "dataset.compat: found xtuner"),
        ("monitor.valid-every=5", "monitor.valid-every: found 5"),
    ] {
        let config = config(folder, "full", PROMPTS, &[GRPO, set]);
        let error = finetune(&config, Resume::None, &RunContext::default()).expect_err(set).to_string();
        assert!(error.contains(expected), "{set}: {error}");
    }
    let tools = "{\"prompt\": \"2 + 2?\", \"reference\": \"4\", \
                 \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"Calculator\"}}]}\n";
    fs::write(folder.join("tools.jsonl"), tools).expect("writes");
    let config = config(folder, "full", "tools.jsonl", &[GRPO]);
    let error = finetune(&config, Resume::None, &RunContext::default()).expect_err("calls are not run");
    assert!(error.to_string().contains("tools.jsonl: line 1: found `tools`"), "{error}");
}
