//! Configs as quantizers write them, and tensors by their names.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use internlm_model::ModelConfig;
use internlm_model::weights::{Encoding, TensorInfo, TensorSource};
use serde_json::{Value, json};

use super::{Needs, QuantizationConfig, find};
use crate::Error;
use crate::format::int4::Packing;
use crate::format::int4::tests::{Plain, tiles};
use crate::format::tests::dequantized;

const PREFIX: &str = "model.layers.0.self_attn.q_proj";

/// Tensors in memory.
struct Tensors(BTreeMap<String, (TensorInfo, Vec<u8>)>);

impl Tensors {
    fn put(&mut self, name: &str, encoding: Encoding, shape: &[usize], bytes: &[u8]) {
        let info = TensorInfo { shape: shape.to_vec(), encoding };
        self.0.insert(format!("{PREFIX}.{name}"), (info, bytes.to_vec()));
    }

    /// The tensors of a packed matrix, without `g_idx`.
    fn of(plain: &Plain, packing: Packing) -> Self {
        let parts = plain.pack(packing);
        let (n, k, groups) = (plain.outputs, plain.inputs, plain.inputs / plain.group);
        let (names, shapes) = match packing {
            Packing::CompressedTensors => (
                ["weight_packed", "weight_zero_point", "weight_scale"],
                [[n, k / 8], [n / 8, groups], [n, groups]],
            ),
            Packing::Awq => (["qweight", "qzeros", "scales"], [[k, n / 8], [groups, n / 8], [groups, n]]),
            _ => (["qweight", "qzeros", "scales"], [[k / 8, n], [groups, n / 8], [groups, n]]),
        };
        let mut tensors = Self(BTreeMap::new());
        tensors.put(names[0], Encoding::I32, &shapes[0], &parts.weights);
        tensors.put(names[1], Encoding::I32, &shapes[1], parts.zeros.as_deref().expect("it has zero points"));
        tensors.put(names[2], Encoding::F16, &shapes[2], &parts.scales);
        tensors
    }
}

impl TensorSource for Tensors {
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.0.get(name).map(|(info, _)| info.clone())
    }

    fn file(&self, _name: &str) -> PathBuf {
        PathBuf::from("model.safetensors")
    }

    fn read_bytes(&self, name: &str) -> internlm_model::Result<Cow<'_, [u8]>> {
        match self.0.get(name) {
            Some((_, bytes)) => Ok(Cow::Borrowed(bytes)),
            None => Err(internlm_model::Error::Weights {
                path: self.file(name),
                problems: vec![format!("tensor {name}: missing")],
            }),
        }
    }
}

fn read(quantization: Value) -> crate::Result<Option<QuantizationConfig>> {
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 320, "max_position_embeddings": 128,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": false, "torch_dtype": "float16",
        "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "quantization_config": quantization,
    });
    let path = Path::new("config.json");
    let object = config.as_object().expect("an object");
    QuantizationConfig::read(&ModelConfig::from_hf_json(object, path).expect("a model"), path)
}

fn config(packing: Packing, group: Option<usize>, needs: Needs) -> QuantizationConfig {
    QuantizationConfig { packing, group, needs }
}

fn scheme(symmetric: bool) -> Value {
    json!({
        "quant_method": "compressed-tensors", "format": "pack-quantized", "quantization_status": "compressed",
        "ignore": ["lm_head"], "kv_cache_scheme": null,
        "config_groups": {"group_0": {
            "targets": ["Linear"], "input_activations": null, "output_activations": null,
            "weights": {"num_bits": 4, "type": "int", "symmetric": symmetric, "strategy": "group",
                "group_size": 128, "actorder": null, "dynamic": false, "observer": "minmax"},
        }},
    })
}

#[test]
fn configs_say_how_weights_are_packed() {
    let awq =
        json!({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": true, "version": "gemm"});
    let gptq = json!({
        "quant_method": "gptq", "bits": 4, "group_size": -1, "desc_act": true, "sym": true, "damp_percent": 0.01,
        "true_sequential": true, "checkpoint_format": "gptq", "static_groups": false,
    });
    let second = json!({
        "quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": false, "checkpoint_format": "gptq_v2",
    });
    let expected = [
        (Value::Null, None),
        (awq, Some(config(Packing::Awq, Some(128), Needs::Nothing))),
        (gptq, Some(config(Packing::Gptq, None, Needs::InputGroups))),
        (second, Some(config(Packing::GptqV2, Some(32), Needs::Nothing))),
        (scheme(true), Some(config(Packing::CompressedTensors, Some(128), Needs::Nothing))),
        (scheme(false), Some(config(Packing::CompressedTensors, Some(128), Needs::Zeros))),
    ];
    for (quantization, expected) in expected {
        assert_eq!(read(quantization).expect("it is known"), expected);
    }
}

#[test]
fn configs_without_tiles_are_refused() {
    let refused = |quantization| match read(quantization) {
        Err(Error::Weights { problems, .. }) => problems.join("; ").replace("quantization_config: ", ""),
        other => panic!("expected problems, found {other:?}"),
    };
    assert_eq!(
        refused(json!({"quant_method": "awq", "bits": 3, "group_size": 0, "version": "gemv"})),
        "version: found \"gemv\", expected gemm or GEMM; bits: found 3, expected 4; \
         group_size: found 0, expected a size or -1"
    );
    assert_eq!(
        refused(json!({"quant_method": "gptq", "checkpoint_format": "marlin", "dynamic": {"-:lm_head": {}}})),
        "checkpoint_format: found \"marlin\", expected gptq or gptq_v2; bits: found null, expected 4; \
         dynamic: found rules per module, expected none; group_size: found null, expected a size or -1"
    );
    assert_eq!(
        refused(json!({"quant_method": "bitsandbytes"})),
        "quant_method: found \"bitsandbytes\", expected awq or gptq or compressed-tensors"
    );
    let mut mixed = scheme(true);
    mixed["config_groups"]["group_1"] = json!({"weights": {"num_bits": 8}});
    assert_eq!(refused(mixed), "config_groups: found several schemes, expected one");
    let mut activations = scheme(true);
    activations["config_groups"] = json!({});
    assert_eq!(refused(activations), "config_groups: found no weights, expected one scheme");
}

#[test]
fn matrices_are_found_by_name() {
    let plain = Plain::random(16, 256, 128, 21);
    for packing in [Packing::Awq, Packing::Gptq, Packing::GptqV2, Packing::CompressedTensors] {
        let tensors = Tensors::of(&plain, packing);
        let config = config(packing, Some(128), Needs::Nothing);
        let source = find(&tensors, PREFIX, &config).expect("it fits").expect("it is there");
        assert_eq!((source.outputs(), source.inputs(), source.columns()), (16, 256, None));
        let rows: Vec<usize> = (0..16).collect();
        let weights = dequantized(source.format(), &tiles(&source, &rows), 256);
        for (n, row) in weights.iter().enumerate() {
            assert_eq!(*row, (0..256).map(|k| plain.weight(n, k)).collect::<Vec<_>>(), "{packing:?}");
        }
        assert!(find(&tensors, "lm_head", &config).expect("nothing is wrong").is_none());
    }
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let plain = Plain::random(16, 256, 128, 22);
    let problem = |tensors: &Tensors, config: QuantizationConfig| {
        let found = find(tensors, PREFIX, &config).map(|source| source.map(|source| source.format()));
        Error::from(found.expect_err("it does not fit")).to_string().replace(PREFIX, "P")
    };
    let mut tensors = Tensors::of(&plain, Packing::Gptq);
    let gptq = config(Packing::Gptq, Some(128), Needs::Nothing);
    assert_eq!(
        problem(&tensors, config(Packing::Gptq, Some(64), Needs::Nothing)),
        "model.safetensors: tensor P.qzeros: found I32 [2, 2], expected I32 [4, 2]"
    );
    let missing = problem(&tensors, config(Packing::Gptq, Some(128), Needs::InputGroups));
    assert!(missing.contains("tensor P.g_idx: missing"), "{missing}");
    tensors.put("g_idx", Encoding::I64, &[256], &[0; 2048]);
    assert_eq!(
        problem(&tensors, gptq),
        "model.safetensors: tensor P.g_idx: found I64 [256], expected I32 [256]"
    );
    tensors.put("g_idx", Encoding::I32, &[256], &[0; 1024]);
    assert_eq!(
        problem(&tensors, gptq),
        "model.safetensors: tensor P: g_idx of input 128: found group 0, expected 2 groups of 128 inputs each"
    );
    tensors.put("qweight", Encoding::I32, &[512], &[0; 2048]);
    assert_eq!(
        problem(&tensors, gptq),
        "model.safetensors: tensor P.qweight: shape: found [512], expected a matrix"
    );
    let tensors = Tensors(BTreeMap::from([(
        format!("{PREFIX}.weight_packed"),
        (TensorInfo { shape: vec![16, 32], encoding: Encoding::I32 }, vec![0; 2048]),
    )]));
    let missing = problem(&tensors, config(Packing::CompressedTensors, Some(128), Needs::Nothing));
    assert!(missing.contains("tensor P.weight_scale: missing"), "{missing}");
}
