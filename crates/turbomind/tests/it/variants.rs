//! Every kind of positions and windows against transformers, with the goldens of `internlm-model`.
//!
//! `internlm-model/tests/golden/variants.py` made the logits; the weights follow from its formula.

use std::path::Path;

use serde_json::{Map, Value, json};
use turbomind::{Compute, Engine, EngineConfig, LogitEntries, LogitRows, Outputs, SeqStep};

fn golden() -> Value {
    let text = include_str!("../../../internlm-model/tests/golden/variants.json");
    serde_json::from_str(text).expect("the golden is JSON")
}

/// A list of numbers of the golden.
fn list(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list").iter();
    list.map(|number| number.as_f64().expect("a number")).collect()
}

/// The bytes of a tensor, by the formula of the script.
fn tensor(name: &str, count: usize) -> Vec<u8> {
    let seed: i64 = name.bytes().map(i64::from).sum();
    let base = if name.ends_with("norm.weight") { 1.0 } else { 0.0 };
    let value = |i: i64| base + (((i * 7919 + seed * 104_729) % 2003 - 1001) as f64 / 4004.0) as f32;
    (0..count as i64).flat_map(|i| value(i).to_le_bytes()).collect()
}

/// Writes the model of a case as a folder.
fn write(case: &Value, dir: &Path) {
    let (mut header, mut data) = (Map::new(), Vec::new());
    for (name, shape) in case["tensors"].as_object().expect("tensors by name") {
        let start = data.len();
        data.extend(tensor(name, list(shape).iter().product::<f64>() as usize));
        let offsets = [start, data.len()];
        header.insert(name.clone(), json!({"dtype": "F32", "shape": shape, "data_offsets": offsets}));
    }
    let header = Value::Object(header).to_string().into_bytes();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
    std::fs::write(dir.join("model.safetensors"), bytes).expect("writes");
    std::fs::write(dir.join("config.json"), case["config"].to_string()).expect("writes");
}

/// Logits of all tokens, computed in pieces of a prompt whose whole length is known.
fn logits(engine: &mut Engine, ids: &[u32], piece: usize) -> Vec<f32> {
    let mut found = Vec::new();
    for start in (0..ids.len()).step_by(piece) {
        let tokens = &ids[start..ids.len().min(start + piece)];
        let step = SeqStep::new(tokens, start, &[1]).with_rope_len(ids.len()).with_logits(LogitRows::All);
        let mut outputs = Outputs::default();
        engine.forward(&[step], LogitEntries::All, &mut outputs).expect("a pass");
        found.extend(outputs.logits);
    }
    found
}

#[test]
fn every_variant_has_the_logits_of_transformers() {
    let golden = golden();
    let ids: Vec<u32> = list(&golden["ids"]).into_iter().map(|id| id as u32).collect();
    let rows = list(&golden["rows"]);
    for case in golden["cases"].as_array().expect("cases") {
        let folder = tempfile::tempdir().expect("a folder");
        write(case, folder.path());
        let config = EngineConfig::new().with_compute(Compute::F32).with_threads(2).with_kv_blocks(2);
        let mut engine = Engine::load(folder.path(), &config).expect("loads");
        let found = logits(&mut engine, &ids, ids.len());
        let vocabulary = engine.model().vocab;
        for (row, expected) in rows.iter().zip(case["logits"].as_array().expect("rows")) {
            let found = &found[*row as usize * vocabulary..][..vocabulary];
            let off = found.iter().zip(list(expected)).map(|(a, b)| (f64::from(*a) - b).abs());
            let off = off.fold(0.0, f64::max);
            assert!(off <= 2e-5, "{}: row {row} is off by {off}", case["name"]);
        }
        for piece in [1, 5] {
            assert!(logits(&mut engine, &ids, piece) == found, "{} in pieces of {piece}", case["name"]);
        }
    }
}
