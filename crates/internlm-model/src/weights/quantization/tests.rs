//! Settings in `config.json` and next to it, of every convention.

use serde_json::json;

use super::*;
use crate::ModelSize;

/// A folder with these files; `config.json` is given as the value of `quantization_config`.
fn find(own: Value, beside: &[(&str, Value)]) -> Result<Option<Quantization>> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, settings) in beside {
        std::fs::write(folder.path().join(name), settings.to_string()).expect("writes");
    }
    let size = ModelSize { hidden: 8, layers: 1, heads: 2, inter: 4, vocab: 5 };
    let mut config = ModelConfig::new(size);
    config.extra.insert("quantization_config".to_owned(), own);
    Quantization::find(&config, folder.path())
}

fn described(own: Value, beside: &[(&str, Value)]) -> String {
    find(own, beside).expect("nothing contradicts").map_or_else(String::new, |found| found.describe())
}

#[test]
fn settings_are_found_in_every_file() {
    let gptq = json!({"bits": 4, "group_size": 64, "desc_act": false, "sym": true, "damp_percent": 0.01});
    let awq = json!({"zero_point": true, "q_group_size": 128, "w_bit": 4, "version": "GEMM"});
    let modelopt = json!({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4"}});
    for (file, settings, expected) in [
        ("quantize_config.json", &gptq, "GPTQ, 4 bit"),
        ("quant_config.json", &awq, "AWQ, 4 bit"),
        // Some AWQ folders use the name of GPTQ's file.
        ("quantize_config.json", &awq, "AWQ, 4 bit"),
        ("quant_config.json", &gptq, "GPTQ, 4 bit"),
        ("hf_quant_config.json", &modelopt, "ModelOpt"),
        ("readme.json", &gptq, ""),
    ] {
        assert_eq!(described(Value::Null, &[(file, settings.clone())]), expected, "{file}");
    }
    let named = |method: &str| json!({"quant_method": method, "bits": 8});
    assert_eq!(described(named("gptq"), &[]), "GPTQ, 8 bit");
    assert_eq!(described(named("hqq"), &[]), "hqq, 8 bit");
    assert_eq!(described(json!({"load_in_4bit": true}), &[]), "bitsandbytes, 4 bit");
    assert_eq!(described(json!({"quant_method": "fp8"}), &[]), "FP8");
    let groups = json!({"group_0": {"weights": {"num_bits": 4}}});
    assert_eq!(
        described(json!({"quant_method": "compressed-tensors", "config_groups": groups}), &[]),
        "compressed-tensors, 4 bit"
    );
}

#[test]
fn settings_that_are_not_objects_are_refused() {
    for own in [json!("gptq"), json!(false), json!([4])] {
        let error = find(own.clone(), &[]).expect_err("it is not an object").to_string();
        assert!(error.contains(&format!("quantization_config: found {own}, expected an object")), "{error}");
    }
}

#[test]
fn two_files_must_agree() {
    let own = json!({"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": true});
    let same = json!({"bits": 4, "group_size": 128, "sym": true, "damp_percent": 0.1});
    assert_eq!(described(own.clone(), &[("quantize_config.json", same)]), "GPTQ, 4 bit");
    let other = json!({"bits": 4, "group_size": 64, "sym": false});
    let error = find(own, &[("quantize_config.json", other)]).expect_err("they differ").to_string();
    assert!(error.contains("group_size: found 64, config.json says 128"), "{error}");
    assert!(error.contains("sym: found false, config.json says true"), "{error}");
}

#[test]
fn refusals_say_what_is_read() {
    let refusal = |settings: Value| {
        let found = find(settings, &[]).expect("nothing contradicts").expect("it is quantized");
        found.refusal(Path::new("m")).to_string()
    };
    assert_eq!(
        refusal(json!({"quant_method": "bitsandbytes", "load_in_4bit": true})),
        "m: quantized weights (bitsandbytes, 4 bit): expected floats, or AWQ, GPTQ or compressed-tensors of 4 bits"
    );
}

#[test]
fn packed_tensors_without_settings_are_named() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(without_settings(&names(&["model.norm.weight"])), None);
    let found = without_settings(&names(&["a.qweight", "a.scales", "b.qweight"])).expect("it is quantized");
    assert!(found.starts_with("found quantized weights (GPTQ or AWQ) without their settings: 2"), "{found}");
    assert!(found.contains("quantize_config.json or quant_config.json"), "{found}");
}
