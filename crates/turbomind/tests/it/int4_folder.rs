//! Hugging Face folders quantized to 4 bits (AWQ, GPTQ with `desc_act`) give the logits of their dequantized weights.

use std::path::Path;

use internlm_model::testing::{Int4Model, ZeroPoint, write_model};
use internlm_model::weights::int4::Packing;
use internlm_model::weights::{Encoding, TensorInfo};
use serde_json::{Value, json};
use turbomind::{Compute, Engine, EngineConfig, LogitEntries, LogitRows, Outputs, SeqStep};

fn logits(folder: &Path, compute: Compute) -> Vec<f32> {
    let config = EngineConfig::new().with_compute(compute).with_kv_blocks(4);
    let mut engine = Engine::load(folder, &config).expect("loads");
    let tokens: Vec<u32> = (0..40).map(|i| i * 7 % Int4Model::VOCAB as u32).collect();
    let step = SeqStep::new(&tokens, 0, &[2, 0]).with_logits(LogitRows::All);
    let mut outputs = Outputs::default();
    engine.forward(&[step], LogitEntries::All, &mut outputs).expect("a pass");
    outputs.logits
}

#[test]
fn quantized_folders_give_the_logits_of_their_weights() {
    for packing in [Packing::Awq, Packing::Gptq, Packing::GptqV2, Packing::CompressedTensors] {
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        let model = Int4Model::new(packing, ZeroPoint::Any);
        model.write(folders[1].path(), folders[0].path()).expect("writes");
        let expected = logits(folders[0].path(), Compute::F32);
        let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| x * x).sum::<f32>().sqrt();
        for (compute, bound) in [(Compute::F32, 1e-5), (Compute::Int8, 0.05)] {
            let found = logits(folders[1].path(), compute);
            let error = norm(&mut expected.iter().zip(&found).map(|(a, b)| a - b));
            let share = error / norm(&mut expected.iter().copied());
            assert!(share <= bound, "{packing:?} {compute:?}: {share}");
        }
    }
}

/// The largest difference between the logits of a quantized folder and those of its weights, in f32.
fn error(model: &Int4Model, quantized: &Path) -> f32 {
    let folder = tempfile::tempdir().expect("a folder");
    write_model(folder.path(), &model.plain, &Value::Null).expect("writes");
    let (expected, found) = (logits(folder.path(), Compute::F32), logits(quantized, Compute::F32));
    expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn symmetric_gptq_is_right_under_any_label() {
    // The first form of the format stores 7 for a zero point of 8, the second one 8.
    for stored in [Packing::Gptq, Packing::GptqV2] {
        let model = Int4Model::new(stored, ZeroPoint::Eight);
        for label in [json!("gptq"), json!("gptq_v2"), Value::Null] {
            for sym in [json!(true), Value::Null] {
                let mut settings = model.settings();
                settings["checkpoint_format"] = label.clone();
                settings["sym"] = sym.clone();
                let folder = tempfile::tempdir().expect("a folder");
                write_model(folder.path(), &model.quantized, &settings).expect("writes");
                let error = error(&model, folder.path());
                assert!(error < 1e-4, "{stored:?} stored, labelled {label}, sym {sym}: {error}");
            }
        }
    }
}

#[test]
fn settings_that_contradict_the_tensors_are_refused() {
    let model = Int4Model::new(Packing::Gptq, ZeroPoint::Any);
    for (key, value, expected) in [
        ("sym", json!(true), "sym: says that all zero points are 8"),
        ("group_size", json!(64), "bits and group_size: found groups of 64 of 4 bits"),
        ("bits", json!(8), "bits: found 8, expected 4"),
        ("desc_act", json!("yes"), "desc_act: found \"yes\", expected true or false"),
    ] {
        let mut settings = model.settings();
        settings[key] = value;
        let folder = tempfile::tempdir().expect("a folder");
        write_model(folder.path(), &model.quantized, &settings).expect("writes");
        let text = Engine::load(folder.path(), &EngineConfig::new()).expect_err("refused").to_string();
        assert!(text.contains(&format!("config.json: quantization_config: {expected}")), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn settings_beside_the_config_are_found() {
    for (packing, file) in [
        (Packing::Gptq, "quantize_config.json"),
        (Packing::Awq, "quant_config.json"),
        (Packing::Awq, "quantize_config.json"),
    ] {
        let beside = match packing {
            Packing::Awq => {
                json!({"w_bit": 4, "q_group_size": Int4Model::GROUP, "zero_point": true, "version": "GEMM"})
            }
            _ => json!({
                "bits": 4, "group_size": Int4Model::GROUP, "desc_act": true, "sym": false, "damp_percent": 0.01,
                "true_sequential": true, "model_name_or_path": null, "model_file_base_name": null,
            }),
        };
        let model = Int4Model::new(packing, ZeroPoint::Any);
        let folder = tempfile::tempdir().expect("a folder");
        write_model(folder.path(), &model.quantized, &Value::Null).expect("writes");
        let text = Engine::load(folder.path(), &EngineConfig::new()).expect_err("refused").to_string();
        assert!(
            text.contains("quantized weights (GPTQ or AWQ) without their settings: 14 tensors"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        std::fs::write(folder.path().join(file), beside.to_string()).expect("writes");
        assert!(error(&model, folder.path()) < 1e-4, "{packing:?} in {file}");
    }
}

#[test]
fn a_bias_of_zeros_changes_nothing_and_another_one_is_refused() {
    let mut model = Int4Model::new(Packing::Gptq, ZeroPoint::Any);
    let folder = tempfile::tempdir().expect("a folder");
    let mut write_bias = |value: f32| {
        let bytes: Vec<u8> =
            [value; Int4Model::HIDDEN].iter().flat_map(|value| value.to_le_bytes()).collect();
        let name = "model.layers.1.self_attn.o_proj.bias".to_owned();
        let info = TensorInfo { shape: vec![Int4Model::HIDDEN], encoding: Encoding::F32 };
        model.quantized.insert(name, (info, bytes));
        write_model(folder.path(), &model.quantized, &model.settings()).expect("writes");
        Engine::load(folder.path(), &EngineConfig::new().with_kv_blocks(4))
    };
    assert!(write_bias(0.0).is_ok());
    let text = write_bias(0.5).expect_err("refused").to_string();
    assert!(text.contains("does not use: model.layers.1.self_attn.o_proj.bias"), "{text}");
}
