//! What every known key of `model_config.pt` means to this crate: applied, refused unless it changes nothing,
//! harmless.
//!
//! The keys are those of the section `model` of InternEvo's configs: the parameters of `build_model_with_cfg` in
//! `modeling_internlm2.py`, and what `launch.py` adds to them. A key outside of the table is passed over, unless its
//! name says that it changes numbers.

use super::keys::{Keys, shown};
use crate::weights::torch::Value;

/// What is done about a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// The reader uses it.
    Applied,
    /// Any other value than these would change numbers and is refused; written as in Python.
    Only(&'static [&'static str]),
    /// It changes nothing that is computed here, for the reason given.
    Harmless(&'static str),
}

use Rule::{Applied, Harmless, Only};

const FALSE: Rule = Only(&["False", "None", "0"]);
const TRAINING: Rule = Harmless("it acts in training alone");
const TENSORS: Rule = Harmless("names and shapes of the tensors say it, and are checked");
const ORDER: Rule = Harmless("it changes the order and rounding of the same sums");
const EXPERTS: Rule = Harmless("without num_experts nobody reads it");

/// Every known key with its rule.
pub(super) const KEYS: &[(&str, Rule)] = &[
    // The shape of the model.
    ("num_layers", Applied),
    ("hidden_size", Applied),
    ("vocab_size", Applied),
    ("num_attention_heads", Applied),
    ("num_kv_attention_heads", Applied),
    ("head_dim", Applied),
    ("no_bias", Applied),
    ("layer_norm_epsilon", Applied),
    ("dtype", Applied),
    ("mlp_ratio", TENSORS),
    ("multiple_of", TENSORS),
    ("qkv_bias", TENSORS),
    ("o_bias", TENSORS),
    ("mlp_bias", TENSORS),
    // Positions.
    ("rope_base", Applied),
    ("use_dynamic_ntk_rope", Applied),
    ("max_position_embeddings", Applied),
    ("rotary_emb_scale_base", Only(&["0", "None"])),
    ("sliding_window", Only(&["None", "False", "0"])),
    ("use_sliding_window", FALSE),
    // How the tensors are stored.
    ("adapt_hf", Applied),
    ("qk_interleaved", Applied),
    ("norm_head", Applied),
    ("embed_split_hidden", TENSORS),
    ("enable_qkv_fusion", TENSORS),
    ("mlp_layer_fusion", TENSORS),
    ("num_chunks", TENSORS),
    ("model_type", TENSORS),
    // Other structures.
    ("norm_type", Only(&["\"rmsnorm\""])),
    ("add_unit_offset", FALSE),
    ("apply_post_layer_norm", FALSE),
    ("deepnorm", FALSE),
    ("use_swiglu", Only(&["True", "1"])),
    ("activation_type", Only(&["\"swiglu\""])),
    ("is_reward", FALSE),
    ("num_experts", Only(&["1", "0", "None"])),
    ("num_shared_experts", EXPERTS),
    ("moe_use_residual", EXPERTS),
    ("moe_type", EXPERTS),
    ("moe_layer_kwargs", EXPERTS),
    ("top_k", EXPERTS),
    // The same numbers, computed otherwise.
    ("use_flash_attn", ORDER),
    ("parallel_output", ORDER),
    ("sequence_parallel", ORDER),
    ("tp_mode", ORDER),
    ("residual_in_fp32", ORDER),
    // Training.
    ("checkpoint", TRAINING),
    ("checkpoint_fraction", TRAINING),
    ("dropout_selective_checkpoint", TRAINING),
    ("embed_grad_scale", TRAINING),
    ("drop_rate", TRAINING),
    ("attn_drop_rate", TRAINING),
    ("use_scaled_init", TRAINING),
    ("init_type", TRAINING),
    ("embedding_init_std", TRAINING),
    ("attn_wqkv_init_std", TRAINING),
    ("attn_other_init_std", TRAINING),
    ("ffn_uplayer_init_std", TRAINING),
    ("ffn_other_init_std", TRAINING),
    ("out_head_init_std", TRAINING),
];

/// Parts of names of keys outside of the table that change numbers, each with its neutral value.
const CHANGING: &[(&str, &str)] = &[
    ("multiplier", "1"),
    ("scaling", "1"),
    ("scale_", "1"),
    ("_scale", "1"),
    ("softcap", "None"),
    ("soft_cap", "None"),
    ("clip_qkv", "None"),
    ("qkv_clip", "None"),
    ("qk_norm", "False"),
    ("qk_layernorm", "False"),
    ("rope", "1"),
    ("rotary", "1"),
    ("alibi", "False"),
    ("window", "0"),
    ("parallel_residual", "False"),
    ("parallel_attn", "False"),
    ("expert", "0"),
    ("moe_", "0"),
    ("interleaved", "False"),
];

impl Rule {
    pub(super) fn of(key: &str) -> Option<Self> {
        KEYS.iter().find(|(known, _)| *known == key).map(|(_, rule)| *rule)
    }
}

/// Refuses what the keys that are not applied would change.
pub(super) fn check(keys: &mut Keys<'_>) {
    for (key, value) in keys.all() {
        if let Some(problem) = problem(key, value) {
            keys.problem(problem);
        }
    }
}

fn problem(key: &str, value: &Value) -> Option<String> {
    let found = || format!("{key}: found {}", shown(value));
    match Rule::of(key) {
        Some(Only(allowed)) => {
            let changes = !allowed.iter().any(|allowed| is(value, allowed));
            changes.then(|| format!("{}, expected {}", found(), allowed.join(" or ")))
        }
        Some(Harmless(reason)) => {
            tracing::trace!(key, reason, "a key of model_config.pt changes nothing");
            None
        }
        Some(Applied) => None,
        None => {
            let (_, neutral) = CHANGING.iter().find(|(part, _)| key.contains(*part))?;
            let empty = ["None", "False", "[]", "{}", *neutral];
            let changes = !empty.iter().any(|empty| is(value, empty));
            changes.then(|| format!("{}, expected no such key: it changes numbers", found()))
        }
    }
}

/// Whether a value is the one written as `text`; numbers are compared as numbers.
fn is(value: &Value, text: &str) -> bool {
    match (value.as_f64(), text.parse::<f64>()) {
        (Some(found), Ok(expected)) => found == expected,
        _ => shown(value) == text,
    }
}
