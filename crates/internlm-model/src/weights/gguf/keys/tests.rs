//! Every documented key against the table.

use super::*;

/// The keys of a small LLaMA with one more.
fn of(key: &str, value: Value) -> Vec<String> {
    let size = |name: &'static str, value: u64| (name, Value::Unsigned(value));
    let mut pairs = vec![
        ("general.architecture", Value::Text("llama".to_owned())),
        size("llama.block_count", 2),
        size("llama.context_length", 64),
        size("llama.embedding_length", 64),
        size("llama.feed_forward_length", 96),
        size("llama.attention.head_count", 4),
        size("llama.attention.head_count_kv", 2),
    ];
    pairs.push((key, value));
    problems(&Metadata::of(&pairs), "llama")
}

/// Keys that llama.cpp documents and that a decoder of the LLaMA kind does not know: `Keys.LLM`, `Keys.Attention` and
/// the others under the architecture's prefix, without those of the rotation.
const REFUSED: [&str; 90] = [
    "embedding_length_out",
    "features_length",
    "leading_dense_block_count",
    "expert_feed_forward_length",
    "expert_shared_feed_forward_length",
    "expert_chunk_feed_forward_length",
    "use_parallel_residual",
    "expert_count",
    "expert_used_count",
    "expert_shared_count",
    "expert_group_count",
    "expert_group_used_count",
    "expert_weights_scale",
    "expert_weights_norm",
    "expert_gating_func",
    "expert_group_scale",
    "experts_per_group",
    "moe_every_n_layers",
    "moe_latent_size",
    "nextn_predict_layers",
    "n_deepstack_layers",
    "pooling_type",
    "logit_scale",
    "decoder_start_token_id",
    "decoder_block_count",
    "attn_logit_softcapping",
    "router_logit_softcapping",
    "final_logit_softcapping",
    "swin_norm",
    "rescale_every_n_layers",
    "time_mix_extra_dim",
    "time_decay_extra_dim",
    "residual_scale",
    "embedding_scale",
    "token_shift_count",
    "interleave_moe_layer_step",
    "full_attention_interval",
    "activation_sparsity_scale",
    "altup.active_idx",
    "altup.num_inputs",
    "embedding_length_per_layer_input",
    "swiglu_clamp_exp",
    "swiglu_clamp_shexp",
    "dense_2_feat_in",
    "dense_2_feat_out",
    "attention.max_alibi_bias",
    "attention.clamp_kqv",
    "attention.value_length",
    "attention.group_norm_epsilon",
    "attention.group_norm_groups",
    "attention.q_lora_rank",
    "attention.kv_lora_rank",
    "attention.decay_lora_rank",
    "attention.iclr_lora_rank",
    "attention.value_residual_mix_lora_rank",
    "attention.gate_lora_rank",
    "attention.relative_buckets_count",
    "attention.scale",
    "attention.output_scale",
    "attention.temperature_length",
    "attention.key_length_mla",
    "attention.value_length_mla",
    "attention.key_length_swa",
    "attention.value_length_swa",
    "attention.shared_kv_layers",
    "attention.sliding_window_pattern",
    "attention.temperature_scale",
    "attention.indexer.head_count",
    "attention.indexer.key_length",
    "attention.indexer.top_k",
    "ssm.conv_kernel",
    "ssm.inner_size",
    "ssm.state_size",
    "ssm.time_step_rank",
    "ssm.group_count",
    "ssm.dt_b_c_rms",
    "kda.head_dim",
    "wkv.head_size",
    "posnet.embedding_length",
    "posnet.block_count",
    "convnext.embedding_length",
    "convnext.block_count",
    "classifier.output_labels",
    "shortconv.l_cache",
    "attention.causal",
    "vocab_size",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "some_key_of_tomorrow",
];

#[test]
fn every_documented_key_that_changes_numbers_is_refused_by_name() {
    for name in REFUSED {
        let key = format!("llama.{name}");
        // 7.5 is the neutral value of no key, and no size.
        let problems = match name {
            "attention.layer_norm_rms_epsilon" => of(&key, Value::Text("1e-5".to_owned())),
            _ => of(&key, Value::Float(7.5)),
        };
        assert_eq!(problems.len(), 1, "{name}: {problems:?}");
        assert!(problems[0].starts_with(&format!("{key}: found ")), "{problems:?}");
    }
}

#[test]
fn neutral_values_and_harmless_keys_pass() {
    let number = Value::Unsigned;
    for (name, value) in [
        ("expert_count", number(0)),
        ("use_parallel_residual", Value::Bool(false)),
        ("logit_scale", Value::Float(1.0)),
        ("residual_scale", Value::Float(1.0)),
        ("embedding_scale", number(1)),
        ("attention.causal", Value::Bool(true)),
        ("attention.scale", Value::Float(0.25)),
        ("attention.value_length", number(16)),
        ("attention.key_length", number(16)),
        ("attention.clamp_kqv", Value::Float(0.0)),
        ("attention.layer_norm_epsilon", Value::Float(1e-5)),
        ("attention.layer_norm_rms_epsilon", Value::Float(1e-5)),
        ("attention.sliding_window", number(8)),
        ("tensor_data_layout", Value::Text("Meta AI original pth".to_owned())),
        ("rope.freq_base", Value::Float(1e4)),
        ("rope.scaling.yarn_log_multiplier", Value::Float(0.1)),
        ("vocab_size", number(300)),
    ] {
        assert_eq!(of(&format!("llama.{name}"), value), [""; 0], "{name}");
    }
    // Keys of another architecture, and of the tools that made the file.
    for key in ["mamba.ssm.state_size", "general.name", "quantize.imatrix.file", "general.sampling.temp"] {
        assert_eq!(of(key, Value::Float(7.5)), [""; 0], "{key}");
    }
}

#[test]
fn files_that_are_no_models_are_named() {
    for kind in ["adapter", "imatrix", "mmproj"] {
        let expected = format!("general.type: found {kind}, expected model");
        assert_eq!(of("general.type", Value::Text(kind.to_owned())), [expected]);
    }
    assert_eq!(of("general.type", Value::Text("model".to_owned())), [""; 0]);
    assert_eq!(of("general.quantization_version", Value::Unsigned(2)), [""; 0]);
    assert_eq!(of("general.quantization_version", Value::Unsigned(3)).len(), 1);
}

/// Keys that llama.cpp documents for a decoder of the LLaMA kind, and those whose neutral value its converters write.
const ROWS: &str = "attention.causal attention.clamp_kqv attention.head_count attention.head_count_kv \
    attention.key_length attention.layer_norm_epsilon attention.layer_norm_rms_epsilon attention.max_alibi_bias \
    attention.output_scale attention.scale attention.shared_kv_layers attention.sliding_window \
    attention.value_length attn_logit_softcapping block_count context_length embedding_length embedding_scale \
    expert_count feed_forward_length final_logit_softcapping logit_scale pooling_type residual_scale \
    tensor_data_layout use_parallel_residual vocab_size";

#[test]
fn every_key_has_one_row() {
    let mut names = MODEL.map(|(name, _)| name);
    names.sort_unstable();
    assert_eq!(names.join(" "), ROWS);
}
