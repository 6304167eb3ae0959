//! `xtuner plan`: the numbers of a run before it starts.

use internlm_kit::config;
use internlm_kit::context::RunContext;
use serde_json::Value;
use xtuner::plan::Plan;
use xtuner::{FinetuneConfig, Resume, finetune};

use crate::fixture::{config_text, prepare, xtuner};

#[test]
fn the_plan_counts_what_the_run_then_trains() {
    let folder = tempfile::tempdir().expect("temporary folder");
    prepare(folder.path(), "lora", 1);
    let mut weights = Vec::new();
    for method in ["full", "lora", "qlora", "dora"] {
        let text = config_text(folder.path(), method, 1);
        let config: FinetuneConfig = config::parse(&text, "test.toml").expect("a valid config");
        let plan = Plan::of(&config).expect("plans");
        let report = finetune(&config, Resume::None, &RunContext::default()).expect("trains");
        let summary = report.summary.expect("finished");
        let number = |key: &str| summary.rows().iter().find(|(name, _)| name == key).expect("is there").1;
        assert_eq!(plan.parameters as f64, number("parameters"), "{method}");
        assert_eq!(plan.trained as f64, number("trained_parameters"), "{method}");
        assert_eq!(plan.memory.moments, 8 * plan.trained, "{method}");
        assert!(plan.recomputed_activation_bytes < plan.activation_bytes, "{method}");
        let between = plan.checkpoint_bytes.max(plan.merged_bytes);
        let expected = (plan.memory.total() + between, 0, 12 * plan.trained);
        assert_eq!((plan.total_bytes, plan.reference_bytes, plan.checkpoint_bytes), expected, "{method}");
        assert_eq!(plan.merged_bytes > 0, method != "full", "{method}");
        weights.push(plan.memory.weights);
    }
    let [full, lora, qlora, dora] = weights[..] else { unreachable!("four methods") };
    assert!(qlora < full && full < lora && lora < dora, "{weights:?}");
}

#[test]
fn the_verb_prints_lines_and_json() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "lora", 1);
    let program = xtuner(folder.path());
    let ran = program.run(["plan", &config]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for name in ["parameters", "trained", "weights", "with recomputed layers", "memory at its peak"] {
        assert!(ran.stdout.lines().any(|line| line.trim_start().starts_with(name)), "{name}: {}", ran.stdout);
    }
    let json = |set: &str| -> Value {
        let ran = program.run(["plan", &config, "--set", set, "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        serde_json::from_str(&ran.stdout).expect("JSON")
    };
    let (kept, layers) = (json("run.recompute=none"), json("run.recompute=layers"));
    assert_eq!(kept["memory"]["activations"], kept["activation_bytes"]);
    assert_eq!(layers["memory"]["activations"], kept["recomputed_activation_bytes"]);
    assert_eq!((&kept["trained"], &kept["pass_tokens"]), (&layers["trained"], &Value::from(512)));
}

#[test]
fn recomputed_layers_train_to_the_same_bits() {
    let folder = tempfile::tempdir().expect("temporary folder");
    prepare(folder.path(), "lora", 3);
    for method in ["full", "qlora"] {
        let train = |recompute: &str| {
            let text = config_text(folder.path(), method, 3);
            let text = text.replace("[run]", &format!("[run]\nrecompute = \"{recompute}\""));
            let config: FinetuneConfig = config::parse(&text, "test.toml").expect("a valid config");
            finetune(&config, Resume::None, &RunContext::default()).expect("trains");
            std::fs::read(folder.path().join("run/hf/model.safetensors")).expect("reads")
        };
        assert!(train("none") == train("layers"), "{method}: the bits differ");
    }
}
