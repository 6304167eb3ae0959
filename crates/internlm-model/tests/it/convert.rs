//! Conversions: the published bytes, and the same bytes after going there and back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::testing::shared_data;
use internlm_model::config::{Biased, RopeScaling};
use internlm_model::decoder::Decoder;
use internlm_model::weights::internevo::{InternEvoFolder, Layout, Stretch};
use internlm_model::weights::qkv::RowOrder;
use internlm_model::weights::torch::TorchFile;
use internlm_model::weights::{self, ConvertConfig, Target, TensorSource, WeightFolder, convert};
use internlm_model::{ModelConfig, ModelSize};
use proptest::prelude::*;
use serde_json::{Value, json};

const ORDERS: [RowOrder; 2] = [RowOrder::HalfSplit, RowOrder::Interleaved];

/// Name, encoding, shape and sha256 of every tensor.
fn digests(source: &dyn TensorSource) -> BTreeMap<String, (String, Vec<usize>, String)> {
    let digest = |name: String| {
        let info = source.info(&name).expect("listed");
        let bytes = source.read_bytes(&name).expect("reads");
        (name, (info.encoding.name().to_owned(), info.shape, internlm_kit::hash::sha256(&bytes)))
    };
    source.names().into_iter().map(digest).collect()
}

fn published(json: &Value) -> BTreeMap<String, (String, Vec<usize>, String)> {
    let tensors = json.as_object().expect("an object").iter();
    tensors
        .map(|(name, tensor)| {
            let text = |key: &str| tensor[key].as_str().expect("text").to_owned();
            let shape = serde_json::from_value(tensor["shape"].clone()).expect("sizes");
            (name.clone(), (text("dtype"), shape, text("sha256")))
        })
        .collect()
}

fn run(source: &Path, out: PathBuf, target: Target) -> PathBuf {
    convert(source, &out, &ConvertConfig::new(target), &()).expect("converts");
    out
}

fn internevo(tensor_parallel: usize, order: RowOrder) -> Target {
    Target::InternEvo(Layout { tensor_parallel, order })
}

#[test]
fn golden_models_have_the_published_bytes_in_every_form() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for model in ["tiny_a", "tiny_b", "tiny_c"] {
        let Some(dir) = shared_data(format!("golden/model/{model}")) else { return };
        let json = fs::read(dir.join("convert.json")).expect("reads");
        let json: BTreeMap<String, Value> = serde_json::from_slice(&json).expect("JSON");
        for (form, expected) in json {
            let out = folder.path().join(format!("{model}-{form}"));
            match form.as_str() {
                "hf-llama" | "hf-internlm2" => {
                    let target = if form == "hf-llama" { Target::HfLlama } else { Target::HfInternLm2 };
                    let files = WeightFolder::open(run(&dir, out, target)).expect("opens");
                    assert_eq!(digests(&files), published(&expected), "{model} {form}");
                }
                _ => {
                    let ranks = expected.as_array().expect("one entry per rank");
                    let out = run(&dir, out, internevo(ranks.len(), RowOrder::HalfSplit));
                    for (rank, expected) in ranks.iter().enumerate() {
                        let file =
                            TorchFile::open(out.join(format!("model_tp{rank}_pp0.pt"))).expect("opens");
                        assert_eq!(digests(&file), published(expected), "{model} {form} {rank}");
                    }
                }
            }
        }
    }
}

/// A model every tensor-parallel size up to 8 divides, in the storage type and with the biases asked for.
fn random_model(dir: &Path, dtype: &str, bias: bool, tied: bool) {
    let config = json!({"architectures": ["InternLM2ForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 16, "num_key_value_heads": 8, "intermediate_size": 96, "vocab_size": 80,
        "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 1e6, "bias": bias,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2, "tie_word_embeddings": tied,
        "torch_dtype": dtype, "rope_scaling": null, "initializer_range": 0.02});
    let config = internlm_model::ModelConfig::from_hf_json(config.as_object().expect("an object"), dir);
    let config = config.expect("a valid config");
    let mut decoder = Decoder::init(&config, 3, &burn::tensor::Device::flex());
    for (name, mut parameter) in decoder.parameters_mut() {
        if name.ends_with(".bias") {
            let count = parameter.get().shape()[0];
            parameter.set((0..count).map(|index| index as f32 / 100.0).collect());
        }
    }
    decoder.save(dir).expect("saves");
    fs::write(dir.join("tokenizer_config.json"), "{\"bos_token\": \"<s>\"}\n").expect("writes");
}

#[test]
fn there_and_back_gives_the_same_bytes() {
    for (dtype, bias, tied) in
        [("float32", true, false), ("bfloat16", false, false), ("float16", false, true)]
    {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("source")).expect("a folder");
        random_model(&path("source"), dtype, bias, tied);
        let expected = digests(&WeightFolder::open(path("source")).expect("opens"));
        let read = |name: &str| fs::read_to_string(path(name)).expect("reads");

        run(&path("source"), path("llama"), Target::HfLlama);
        run(&path("llama"), path("back"), Target::HfInternLm2);
        assert_eq!(digests(&WeightFolder::open(path("back")).expect("opens")), expected, "{dtype} llama");
        assert_eq!(read("back/config.json"), read("source/config.json"));
        assert_eq!(read("back/tokenizer_config.json"), read("source/tokenizer_config.json"));

        for order in ORDERS {
            for ranks in [1, 2, 4, 8] {
                let name = format!("{order:?}-{ranks}");
                run(&path("source"), path(&name), internevo(ranks, order));
                let back = format!("{name}-back");
                run(&path(&name), path(&back), Target::HfInternLm2);
                let found = digests(&WeightFolder::open(path(&back)).expect("opens"));
                assert_eq!(found, expected, "{dtype} {name}");
                // The config comes back but for the keys InternEvo has no place for.
                let (_, source) = weights::open(path(&back)).expect("opens");
                assert_eq!(source.names().len(), expected.len());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn models_of_any_shape_come_back_from_every_form(
        ranks in 1_usize..4, (kv_heads, group, half) in (1_usize..3, 1_usize..4, 1_usize..4),
        (layers, inter, vocab) in (1_usize..3, 1_usize..9, 3_usize..9),
        (bias, tied, interleaved, seed) in (any::<bool>(), any::<bool>(), any::<bool>(), any::<u64>()),
    ) {
        let (kv_heads, heads) = (kv_heads * ranks, kv_heads * ranks * group);
        let size =
            ModelSize { hidden: heads * 2 * half, layers, heads, inter: inter * ranks, vocab: vocab * ranks };
        let mut config = ModelConfig::new(size).with_kv_heads(kv_heads);
        config.tied = tied;
        if bias {
            config = config.with_biases(&[Biased::Qkv, Biased::Output]);
        }
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("source")).expect("a folder");
        Decoder::init(&config, seed, &burn::tensor::Device::flex()).save(path("source")).expect("saves");
        let expected = digests(&WeightFolder::open(path("source")).expect("opens"));
        let order = ORDERS[usize::from(interleaved)];
        for (name, target) in [("llama", Target::HfLlama), ("evo", internevo(ranks, order))] {
            run(&path("source"), path(name), target);
            let back = run(&path(name), path(&format!("{name}-back")), Target::HfInternLm2);
            let found = digests(&WeightFolder::open(&back).expect("opens"));
            prop_assert_eq!(&found, &expected, "{}", name);
        }
    }
}

#[test]
fn interleaved_rows_and_the_stretch_reach_the_config() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let source = folder.path().join("source");
    fs::create_dir(&source).expect("a folder");
    random_model(&source, "float32", false, false);
    let out = run(&source, folder.path().join("evo"), internevo(2, RowOrder::Interleaved));
    let name = "layers.0.attention.wqkv.weight";
    let stored = TorchFile::open(out.join("model_tp0_pp0.pt")).expect("opens");
    let stored = stored.read_f32(name).expect("reads");
    let original = WeightFolder::open(&source).expect("opens");
    let original = original.read_f32("model.layers.0.attention.wqkv.weight").expect("reads");
    // Heads of 4 rows of 64: row 1 of the file is row 2 of the model.
    assert_eq!(stored[64..128], original[128..192]);
    let scaling = RopeScaling::Dynamic { factor: 2.0 };
    let stretch = Stretch { max_position: Some(32_768), rope_scaling: Some(scaling.clone()) };
    let evo = InternEvoFolder::open(&out, stretch).expect("opens");
    assert_eq!((evo.config().max_position, evo.config().inter, evo.config().rope_theta), (32_768, 96, 1e6));
    assert_eq!(evo.config().rope_scaling, scaling);
}

#[test]
fn what_a_form_cannot_hold_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let source = folder.path().join("source");
    fs::create_dir(&source).expect("a folder");
    random_model(&source, "float32", false, false);
    let out = folder.path().join("out");
    let error = convert(&source, &out, &ConvertConfig::new(internevo(3, RowOrder::HalfSplit)), &());
    let message = error.expect_err("three ranks do not divide it").to_string();
    assert!(message.contains("kv-heads: found 8, expected a multiple of the 3"), "{message}");
    assert!(message.contains("vocab: found 80"), "{message}");
    // Fewer ranks than before leave none of the earlier ones behind.
    let evo = run(&source, folder.path().join("evo"), internevo(4, RowOrder::HalfSplit));
    run(&source, evo.clone(), internevo(2, RowOrder::HalfSplit));
    assert!(weights::open(&evo).is_ok() && !evo.join("model_tp2_pp0.pt").exists());
    // A rank that is missing, a tensor that is cut.
    fs::remove_file(evo.join("model_tp1_pp0.pt")).expect("removes");
    let message = weights::open(&evo).err().expect("a rank is missing").to_string();
    assert!(message.contains("found files of 1 ranks, expected 2: model.tok_embeddings.weight"), "{message}");
}
