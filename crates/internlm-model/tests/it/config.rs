//! Configs in every form they are written in.

use std::path::Path;

use internlm_model::config::{Biased, DType, Family, RopeScaling, SlidingWindow};
use internlm_model::weights::gguf::GgufFile;
use internlm_model::weights::names::{NameStyle, expected, parts};
use internlm_model::{ModelConfig, ModelSize, TokenId};
use proptest::prelude::*;

use crate::models::{self, Pair};

const FAMILIES: [Family; 6] = [
    Family::InternLm2,
    Family::InternLm2Reward,
    Family::InternLm3,
    Family::Llama,
    Family::Mistral,
    Family::Qwen2,
];

fn scaling() -> impl Strategy<Value = RopeScaling> {
    // Factors that are short in decimal, so that a difference is one of the format and not of rounding.
    let factor = (4_u32..64).prop_map(|quarters| f64::from(quarters) / 4.0);
    prop_oneof![
        Just(RopeScaling::None),
        factor.clone().prop_map(|factor| RopeScaling::Linear { factor }),
        factor.clone().prop_map(|factor| RopeScaling::Dynamic { factor }),
        (factor.clone(), 1_usize..9000).prop_map(|(factor, original_max_position)| RopeScaling::Llama3 {
            factor,
            low_freq_factor: 1.0,
            high_freq_factor: 1.0 + factor,
            original_max_position,
        }),
        (factor, prop::option::of(1_usize..9000), prop::option::of(Just(1.25))).prop_map(
            |(factor, original_max_position, attention_factor)| RopeScaling::Yarn {
                factor,
                original_max_position,
                attention_factor,
                beta_fast: 32.0,
                beta_slow: 1.0,
            }
        ),
    ]
}

prop_compose! {
    /// A config that all of its values are usable together, with biases its family can express.
    fn config()(
        family in prop::sample::select(FAMILIES.to_vec()),
        (kv_heads, group, half_dim) in (1_usize..4, 1_usize..4, 1_usize..5),
        (layers, inter, vocab) in (1_usize..5, 1_usize..99, 10_usize..200),
        scaling in scaling(),
        (biased, tied, dtype) in (any::<bool>(), any::<bool>(), prop::sample::select(vec![DType::F32, DType::F16, DType::Bf16])),
        eos in prop::collection::vec((0_u32..10).prop_map(TokenId), 1..3),
        (window, divisors) in (prop::option::of((1_usize..99, 0_usize..4)), any::<bool>()),
        (eps, rope_theta, max_position) in
            (prop::sample::select(vec![1e-6, 1e-5, 1e-3]), 1_u32..2_000_000, 64_usize..9000),
    ) -> ModelConfig {
        let heads = kv_heads * group;
        let size = ModelSize { hidden: heads * half_dim * 2, layers, heads, inter, vocab };
        let mut config = ModelConfig::new(size)
            .with_family(family)
            .with_kv_heads(kv_heads)
            .with_rope_scaling(scaling)
            .with_eos(eos)
            .with_dtype(dtype);
        config.tied = tied;
        // None of them is what readers assume.
        (config.eps, config.rope_theta, config.max_position) = (eps, f64::from(rope_theta), max_position);
        if divisors {
            let list = |start: f64| -> Vec<f64> { (0..half_dim).map(|i| start + i as f64 / 4.0).collect() };
            let (short_factor, long_factor) = (list(1.0), list(1.5));
            config.rope_scaling = RopeScaling::LongRope {
                short_factor,
                long_factor,
                original_max_position: 64,
                attention_factor: 1.25,
            };
        }
        if let (Some((tokens, full)), Family::Mistral | Family::Qwen2) = (window, family) {
            // Mistral's files give the window to all layers; where all layers see everything they have no window.
            let full = if family == Family::Mistral { 0 } else { full.min(layers - 1) };
            config = config.with_sliding_window(SlidingWindow { tokens, full_layers: (0..full).collect() });
        }
        match (family, biased) {
            (Family::Qwen2, _) => config.with_biases(&[Biased::Qkv]),
            (_, false) => config,
            (Family::InternLm2 | Family::InternLm2Reward | Family::Mistral, true) => {
                config.with_biases(&[Biased::Qkv, Biased::Output])
            }
            (Family::InternLm3, true) => config.with_biases(&[Biased::Output, Biased::FeedForward]),
            (_, true) => config.with_biases(&[Biased::Qkv, Biased::Output, Biased::FeedForward]),
        }
    }
}

/// A GGUF file with the metadata of `config`; of the tensors outside of the blocks and in block 0, one column each.
fn gguf(config: &ModelConfig, arch: &str) -> Vec<u8> {
    let key = |name: &str| format!("{arch}.{name}");
    let mut numbers = vec![
        (key("block_count"), config.layers),
        (key("context_length"), config.max_position),
        (key("embedding_length"), config.hidden),
        (key("feed_forward_length"), config.inter),
        (key("attention.head_count"), config.heads),
        (key("attention.head_count_kv"), config.kv_heads),
        (key("attention.key_length"), config.head_dim),
    ];
    for (name, id) in [("bos", config.bos), ("eos", config.eos.first().copied()), ("padding", config.pad)] {
        numbers.extend(id.map(|id| (format!("tokenizer.ggml.{name}_token_id"), id.index())));
    }
    let (kind, length) = match config.rope_scaling {
        RopeScaling::Linear { .. } => ("linear", None),
        RopeScaling::Yarn { original_max_position, .. } => ("yarn", original_max_position),
        _ => ("none", None),
    };
    numbers.extend(length.map(|length| (key("rope.scaling.original_context_length"), length)));
    let mut floats = vec![
        (key("attention.layer_norm_rms_epsilon"), config.eps),
        (key("rope.freq_base"), config.rope_theta),
    ];
    floats.extend(config.rope_scaling.factor().map(|factor| (key("rope.scaling.factor"), factor)));
    let scaling = key("rope.scaling.type");
    let mut pairs = vec![Pair::Text("general.architecture", arch), Pair::Text(&scaling, kind)];
    pairs.extend(numbers.iter().map(|(key, number)| Pair::Number(key, *number as u32)));
    pairs.extend(floats.iter().map(|(key, number)| Pair::Float(key, *number as f32)));
    let mut columns: Vec<(String, usize)> = Vec::new();
    for (name, shape) in expected(config) {
        if !name.contains("layers.") || name.contains("layers.0.") {
            let stored = parts(&name, NameStyle::Gguf).expect("every tensor has a GGUF name");
            columns.push((stored.first().to_owned(), shape[0]));
        }
    }
    let tensors: Vec<(&str, Vec<u64>, Vec<f32>)> =
        columns.iter().map(|(name, rows)| (name.as_str(), vec![1, *rows as u64], vec![0.0; *rows])).collect();
    models::gguf(3, &pairs, &tensors)
}

proptest! {
    #[test]
    fn hugging_face_json_keeps_every_value(config in config()) {
        prop_assert_eq!(config.problems(), [""; 0]);
        let json = config.to_hf_json();
        let object = json.as_object().expect("an object");
        let read = ModelConfig::from_hf_json(object, Path::new("config.json")).expect("reads what was written");
        prop_assert_eq!(read, config);
    }

    #[test]
    fn toml_keeps_every_value(config in config()) {
        let text = toml::to_string(&config).expect("writes");
        prop_assert_eq!(toml::from_str::<ModelConfig>(&text).expect("reads what was written"), config);
    }

    #[test]
    fn gguf_metadata_keeps_every_value_that_it_has_a_key_for(config in config()) {
        let mut config = config;
        let arch = match config.family {
            Family::InternLm2 => "internlm2",
            Family::Qwen2 => "qwen2",
            _ => { config.family = Family::Llama; "llama" }
        };
        config.eos.truncate(1);
        config.sliding_window = None;
        config.dtype = DType::F32;
        config.rope_scaling = match config.rope_scaling {
            RopeScaling::Dynamic { .. } | RopeScaling::Llama3 { .. } | RopeScaling::LongRope { .. } => {
                RopeScaling::None
            }
            // llama.cpp's key for the attention factor is relative to the one of the paper.
            RopeScaling::Yarn { factor, original_max_position, beta_fast, beta_slow, .. } => {
                RopeScaling::Yarn { factor, original_max_position, attention_factor: None, beta_fast, beta_slow }
            }
            other => other,
        };
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.gguf");
        std::fs::write(&path, gguf(&config, arch)).expect("writes");
        let file = GgufFile::open(&path).expect("opens");
        prop_assert_eq!(ModelConfig::from_gguf(&file).expect("reads what was written"), config);
    }

    #[test]
    fn parameters_are_those_of_the_tensors(config in config()) {
        let tensors = internlm_model::weights::names::expected(&config);
        let count: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        prop_assert_eq!(count as u64, config.parameters());
    }

    #[test]
    fn any_value_out_of_range_is_a_problem_that_names_its_key(config in config(), which in 0_usize..10) {
        let mut config = config;
        let key = match which {
            0 => { config.hidden = 0; "hidden" }
            1 => { config.layers = 1 << 20; "layers" }
            2 => { config.heads = 0; "heads" }
            3 => { config.kv_heads = config.heads + 1; "kv-heads" }
            4 => { config.head_dim = 3; "head-dim" }
            5 => { config.eps = -1.0; "eps" }
            6 => { config.rope_theta = f64::NAN; "rope-theta" }
            7 => { config.eos.push(TokenId(config.vocab as u32)); "special token id" }
            8 => { config.rope_scaling = RopeScaling::Linear { factor: 0.0 }; "rope-scaling" }
            _ => { config.sliding_window = Some(SlidingWindow::new(0)); "sliding-window" }
        };
        let problems = config.problems();
        prop_assert!(problems.iter().any(|problem| problem.starts_with(key)), "{key}: {problems:?}");
    }
}

#[test]
fn toml_refuses_unknown_keys_and_missing_sizes() {
    let refused = |text: &str, part: &str| {
        let error = toml::from_str::<ModelConfig>(text).expect_err(text).to_string();
        assert!(error.contains(part), "{error}");
    };
    refused("hidden = 8\nlayers = 1\nheads = 2\ninter = 8", "vocab");
    refused("hidden = 8\nlayers = 1\nheads = 2\ninter = 8\nvocab = 9\nwindow = 1", "window");
    refused(
        "hidden = 9\nlayers = 1\nheads = 2\ninter = 8\nvocab = 9",
        "hidden 9 is not a multiple of heads 2",
    );
}
