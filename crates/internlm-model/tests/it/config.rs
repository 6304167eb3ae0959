//! Configs in every form they are written in.

use std::path::Path;

use internlm_model::config::{Biased, DType, Family, RopeScaling};
use internlm_model::{ModelConfig, ModelSize, TokenId};
use proptest::prelude::*;

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
    fn parameters_are_those_of_the_tensors(config in config()) {
        let tensors = internlm_model::weights::names::expected(&config);
        let count: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        prop_assert_eq!(count as u64, config.parameters());
    }

    #[test]
    fn any_value_out_of_range_is_a_problem_that_names_its_key(config in config(), which in 0_usize..9) {
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
            _ => { config.rope_scaling = RopeScaling::Linear { factor: 0.0 }; "rope-scaling" }
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
