//! Configs as quantizers write them, tensors by their names, and matrices of their codes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::settings::Symmetry;
use super::{
    CodedRows, Int4Matrix, Int4Parts, Int4Source, Needs, Packing, QuantizationConfig, ZeroPoints, find, keys,
    stored,
};
use crate::testing::{Int4Example, StoredTensor};
use crate::weights::{Encoding, Quantization, TensorInfo, TensorSource};
use crate::{Error, ModelConfig, ModelSize};

const PREFIX: &str = "model.layers.0.self_attn.q_proj";

/// Tensors in memory.
struct Tensors(BTreeMap<String, (TensorInfo, Vec<u8>)>);

impl Tensors {
    fn put(&mut self, name: &str, encoding: Encoding, shape: &[usize], bytes: &[u8]) {
        let info = TensorInfo { shape: shape.to_vec(), encoding };
        self.0.insert(format!("{PREFIX}.{name}"), (info, bytes.to_vec()));
    }

    /// The tensors of a packed matrix, without `g_idx`.
    fn of(example: &Int4Example, packing: Packing) -> Self {
        let mut tensors = Self(BTreeMap::new());
        for StoredTensor { name, info, bytes } in example.tensors(packing) {
            if name != "g_idx" {
                tensors.put(name, info.encoding, &info.shape, &bytes);
            }
        }
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

    fn read_bytes(&self, name: &str) -> crate::Result<Cow<'_, [u8]>> {
        match self.0.get(name) {
            Some((_, bytes)) => Ok(Cow::Borrowed(bytes)),
            None => Err(Error::Weights {
                path: self.file(name),
                problems: vec![format!("tensor {name}: missing")],
            }),
        }
    }
}

/// The settings as `config.json` holds them.
fn settings(quantization: Value) -> Option<Quantization> {
    let mut config = ModelConfig::new(ModelSize { hidden: 64, layers: 1, heads: 4, inter: 128, vocab: 320 });
    config.extra.insert("quantization_config".to_owned(), quantization);
    let folder = tempfile::tempdir().expect("a folder");
    Quantization::find(&config, folder.path()).expect("nothing contradicts")
}

fn read(quantization: Value) -> crate::Result<(QuantizationConfig, Symmetry)> {
    QuantizationConfig::parse(&settings(quantization).expect("an object"))
}

fn config(packing: Packing, group: Option<usize>, needs: Needs) -> QuantizationConfig {
    QuantizationConfig { packing, group, needs, zeros: ZeroPoints::Stored }
}

/// The sentences of an error, joined, without the key that holds the settings.
fn refused(quantization: Value) -> String {
    match read(quantization) {
        Err(Error::Weights { problems, .. }) => problems.join("; ").replace("quantization_config: ", ""),
        other => panic!("expected problems, found {other:?}"),
    }
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
    let older = json!({"zero_point": true, "q_group_size": 128, "w_bit": 4, "version": "GEMM"});
    let without = json!({"quant_method": "gptq", "bits": 4, "group_size": 128});
    let (stated, stated_by) = (Symmetry::Stated("sym"), Symmetry::Stated("symmetric"));
    let expected = [
        (awq, config(Packing::Awq, Some(128), Needs::Nothing), Symmetry::Denied),
        (older, config(Packing::Awq, Some(128), Needs::Nothing), Symmetry::Denied),
        (gptq, config(Packing::Gptq, None, Needs::InputGroups), stated),
        (second, config(Packing::GptqV2, Some(32), Needs::Nothing), Symmetry::Assumed),
        (without, config(Packing::Gptq, Some(128), Needs::Nothing), Symmetry::Assumed),
        (scheme(true), config(Packing::CompressedTensors, Some(128), Needs::Nothing), stated_by),
        (scheme(false), config(Packing::CompressedTensors, Some(128), Needs::Zeros), Symmetry::Denied),
    ];
    for (quantization, config, symmetry) in expected {
        assert_eq!(read(quantization).expect("it is known"), (config, symmetry));
    }
    assert!(settings(Value::Null).is_none());
}

#[test]
fn other_configs_are_refused() {
    assert_eq!(
        refused(json!({"quant_method": "awq", "bits": 3, "group_size": 0, "version": "gemv"})),
        "version: found \"gemv\", expected gemm; bits: found 3, expected 4; \
         group_size: found 0, expected a size or -1"
    );
    assert_eq!(
        refused(
            json!({"quant_method": "gptq", "checkpoint_format": "marlin", "dynamic": {"+:.*down.*": {"bits": 8}}})
        ),
        "checkpoint_format: found \"marlin\", expected gptq or gptq_v2; bits: found null, expected 4; \
         dynamic: found a rule of its own for +:.*down.*, expected none; \
         group_size: found null, expected a size or -1"
    );
    assert_eq!(
        refused(json!({"quant_method": "bitsandbytes"})),
        "quant_method: found \"bitsandbytes\", expected awq or gptq or compressed-tensors"
    );
    assert_eq!(
        refused(json!({"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": "yes"})),
        "sym: found \"yes\", expected true or false"
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
    let plain = Int4Example::random([16, 256], 128, 21);
    for packing in [Packing::Awq, Packing::Gptq, Packing::GptqV2, Packing::CompressedTensors] {
        let tensors = Tensors::of(&plain, packing);
        let config = config(packing, Some(128), Needs::Nothing);
        let source = find(&tensors, PREFIX, &config).expect("it fits").expect("it is there");
        assert_eq!((source.outputs(), source.inputs(), source.columns()), (16, 256, None));
        let rows: Vec<_> = (0..16).map(|row| (0, row)).collect();
        let matrix = Int4Matrix::stack(&[CodedRows::packed(source)], &rows).expect("finite scales");
        assert_eq!(matrix.to_f32(), plain.weights(), "{packing:?}");
        let source = find(&tensors, PREFIX, &config).expect("it fits").expect("it is there");
        assert_eq!(source.dequantize().expect("finite scales"), plain.weights(), "{packing:?}");
        assert!(find(&tensors, "lm_head", &config).expect("nothing is wrong").is_none());
    }
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let plain = Int4Example::random([16, 256], 128, 22);
    let problem = |tensors: &Tensors, config: QuantizationConfig| {
        let found = find(tensors, PREFIX, &config).map(|source| source.map(|source| source.inputs()));
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

/// Every key of `GPTQConfig` and `AwqConfig` of transformers, of AutoGPTQ, GPTQModel and AutoAWQ.
const INT4_KEYS: &str = "quant_method bits w_bit group_size q_group_size sym zero_point desc_act checkpoint_format \
    format version dynamic pack_dtype is_marlin_format adapter rotation act_group_aware static_groups damp_percent \
    damp_auto_increment true_sequential mse hyb_act duo_scaling apply_clip fail_safe failsafe gptaq gptaq_alpha dataset \
    tokenizer model_seqlen batch_size pad_token_id cache_block_outputs block_name_to_quantize \
    module_name_preceding_first_block offload_to_disk offload_to_disk_path lm_head modules_to_not_convert \
    modules_in_block_to_quantize inside_layer_modules backend use_exllama disable_exllama exllama_config \
    use_cuda_fp16 max_input_length do_fuse fuse_max_seq_len modules_to_fuse parallel_packing meta model_name_or_path \
    model_file_base_name quantizer";

/// Every key of `CompressedTensorsConfig`, and of the format's own config.
const COMPRESSED_KEYS: &str = "quant_method format config_groups sparsity_config transform_config kv_cache_scheme \
    quantization_status version global_compression_ratio ignore run_compressed dequantize use_optimized_inference";

#[test]
fn every_documented_key_is_in_its_table() {
    let weights = "num_bits type symmetric strategy group_size dynamic block_structure actorder observer \
                   observer_kwargs scale_dtype zp_dtype";
    let scheme = "weights format targets input_activations output_activations";
    for (table, names) in [
        (keys::INT4, INT4_KEYS),
        (keys::COMPRESSED, COMPRESSED_KEYS),
        (keys::SCHEME, scheme),
        (keys::WEIGHTS, weights),
    ] {
        let documented: BTreeSet<&str> = names.split_whitespace().collect();
        let rows: BTreeSet<&str> = table.iter().map(|(key, _)| *key).collect();
        assert_eq!(rows, documented, "a row per documented key, and no other");
        assert_eq!(rows.len(), table.len(), "every key has one row");
    }
}

#[test]
fn a_used_key_with_an_odd_value_is_refused_by_name() {
    let gptq = json!({"quant_method": "gptq", "bits": 4, "group_size": 128});
    let awq = json!({"quant_method": "awq", "w_bit": 4, "q_group_size": 128, "zero_point": true});
    for (key, rule) in keys::INT4.iter().filter(|(_, rule)| *rule == keys::Rule::Used) {
        let odd = if *key == "dynamic" { json!({"layer": {}}) } else { json!(7.5) };
        let named = [&gptq, &awq].into_iter().any(|plain| {
            let mut one = plain.clone();
            one[*key] = odd.clone();
            read(one).is_err_and(|error| error.to_string().contains(&format!("{key}: found")))
        });
        assert!(named, "{key}: {rule:?}");
    }
    let used = |table: keys::Table| {
        table.iter().filter(|(_, rule)| *rule == keys::Rule::Used).map(|(key, _)| *key).collect::<Vec<_>>()
    };
    let places = [("", keys::COMPRESSED), ("/config_groups/group_0", keys::SCHEME)];
    for (place, table) in places.into_iter().chain([("/config_groups/group_0/weights", keys::WEIGHTS)]) {
        for key in used(table) {
            let mut one = scheme(true);
            let object = one.pointer_mut(place).and_then(Value::as_object_mut).expect("an object");
            object.insert(key.to_owned(), json!(7.5));
            let text = refused(one);
            assert!(text.contains(key), "{place}/{key}: {text}");
        }
    }
}

#[test]
fn keys_are_used_refused_or_change_nothing() {
    let plain = json!({"quant_method": "gptq", "bits": 4, "group_size": 128});
    let usual = read(plain.clone()).expect("it is known");
    for (key, rule) in keys::INT4 {
        // A value that none of the keys has, and one that says "not there".
        for (value, empty) in [(json!("odd"), false), (Value::Null, true)] {
            let mut one = plain.clone();
            one[*key] = value;
            let read = read(one);
            match rule {
                keys::Rule::Harmless(_) => assert_eq!(read.expect("it is harmless"), usual, "{key}"),
                keys::Rule::Only(_) if empty => assert_eq!(read.expect("it is empty"), usual, "{key}"),
                keys::Rule::Only(_) => assert!(read.is_err(), "{key}"),
                _ => {}
            }
        }
    }
    for (key, odd) in [
        ("quant_method", json!("odd")),
        ("bits", json!(3)),
        ("group_size", json!("odd")),
        ("sym", json!("odd")),
        ("desc_act", json!(2)),
        ("checkpoint_format", json!("odd")),
        ("dynamic", json!({"layer": {}})),
    ] {
        let mut one = plain.clone();
        one[key] = odd;
        let text = refused(one);
        assert!(text.contains(&format!("{key}: found")), "{key}: {text}");
    }
}

/// Zero points of one number everywhere, as a label and what the quantizer says about them have it.
fn settled(packing: Packing, symmetry: Symmetry, nibbles: &[u8]) -> Result<ZeroPoints, String> {
    let plain = Int4Example::random([16, 256], 128, 23);
    let mut tensors = Tensors::of(&plain, packing);
    let name = if packing == Packing::CompressedTensors { "weight_zero_point" } else { "qzeros" };
    let bytes: Vec<u8> = nibbles.iter().map(|nibble| nibble | nibble << 4).cycle().take(16).collect();
    tensors.put(name, Encoding::I32, &[2, 2], &bytes);
    let config = config(packing, Some(128), Needs::Nothing);
    let quantization = settings(json!({"quant_method": "gptq"})).expect("an object");
    let settled = stored::settle(config, symmetry, &quantization, &tensors);
    settled.map(|config| config.zeros).map_err(|error| error.to_string())
}

#[test]
fn symmetric_matrices_have_zero_points_of_8_under_any_label() {
    let stated = Symmetry::Stated("sym");
    for packing in [Packing::Gptq, Packing::GptqV2] {
        for stored in [[7], [8]] {
            for symmetry in [stated, Symmetry::Assumed] {
                assert_eq!(
                    settled(packing, symmetry, &stored),
                    Ok(ZeroPoints::Eight),
                    "{packing:?} {stored:?}"
                );
            }
            assert_eq!(settled(packing, Symmetry::Denied, &stored), Ok(ZeroPoints::Stored));
        }
        let error = settled(packing, stated, &[7, 3]).expect_err("they are not symmetric");
        assert!(
            error.contains("sym: says that all zero points are 8") && error.contains("qzeros"),
            "{error}"
        );
        assert_eq!(settled(packing, Symmetry::Assumed, &[7, 3]), Ok(ZeroPoints::Stored));
    }
    for packing in [Packing::Awq, Packing::CompressedTensors] {
        assert_eq!(settled(packing, stated, &[8]), Ok(ZeroPoints::Eight));
        assert!(settled(packing, stated, &[7]).is_err());
        assert_eq!(settled(packing, Symmetry::Denied, &[7]), Ok(ZeroPoints::Stored));
    }
}

#[test]
fn parts_that_all_matrices_lack_are_one_message() {
    let mut tensors = Tensors::of(&Int4Example::random([16, 256], 128, 25), Packing::CompressedTensors);
    for name in ["weight_packed", "weight_scale"] {
        let part = tensors.0[&format!("{PREFIX}.{name}")].clone();
        tensors.0.insert(format!("model.layers.9.{name}"), part);
    }
    tensors.0.remove(&format!("{PREFIX}.weight_zero_point"));
    let quantization = settings(json!({"quant_method": "compressed-tensors"})).expect("an object");
    let config = config(Packing::CompressedTensors, Some(128), Needs::Zeros);
    let error = stored::settle(config, Symmetry::Denied, &quantization, &tensors);
    let error = error.expect_err("no zero points are stored").to_string();
    assert!(error.contains("found 2 matrices without weight_zero_point, such as model.layers."), "{error}");
}

#[test]
fn a_group_size_that_the_scales_contradict_is_one_message() {
    let tensors = Tensors::of(&Int4Example::random([16, 256], 128, 24), Packing::Gptq);
    let quantization = settings(json!({"quant_method": "gptq"})).expect("an object");
    let config = config(Packing::Gptq, Some(64), Needs::Nothing);
    let error = stored::settle(config, Symmetry::Denied, &quantization, &tensors);
    let error = error.expect_err("the scales say otherwise").to_string();
    assert!(error.contains("found groups of 64 of 4 bits, but the scales of 1 matrices"), "{error}");
    assert!(error.contains("groups of 128") && error.contains(PREFIX), "{error}");
}

#[test]
fn codes_and_columns_are_those_of_the_quantizer() {
    let mut example = Int4Example::random([16, 256], 128, 26);
    example.groups = (0..256).map(|input| input % 2).collect();
    let tensors = Tensors(
        example
            .tensors(Packing::Gptq)
            .into_iter()
            .map(|tensor| (format!("{PREFIX}.{}", tensor.name), (tensor.info, tensor.bytes)))
            .collect(),
    );
    let source = find(&tensors, PREFIX, &config(Packing::Gptq, Some(128), Needs::InputGroups));
    let rows = CodedRows::packed(source.expect("it fits").expect("it is there"));
    let matrix = Int4Matrix::stack(&[rows], &[(0, 3), (0, 15)]).expect("finite scales");
    let weights = example.weights();
    assert_eq!(matrix.to_f32(), [&weights[3 * 256..4 * 256], &weights[15 * 256..]].concat());
    let columns = matrix.layout.columns.as_ref().expect("inputs are out of order");
    let codes: Vec<u8> = (0..256).map(|k| (matrix.codes[k / 8] >> (4 * (k % 8)) & 15) as u8).collect();
    let expected: Vec<u8> = columns.iter().map(|input| example.values[3][*input as usize]).collect();
    assert_eq!(codes, expected);
}

#[test]
fn blocks_of_gguf_files_are_codes() {
    for encoding in [Encoding::Q4_0, Encoding::Q4_1] {
        let length = encoding.byte_length(&[2, 64]).expect("whole blocks");
        // Every half that can be here is finite: no byte has all bits of an exponent.
        let bytes: Vec<u8> = (0..length).map(|at| (at * 37 % 251) as u8 & 0xbf).collect();
        let expected = encoding.dequantize(&bytes).expect("whole blocks");
        let rows = CodedRows::Blocks { encoding, bytes: Cow::Owned(bytes), inputs: 64 };
        assert_eq!(rows.outputs(), 2);
        let matrix = Int4Matrix::stack(&[rows], &[(0, 0), (0, 1)]).expect("finite scales");
        assert_eq!(matrix.to_f32(), expected, "{encoding}");
        assert_eq!(matrix.layout.group, 32);
    }
    let odd = CodedRows::Blocks { encoding: Encoding::Q4_0, bytes: Cow::Owned(vec![0x7f; 18]), inputs: 32 };
    let problem = Int4Matrix::stack(&[odd], &[(0, 0)]).expect_err("the scale is no number");
    assert_eq!(problem, (0, "row 0, block 0: found NaN, expected a number".to_owned()));
}

#[test]
fn scales_that_no_half_holds_are_exact_as_floats_only() {
    let example = Int4Example::random([8, 64], 32, 27);
    for (scale, fits) in [(0.25_f32, true), (0.0123, false), (1e5, false)] {
        let scales = Cow::Owned(scale.to_le_bytes().repeat(16));
        let parts = Int4Parts { scales, scale_encoding: Encoding::F32, ..example.pack(Packing::Awq) };
        let source = Int4Source::new(parts).expect("it fits");
        assert_eq!(source.has_half_scales(), fits, "{scale}");
        let steps = f32::from(example.values[3][40]) - f32::from(example.zeros[3][1]);
        assert_eq!(source.dequantize().expect("finite")[3 * 64 + 40], steps * scale);
    }
    let mut scales = 1.0_f32.to_le_bytes().repeat(16);
    // Group 1 of output 2.
    scales[4 * (8 + 2)..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let parts =
        Int4Parts { scales: scales.into(), scale_encoding: Encoding::F32, ..example.pack(Packing::Awq) };
    let problem = Int4Source::new(parts).expect("it fits").dequantize().expect_err("not finite");
    assert_eq!(problem, (2, "group 1, scale: found NaN, expected a finite number".to_owned()));
}
