//! Every family of runs on a tiny model: twenty steps, a model at the end, and the numbers that belong to it.

use std::fs;
use std::path::Path;

use internlm_kit::context::RunContext;
use serde_json::{Map, Value};
use xtuner::report::write_report;
use xtuner::{FinetuneConfig, Resume, finetune};

use crate::fixture::prepare;

/// A kind of run: name, method, what it changes in the fixture's config, and columns of `metrics.jsonl`.
type Family = (&'static str, &'static str, Vec<String>, &'static [&'static str]);

/// Comparisons of a right and a wrong answer.
pub(crate) const PAIRS: &str = "pairs.jsonl";
/// Questions with references.
pub(crate) const PROMPTS: &str = "prompts.jsonl";
/// Texts without conversations.
const TEXTS: &str = "texts.jsonl";

/// Writes [`PAIRS`], [`PROMPTS`] and texts into `folder`.
pub(crate) fn write_data(folder: &Path) {
    let lines = |line: &dyn Fn(usize) -> String| (0..24).map(line).collect::<String>();
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("writes");
    write(
        PAIRS,
        lines(&|n| {
            let (right, wrong) = (n + 1, n + 2);
            format!(
                "{{\"prompt\": \"What is {n} + 1?\", \"chosen\": \"The answer is {right}.\", \"rejected\": \"It is {wrong}.\"}}\n"
            )
        }),
    );
    write(
        PROMPTS,
        lines(&|n| format!("{{\"prompt\": \"What is {n} + 1?\", \"reference\": \"{}\"}}\n", n + 1)),
    );
    write(
        TEXTS,
        lines(&|n| {
            format!("{{\"text\": \"Text number {n} says what the answer is, and what it is not.\"}}\n")
        }),
    );
}

fn families(folder: &Path) -> Vec<Family> {
    let file = |name: &str| format!("dataset.paths=[{:?}]", folder.join(name).display().to_string());
    let reward = folder.join("reward/hf").display().to_string();
    let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let plain = "lora.modules-to-save=[]";
    let comparisons = |objective: &str| vec![file(PAIRS), plain.to_owned(), format!("objective={objective}")];
    let rollouts = |objective: &str| {
        let mut texts = comparisons(objective);
        texts[0] = file(PROMPTS);
        texts.push("dataset.max-length=128".to_owned());
        texts
    };
    let rounds = "rounds = { prompts = 4 }, answer = { max-tokens = 6 }";
    let grpo = format!("{{ kind = \"grpo\", answers = 2, rewards = [{{ kind = \"number\" }}], {rounds} }}");
    let ppo = format!(
        "{{ kind = \"ppo\", critic-warmup = 2, rewards = [{{ kind = \"model\", path = {reward:?} }}], {rounds} }}"
    );
    let pairs: &[&str] = &["reward_chosen", "reward_rejected", "accuracy", "margin"];
    vec![
        ("full", "full", set(&[]), &[]),
        ("lora", "lora", set(&[]), &[]),
        ("qlora", "qlora", set(&[plain]), &[]),
        ("dora", "dora", set(&[plain]), &[]),
        ("pretrain", "full", [vec![file(TEXTS)], set(&["dataset.format=pretrain"])].concat(), &[]),
        ("dpo", "lora", comparisons("{ kind = \"preference\", loss = \"sigmoid\" }"), pairs),
        ("orpo", "full", comparisons("{ kind = \"preference\", loss = \"orpo\" }"), pairs),
        ("reward", "full", comparisons("{ kind = \"reward\" }"), pairs),
        ("grpo", "full", rollouts(&grpo), &["reward", "length", "clipped"]),
        ("ppo", "full", rollouts(&ppo), &["reward", "length", "kl", "critic_loss"]),
    ]
}

#[test]
fn every_family_runs_twenty_steps() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let path = prepare(folder, "full", 20);
    write_data(folder);
    for (name, method, mut set, columns) in families(folder) {
        let out = folder.join(name);
        set.push(format!("model.method={method}"));
        set.push(format!("run.out={:?}", out.display().to_string()));
        let config = FinetuneConfig::load_with(&path, &set).unwrap_or_else(|error| panic!("{name}: {error}"));
        let report = finetune(&config, Resume::Auto, &RunContext::default());
        let report = report.unwrap_or_else(|error| panic!("{name}: {error}"));
        let summary = report.summary.unwrap_or_else(|| panic!("{name}: it has not finished"));
        let steps = summary.rows().iter().find(|(key, _)| key == "steps").map(|(_, value)| *value);
        assert_eq!(steps, Some(20.0), "{name}");
        assert!(out.join("hf/config.json").is_file(), "{name}");
        assert_eq!(out.join("adapter").is_dir(), method != "full", "{name}");

        let rows: Vec<Map<String, Value>> = fs::read_to_string(out.join("metrics.jsonl"))
            .expect("metrics")
            .lines()
            .map(|line| serde_json::from_str(line).expect("a row"))
            .collect();
        let losses: Vec<f64> = rows.iter().filter_map(|row| row.get("loss")?.as_f64()).collect();
        assert!(losses.len() >= 20 && losses.iter().all(|loss| loss.is_finite()), "{name}: {losses:?}");
        for column in columns {
            assert!(
                rows.iter().any(|row| row.contains_key(*column)),
                "{name}: no {column}: {:?}",
                rows.last()
            );
        }
        let page = write_report(&out).expect("writes").expect("a report");
        let page = fs::read_to_string(page).expect("reads");
        for word in columns.iter().filter(|column| column.starts_with("reward_")) {
            assert!(page.contains(*word), "{name}: {word}");
        }
        assert!(page.contains("<svg") && page.contains(">Loss<"), "{name}");
    }
}
