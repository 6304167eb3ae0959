//! The table of tensor names against the decoder, and against files with other names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use burn::tensor::Device;
use internlm_model::config::{Biased, Family};
use internlm_model::weights::names::{NameStyle, Parts, expected, parts};
use internlm_model::{Decoder, ModelConfig, ModelSize};

fn configs() -> Vec<ModelConfig> {
    let size = ModelSize { hidden: 12, layers: 3, heads: 6, inter: 10, vocab: 14 };
    let base = || ModelConfig::new(size).with_kv_heads(2);
    vec![
        base(),
        base().with_tied_output(),
        base().with_head_dim(4),
        base().with_biases(&[Biased::Qkv]),
        base().with_biases(&[Biased::Qkv, Biased::Output, Biased::FeedForward]),
        base().with_family(Family::InternLm2Reward),
        base().with_family(Family::InternLm2Reward).with_tied_output(),
        base().with_family(Family::Llama),
    ]
}

#[test]
fn a_decoder_has_exactly_the_tensors_of_the_table() {
    for config in configs() {
        let decoder = Decoder::init(&config, 1, &Device::flex());
        let list = decoder.parameters();
        let found: BTreeMap<String, Vec<usize>> =
            list.iter().map(|(name, parameter)| (name.clone(), parameter.shape())).collect();
        assert_eq!(found.len(), list.len(), "no name occurs twice");
        assert_eq!(found, expected(&config).into_iter().collect(), "{config:?}");
    }
}

#[test]
fn linears_are_the_matrices_that_are_multiplied_with() {
    for config in configs() {
        let mut decoder = Decoder::init(&config, 1, &Device::flex());
        let linears: BTreeSet<String> =
            decoder.linears_mut().into_iter().map(|(name, _)| format!("{name}.weight")).collect();
        let matrices: BTreeSet<String> = expected(&config)
            .into_iter()
            .filter(|(name, shape)| shape.len() == 2 && name != "model.tok_embeddings.weight")
            .map(|(name, _)| name)
            .collect();
        assert_eq!(linears, matrices, "{config:?}");
    }
}

#[test]
fn the_order_of_parameters_is_that_of_the_forward() {
    // Optimizer states and the sum of a gradient's norm depend on it.
    let size = ModelSize { hidden: 12, layers: 1, heads: 6, inter: 10, vocab: 14 };
    let config = ModelConfig::new(size).with_biases(&[Biased::Output]);
    let decoder = Decoder::init(&config, 1, &Device::flex());
    let names: Vec<String> = decoder.parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "model.tok_embeddings.weight",
            "model.layers.0.attention_norm.weight",
            "model.layers.0.attention.wqkv.weight",
            "model.layers.0.attention.wo.weight",
            "model.layers.0.attention.wo.bias",
            "model.layers.0.ffn_norm.weight",
            "model.layers.0.feed_forward.w1.weight",
            "model.layers.0.feed_forward.w3.weight",
            "model.layers.0.feed_forward.w2.weight",
            "model.norm.weight",
            "output.weight",
        ]
    );
}

#[test]
fn names_of_every_style_are_distinct_and_complete() {
    for config in configs() {
        for style in [NameStyle::InternLm2, NameStyle::Llama, NameStyle::Gguf] {
            let mut seen = BTreeSet::new();
            for (name, _) in expected(&config) {
                let stored = match parts(&name, style).expect("every tensor has parts") {
                    Parts::One(one) => vec![one],
                    Parts::Qkv(three) => three.to_vec(),
                };
                for stored in stored {
                    assert!(
                        seen.insert(stored.clone()),
                        "{stored} stands for two tensors in {style:?} files"
                    );
                }
            }
        }
    }
}

#[test]
fn published_names_are_found() {
    let one = |name: &str| Some(Parts::One(name.to_owned()));
    for (name, llama, gguf) in [
        ("model.tok_embeddings.weight", "model.embed_tokens.weight", "token_embd.weight"),
        ("model.norm.weight", "model.norm.weight", "output_norm.weight"),
        ("output.weight", "lm_head.weight", "output.weight"),
        (
            "model.layers.31.feed_forward.w2.weight",
            "model.layers.31.mlp.down_proj.weight",
            "blk.31.ffn_down.weight",
        ),
        (
            "model.layers.0.ffn_norm.weight",
            "model.layers.0.post_attention_layernorm.weight",
            "blk.0.ffn_norm.weight",
        ),
        (
            "model.layers.7.attention.wo.bias",
            "model.layers.7.self_attn.o_proj.bias",
            "blk.7.attn_output.bias",
        ),
    ] {
        assert_eq!(parts(name, NameStyle::Llama), one(llama));
        assert_eq!(parts(name, NameStyle::Gguf), one(gguf));
        assert_eq!(parts(name, NameStyle::InternLm2), one(name));
    }
    let qkv = ["q", "k", "v"].map(|part| format!("model.layers.2.self_attn.{part}_proj.bias"));
    assert_eq!(parts("model.layers.2.attention.wqkv.bias", NameStyle::Llama), Some(Parts::Qkv(qkv)));
    for unknown in
        ["model.norm.bias", "output", "model.layers.0.attention.wq.weight", "layers.0.ffn_norm.weight", ""]
    {
        assert_eq!(parts(unknown, NameStyle::Llama), None, "{unknown:?}");
    }
}

#[test]
fn a_changed_end_token_and_storage_type_are_what_is_saved() {
    let size = ModelSize { hidden: 12, layers: 1, heads: 6, inter: 10, vocab: 14 };
    let folder = tempfile::tempdir().expect("temporary folder");
    let decoder = Decoder::init(&ModelConfig::new(size), 1, &Device::flex());
    let eos = vec![internlm_model::TokenId(2), internlm_model::TokenId(9)];
    let changed = decoder.clone().with_eos(eos.clone()).with_dtype(internlm_model::config::DType::Bf16);
    assert_eq!(decoder.config().eos, [internlm_model::TokenId(2)], "the other handle keeps its config");
    changed.save(folder.path()).expect("saves");
    let loaded = Decoder::load(folder.path(), &Device::flex()).expect("loads");
    assert_eq!(loaded.config(), changed.config());
    assert_eq!(loaded.config().eos, eos);
    let stored = std::fs::metadata(folder.path().join("model.safetensors")).expect("is there").len();
    let bytes = 2 * loaded.config().parameters();
    assert!((bytes..bytes + 2000).contains(&stored), "{stored} bytes for {bytes} of numbers");
    assert!(!Path::new(&folder.path().join("model.safetensors.tmp")).exists());
}
