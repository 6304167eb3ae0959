//! `model_config.pt` of InternEvo checkpoints: every key is applied, refused by name, or changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use internlm_model::config::RopeScaling;
use internlm_model::decoder::Decoder;
use internlm_model::weights::internevo::Layout;
use internlm_model::weights::qkv::RowOrder;
use internlm_model::weights::torch::{self, TorchFile, Value};
use internlm_model::weights::{self, ConvertConfig, Target, TensorSource, WeightFolder, convert};
use internlm_model::{ModelConfig, ModelSize};

const WQKV: &str = "model.layers.1.attention.wqkv.weight";

/// A random model as a Hugging Face folder and as a checkpoint of one rank with interleaved rows.
fn model(folder: &Path) -> [PathBuf; 2] {
    let size = ModelSize { hidden: 16, layers: 2, heads: 2, inter: 12, vocab: 10 };
    let config = ModelConfig::new(size).with_kv_heads(1);
    let [source, checkpoint] = ["source", "checkpoint"].map(|name| folder.join(name));
    fs::create_dir(&source).expect("a folder");
    Decoder::init(&config, 5, &burn::tensor::Device::flex()).save(&source).expect("saves");
    let target = Target::InternEvo(Layout { tensor_parallel: 1, order: RowOrder::Interleaved });
    convert(&source, &checkpoint, &ConvertConfig::new(target), &()).expect("converts");
    [source, checkpoint]
}

/// Sets keys of the dict; without a value the key goes.
fn set(checkpoint: &Path, changes: &[(&str, Option<Value>)]) {
    let path = checkpoint.join("model_config.pt");
    let mut pairs = TorchFile::open(&path).expect("opens").root().as_pairs().expect("a dict").to_vec();
    for (key, value) in changes {
        pairs.retain(|(found, _)| found.as_str() != Some(*key));
        pairs.extend(value.clone().map(|value| (Value::Text((*key).to_owned()), value)));
    }
    torch::write_value(&path, &Value::Dict(pairs)).expect("writes");
}

fn wqkv(path: &Path) -> Vec<f32> {
    let (_, source) = weights::open(path).expect("opens");
    source.read_f32(WQKV).expect("reads")
}

#[test]
fn qk_interleaved_orders_the_rows_as_adapt_hf_does() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let [source, checkpoint] = model(folder.path());
    let expected = WeightFolder::open(source).expect("opens").read_f32(WQKV).expect("reads");
    assert_eq!(wqkv(&checkpoint), expected);
    set(&checkpoint, &[("adapt_hf", None), ("qk_interleaved", Some(Value::Bool(true)))]);
    assert_eq!(wqkv(&checkpoint), expected);
    set(&checkpoint, &[("qk_interleaved", Some(Value::Bool(false)))]);
    assert_ne!(wqkv(&checkpoint), expected);
    set(&checkpoint, &[("adapt_hf", Some(Value::Bool(false)))]);
    let error = weights::open(&checkpoint).map(|_| ()).expect_err("they contradict each other").to_string();
    assert!(error.contains("qk_interleaved: found the value of adapt_hf, expected the opposite"), "{error}");
}

#[test]
fn a_rank_that_is_missing_is_one_message() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let size = ModelSize { hidden: 16, layers: 2, heads: 4, inter: 12, vocab: 10 };
    let [source, checkpoint] = ["source", "checkpoint"].map(|name| folder.path().join(name));
    fs::create_dir(&source).expect("a folder");
    let config = ModelConfig::new(size).with_kv_heads(2);
    Decoder::init(&config, 5, &burn::tensor::Device::flex()).save(&source).expect("saves");
    let target = Target::InternEvo(Layout { tensor_parallel: 2, order: RowOrder::HalfSplit });
    convert(&source, &checkpoint, &ConvertConfig::new(target), &()).expect("converts");
    weights::open(&checkpoint).map(|_| ()).expect("both ranks are there");
    fs::remove_file(checkpoint.join("model_tp1_pp0.pt")).expect("removes");
    let error = weights::open(&checkpoint).map(|_| ()).expect_err("a rank is missing").to_string();
    assert!(error.contains("found files of 1 ranks, expected 2: "), "{error}");
    assert_eq!(error.lines().count(), 1);
}

#[test]
fn stored_positions_reach_the_config() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let [_, checkpoint] = model(folder.path());
    let (ntk, positions) = (Some(Value::Bool(true)), Some(Value::Int(128)));
    set(&checkpoint, &[("use_dynamic_ntk_rope", ntk), ("max_position_embeddings", positions)]);
    let (config, _) = weights::open(&checkpoint).expect("opens");
    assert_eq!((config.max_position, config.rope_scaling), (128, RopeScaling::Dynamic { factor: 1.0 }));
}

#[test]
fn keys_that_change_numbers_are_refused_by_name_all_at_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let [_, checkpoint] = model(folder.path());
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    let harmless = [("use_flash_attn", Some(Value::Bool(false))), ("drop_rate", Some(Value::Float(0.1)))];
    set(&checkpoint, &harmless);
    weights::open(&checkpoint).map(|_| ()).expect("nothing that changes numbers");
    let changing = [
        ("norm_type", text("layernorm")),
        ("use_swiglu", Some(Value::Bool(false))),
        ("num_experts", Some(Value::Int(4))),
        ("embedding_multiplier", Some(Value::Float(12.0))),
        ("rope_base", text("1000000")),
    ];
    set(&checkpoint, &changing);
    let error = weights::open(&checkpoint).map(|_| ()).expect_err("five problems").to_string();
    assert!(error.contains("5 problems in the model config"), "{error}");
    for problem in [
        "norm_type: found \"layernorm\", expected \"rmsnorm\"",
        "use_swiglu: found False, expected True",
        "num_experts: found 4, expected 1 or 0 or None",
        "embedding_multiplier: found 12.0, expected no such key: it changes numbers",
        "rope_base: found \"1000000\", expected a number",
    ] {
        assert!(error.contains(problem), "found {error}, expected {problem}");
    }
}
