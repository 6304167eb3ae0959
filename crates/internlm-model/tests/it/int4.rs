//! Folders of AWQ, GPTQ and compressed-tensors are the models of their weights: on the CPU as floats, on GPUs as codes.

use std::path::Path;

use burn::tensor::Device;
use half::f16;
use internlm_model::attend::Causal;
use internlm_model::decoder::Decoder;
use internlm_model::parameter::numbers;
use internlm_model::testing::{Int4Model, ZeroPoint, write_model};
use internlm_model::weights::int4::Packing;
use internlm_model::weights::{self, ConvertConfig, Target, convert};
use internlm_model::{Precision, TokenId};
use serde_json::{Value, json};

const PACKINGS: [Packing; 4] = [Packing::Awq, Packing::Gptq, Packing::GptqV2, Packing::CompressedTensors];

/// A quantized folder, and the one of its weights in f32.
fn folders(packing: Packing) -> [tempfile::TempDir; 2] {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let model = Int4Model::new(packing, ZeroPoint::Any);
    model.write(folders[0].path(), folders[1].path()).expect("writes");
    folders
}

fn logits(decoder: &Decoder, tokens: u32, device: &Device) -> Vec<f32> {
    let ids: Vec<TokenId> = (0..tokens).map(|i| TokenId(i * 7 % Int4Model::VOCAB as u32)).collect();
    let ids = decoder.ids(&ids, device).expect("known ids");
    numbers(decoder.logits(decoder.forward(ids, &mut Causal::sequence(tokens as usize))))
}

/// All tensors of a folder by InternLM2's names.
fn tensors(folder: &Path) -> Vec<(String, Vec<f32>)> {
    let (_, source) = weights::open(folder).expect("opens");
    let read = |name: String| {
        let values = source.read_f32(&name).expect("reads");
        (name, values)
    };
    source.names().into_iter().map(read).collect()
}

#[test]
fn quantized_folders_hold_the_numbers_of_their_weights() {
    for packing in PACKINGS {
        let [quantized, plain] = folders(packing);
        let (found, expected) = (tensors(quantized.path()), tensors(plain.path()));
        assert_eq!(found.len(), expected.len());
        for ((name, found), (other, expected)) in found.iter().zip(&expected) {
            assert_eq!(name, other);
            assert!(found == expected, "{packing:?}: {name}");
        }
        let device = Device::flex();
        let [found, expected] = [&quantized, &plain].map(|folder| {
            let decoder = Decoder::load_in(folder.path(), &device, Precision::F32Exact).expect("loads");
            logits(&decoder, 20, &device)
        });
        assert_eq!(found, expected, "{packing:?}");
    }
}

#[test]
fn what_is_written_from_a_quantized_folder_is_not_quantized() {
    let [quantized, plain] = folders(Packing::Awq);
    let out = tempfile::tempdir().expect("a folder");
    let written = out.path().join("floats");
    convert(quantized.path(), &written, &ConvertConfig::new(Target::HfLlama), &()).expect("converts");
    assert_eq!(tensors(&written), tensors(plain.path()));
    let config = std::fs::read_to_string(written.join("config.json")).expect("reads");
    assert!(!config.contains("quantization_config"), "{config}");
}

#[test]
fn what_is_wrong_with_a_quantized_folder_is_named() {
    type Change = fn(&mut Int4Model, &mut Value);
    let cases: [(Change, &str); 5] = [
        (
            |model, _| drop(model.quantized.remove("model.layers.0.mlp.up_proj.scales")),
            "up_proj.scales: missing",
        ),
        (
            |_, settings| {
                *settings = json!({
                    "quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"group_0": {
                        "weights": {"num_bits": 4, "type": "int", "symmetric": true, "strategy": "group", "group_size": 128},
                    }},
                });
            },
            "14 tensors: missing: model.layers.0.self_attn.q_proj.weight",
        ),
        (
            |model, _| {
                let tensor = model.plain["model.layers.1.mlp.down_proj.weight"].clone();
                model.quantized.insert("model.layers.1.mlp.down_proj.weight".to_owned(), tensor);
            },
            "found matrices that are stored twice, as floats and packed: model.layers.1.mlp.down_proj.weight",
        ),
        (
            |model, _| {
                let groups = model.quantized.get_mut("model.layers.0.self_attn.o_proj.g_idx").expect("GPTQ");
                groups.1[..4].copy_from_slice(&9_i32.to_le_bytes());
            },
            "o_proj: g_idx of input",
        ),
        (|_, settings| settings["group_size"] = json!(64), "found groups of 64 of 4 bits"),
    ];
    for (change, expected) in cases {
        let mut model = Int4Model::new(Packing::Gptq, ZeroPoint::Any);
        let mut settings = model.settings();
        change(&mut model, &mut settings);
        let folder = tempfile::tempdir().expect("a folder");
        write_model(folder.path(), &model.quantized, &settings).expect("writes");
        let error = weights::open(folder.path()).map(|_| ()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Scales are read with their matrix: the error names the part of `wqkv` that has it.
#[test]
fn a_scale_that_is_no_number_is_named_with_its_matrix() {
    let mut model = Int4Model::new(Packing::Gptq, ZeroPoint::Any);
    let scales = model.quantized.get_mut("model.layers.0.self_attn.v_proj.scales").expect("GPTQ");
    scales.1[..2].copy_from_slice(&f16::NAN.to_le_bytes());
    let folder = tempfile::tempdir().expect("a folder");
    write_model(folder.path(), &model.quantized, &model.settings()).expect("writes");
    let (_, source) = weights::open(folder.path()).expect("opens");
    let name = "model.layers.0.attention.wqkv.weight";
    for error in
        [source.read_f32(name).expect_err("NaN"), source.read_int4(name).map(|_| ()).expect_err("NaN")]
    {
        let error = error.to_string();
        let expected = "model.safetensors: tensor model.layers.0.self_attn.v_proj.qweight: row 0, group 0, scale: found NaN";
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn codes_are_given_under_the_names_of_the_decoder() {
    for packing in PACKINGS {
        let [quantized, _] = folders(packing);
        let (config, source) = weights::open(quantized.path()).expect("opens");
        let matrix = source.read_int4("model.layers.1.attention.wqkv.weight").expect("reads").expect("codes");
        assert_eq!((matrix.outputs(), matrix.layout.inputs), (config.qkv_rows(), config.hidden));
        let expected = source.read_f32("model.layers.1.attention.wqkv.weight").expect("reads");
        assert!(matrix.to_f32() == expected, "{packing:?}");
        assert_eq!(source.read_int4("model.tok_embeddings.weight").expect("reads"), None);
    }
}

/// On the device that `INTERNLM_TEST_DEVICE` names, by default the first one of the build.
#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod gpu {
    use super::*;
    use internlm_model::linear::Linear;
    use internlm_model::{ModelConfig, ModelSize};

    fn device() -> Device {
        let first = if cfg!(feature = "vulkan") { "vulkan:0" } else { "cuda:0" };
        let name = std::env::var("INTERNLM_TEST_DEVICE").unwrap_or_else(|_| first.to_owned());
        internlm_model::device::parse(&name).expect("the device under test is there")
    }

    fn is_int4(decoder: &mut Decoder) -> Vec<bool> {
        decoder.linears_mut().iter().map(|(_, linear)| matches!(linear, Linear::Int4(_))).collect()
    }

    /// Relative L2 difference.
    fn difference(found: &[f32], expected: &[f32]) -> f32 {
        let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| x * x).sum::<f32>().sqrt();
        norm(&mut found.iter().zip(expected).map(|(a, b)| a - b)) / norm(&mut expected.iter().copied())
    }

    /// Logits of quantized folders against those of their weights, for few rows and more.
    fn check_logits(precision: Precision, tolerance: f32) {
        let device = device();
        for packing in PACKINGS {
            let [quantized, plain] = folders(packing);
            let expected = Decoder::load(plain.path(), &Device::flex()).expect("loads");
            let mut decoder = Decoder::load_in(quantized.path(), &device, precision).expect("loads");
            // Five matrices in each of two blocks; the output is in floats.
            let codes = is_int4(&mut decoder);
            assert_eq!(codes.iter().filter(|codes| **codes).count(), 10, "{codes:?}");
            for tokens in [1, 16, 40] {
                let expected = logits(&expected, tokens, &Device::flex());
                let difference = difference(&logits(&decoder, tokens, &device), &expected);
                assert!(difference <= tolerance, "{packing:?} {precision} {tokens}: {difference}");
            }
        }
    }

    #[test]
    fn codes_stay_codes_and_give_the_logits_of_their_weights() {
        check_logits(Precision::F32Exact, 1e-5);
    }

    #[test]
    fn codes_give_the_logits_of_their_weights_in_16_bits() {
        let bf16 = Precision::Bf16.check(&device()).is_ok();
        check_logits(if bf16 { Precision::Bf16 } else { Precision::F16 }, 3e-2);
    }

    /// Queries, keys and values are one matrix of the decoder; a quantizer may have left the values out.
    #[test]
    fn parts_that_are_stored_differently_become_floats() {
        let mut model = Int4Model::new(Packing::Awq, ZeroPoint::Any);
        let name = "model.layers.1.self_attn.v_proj";
        model.quantized.retain(|tensor, _| !tensor.starts_with(name));
        let weight = format!("{name}.weight");
        model.quantized.insert(weight.clone(), model.plain[&weight].clone());
        let [quantized, plain] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        model.write(quantized.path(), plain.path()).expect("writes");
        let mut decoder = Decoder::load_in(quantized.path(), &device(), Precision::F32Exact).expect("loads");
        let layers = decoder.linears_mut();
        let floats = layers.iter().filter(|(_, layer)| !matches!(layer, Linear::Int4(_)));
        let floats: Vec<&str> = floats.map(|(name, _)| name.as_str()).collect();
        assert_eq!(floats, ["model.layers.1.attention.wqkv", "output"]);
        let expected = Decoder::load(plain.path(), &Device::flex()).expect("loads");
        let expected = logits(&expected, 20, &Device::flex());
        let difference = difference(&logits(&decoder, 20, &device()), &expected);
        assert!(difference <= 1e-5, "{difference}");
    }

    #[test]
    fn decoders_to_train_have_no_codes() {
        let [quantized, plain] = folders(Packing::Gptq);
        let mut decoder = Decoder::load(quantized.path(), &device()).expect("loads");
        assert!(is_int4(&mut decoder).iter().all(|codes| !codes));
        let mut coded = Decoder::load_in(quantized.path(), &device(), Precision::F32Exact).expect("loads");
        let expected = Decoder::load(plain.path(), &device()).expect("loads");
        let values = |decoder: &Decoder| -> Vec<(String, Vec<f32>)> {
            let parameters = decoder.parameters().into_iter();
            parameters.map(|(name, parameter)| (name, parameter.to_vec())).collect()
        };
        assert!(values(&decoder) == values(&expected));
        // Merging takes the codes' columns back into their order.
        assert!(is_int4(&mut coded).contains(&true));
        assert!(values(&coded.merged()) == values(&expected));
    }

    #[test]
    fn a_config_of_codes_gives_random_codes() {
        let size = ModelSize { hidden: 256, layers: 2, heads: 4, inter: 512, vocab: 96 };
        let mut config = ModelConfig::new(size);
        let settings = json!({"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm"});
        config.extra.insert("quantization_config".to_owned(), settings.clone());
        let init =
            |config: &ModelConfig| Decoder::init_on_device_in(config, 1, &device(), Precision::F32Exact);
        let mut decoder = init(&config).expect("whole groups");
        assert_eq!(is_int4(&mut decoder).iter().filter(|codes| **codes).count(), 10);
        let weights = numbers(decoder.layers[0].attention.wqkv.weight());
        let square: f32 = weights.iter().map(|weight| weight * weight).sum();
        let deviation = (square / weights.len() as f32).sqrt();
        assert!((deviation / 0.02 - 1.0).abs() < 0.05, "{deviation}");
        config.extra["quantization_config"]["group_size"] = json!(96);
        let error = init(&config).expect_err("256 inputs are no groups of 96").to_string();
        assert!(error.contains("wqkv") && error.contains("groups of 96"), "{error}");
        config.extra["quantization_config"]["bits"] = json!(3);
        let error = init(&config).expect_err("3 bits").to_string();
        assert!(error.contains("bits: found 3, expected 4"), "{error}");
    }
}
