//! What every known key of `config.json` means to this crate: applied, refused unless it changes nothing, harmless.
//!
//! The keys are those of transformers' configuration classes of the six families and of InternLM's own. A key outside
//! of the table is kept and written back, unless its name says that it changes numbers.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::config::Family::{self, InternLm2, InternLm2Reward, InternLm3, Llama, Mistral, Qwen2};
use crate::config::keys::Keys;

/// What is done about a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// The reader uses it, in every family.
    Applied,
    /// The reader of these families uses it; the others follow the second rule.
    AppliedIn(&'static [Family], &'static Rule),
    /// Any other value than these would change numbers and is refused; written as JSON.
    Only(&'static [&'static str]),
    /// It changes nothing that is computed here, for the reason given.
    Harmless(&'static str),
}

use Rule::{Applied, AppliedIn, Harmless, Only};

const FALSE: Rule = Only(&["false", "null"]);
const TRAINING: Rule = Harmless("it acts in training alone");
const GENERATION: Rule = Harmless("it is about choosing tokens, which the caller decides");
const OUTPUT: Rule = Harmless("it is about what a Python call returns");
const ORDER: Rule = Harmless("it changes the order of the same sums");
const BOOKKEEPING: Rule = Harmless("it describes the file, not the model");
const CLASSIFIER: Rule = Harmless("it belongs to a classification head, which the families do not have");
const BESIDE: Rule = Harmless("without use_sliding_window nobody reads it");
const NO_BIAS: Rule = Harmless("the family says otherwise which matrices have biases");

/// Every known key with its rule.
pub(super) const KEYS: &[(&str, Rule)] = &[
    // The shape of the model.
    ("architectures", Applied),
    ("model_type", Applied),
    ("hidden_size", Applied),
    ("num_hidden_layers", Applied),
    ("num_attention_heads", Applied),
    ("num_key_value_heads", Applied),
    ("head_dim", Applied),
    ("intermediate_size", Applied),
    ("vocab_size", Applied),
    ("max_position_embeddings", Applied),
    ("rms_norm_eps", Applied),
    ("tie_word_embeddings", Applied),
    ("torch_dtype", Applied),
    ("dtype", Applied),
    ("hidden_act", Only(&["\"silu\"", "\"swish\"", "null"])),
    ("bias", AppliedIn(&[InternLm2, InternLm2Reward, InternLm3], &NO_BIAS)),
    ("qkv_bias", AppliedIn(&[InternLm3], &NO_BIAS)),
    ("attention_bias", AppliedIn(&[InternLm3, Llama, Mistral], &NO_BIAS)),
    ("mlp_bias", AppliedIn(&[InternLm3, Llama, Mistral], &FALSE)),
    // Special tokens.
    ("bos_token_id", Applied),
    ("eos_token_id", Applied),
    ("pad_token_id", Applied),
    ("reward_token_id", Applied),
    ("sep_token_id", GENERATION),
    ("decoder_start_token_id", GENERATION),
    // Positions and attention.
    ("rope_theta", Applied),
    ("rope_scaling", Applied),
    ("rope_parameters", Applied),
    ("original_max_position_embeddings", Applied),
    ("partial_rotary_factor", Only(&["1", "null"])),
    ("sliding_window", AppliedIn(&[Mistral, Qwen2], &Only(&["null"]))),
    ("use_sliding_window", AppliedIn(&[Qwen2], &FALSE)),
    ("max_window_layers", AppliedIn(&[Qwen2], &BESIDE)),
    ("layer_types", Applied),
    ("is_causal", Only(&["true", "null"])),
    ("attention_multiplier", Only(&["null"])),
    ("clip_qkv", Only(&["null"])),
    ("qk_norm", FALSE),
    ("use_qk_norm", FALSE),
    // Other models' factors; 1 changes nothing.
    ("embedding_multiplier", Only(&["1", "null"])),
    ("residual_multiplier", Only(&["1", "null"])),
    ("logits_scaling", Only(&["1", "null"])),
    ("logit_scale", Only(&["1", "null"])),
    ("final_logit_softcapping", Only(&["null"])),
    ("attn_logit_softcapping", Only(&["null"])),
    // Other models' structures.
    ("is_encoder_decoder", FALSE),
    ("is_decoder", Harmless("the families are decoders")),
    ("add_cross_attention", FALSE),
    ("cross_attention_hidden_size", Only(&["null"])),
    ("tie_encoder_decoder", FALSE),
    ("pruned_heads", Only(&["{}", "null"])),
    ("per_layer_config", Only(&["{}", "null"])),
    ("tie_last_hidden_states", OUTPUT),
    // The same numbers, computed otherwise.
    ("pretraining_tp", ORDER),
    ("chunk_size_feed_forward", ORDER),
    ("attn_implementation", ORDER),
    ("_attn_implementation", ORDER),
    ("use_cache", ORDER),
    ("use_bfloat16", BOOKKEEPING),
    ("torchscript", BOOKKEEPING),
    ("quantization_config", Harmless("the readers of quantized weights apply it")),
    // Training.
    ("initializer_range", TRAINING),
    ("attention_dropout", TRAINING),
    ("tf_legacy_loss", TRAINING),
    ("gradient_checkpointing", TRAINING),
    // The file and its history.
    ("transformers_version", BOOKKEEPING),
    ("_name_or_path", BOOKKEEPING),
    ("name_or_path", BOOKKEEPING),
    ("_commit_hash", BOOKKEEPING),
    ("auto_map", BOOKKEEPING),
    ("tokenizer_class", BOOKKEEPING),
    ("prefix", BOOKKEEPING),
    ("task_specific_params", BOOKKEEPING),
    ("finetuning_task", CLASSIFIER),
    ("id2label", CLASSIFIER),
    ("label2id", CLASSIFIER),
    ("num_labels", CLASSIFIER),
    ("problem_type", CLASSIFIER),
    // What calls return.
    ("output_hidden_states", OUTPUT),
    ("output_attentions", OUTPUT),
    ("output_scores", OUTPUT),
    ("return_dict", OUTPUT),
    ("return_dict_in_generate", OUTPUT),
    // Generation.
    ("assistant_confidence_threshold", GENERATION),
    ("assistant_lookbehind", GENERATION),
    ("bad_words_ids", GENERATION),
    ("begin_suppress_tokens", GENERATION),
    ("diversity_penalty", GENERATION),
    ("do_sample", GENERATION),
    ("early_stopping", GENERATION),
    ("encoder_no_repeat_ngram_size", GENERATION),
    ("encoder_repetition_penalty", GENERATION),
    ("epsilon_cutoff", GENERATION),
    ("eta_cutoff", GENERATION),
    ("exponential_decay_length_penalty", GENERATION),
    ("forced_bos_token_id", GENERATION),
    ("forced_eos_token_id", GENERATION),
    ("length_penalty", GENERATION),
    ("max_length", GENERATION),
    ("min_length", GENERATION),
    ("no_repeat_ngram_size", GENERATION),
    ("num_assistant_tokens", GENERATION),
    ("num_assistant_tokens_schedule", GENERATION),
    ("num_beam_groups", GENERATION),
    ("num_beams", GENERATION),
    ("num_return_sequences", GENERATION),
    ("remove_invalid_values", GENERATION),
    ("repetition_penalty", GENERATION),
    ("suppress_tokens", GENERATION),
    ("target_lookbehind", GENERATION),
    ("temperature", GENERATION),
    ("top_k", GENERATION),
    ("top_p", GENERATION),
    ("typical_p", GENERATION),
];

/// Parts of names of keys outside of the table that change numbers, each with the value that is like none.
const CHANGING: &[(&str, &str)] = &[
    ("multiplier", "1"),
    ("scaling", "1"),
    ("scale_", "1"),
    ("_scale", "1"),
    ("softcap", "null"),
    ("soft_cap", "null"),
    ("query_pre_attn", "null"),
    ("clip_qkv", "null"),
    ("qkv_clip", "null"),
    ("qk_norm", "false"),
    ("qk_layernorm", "false"),
    ("norm_head", "false"),
    ("rope", "1"),
    ("rotary", "1"),
    ("ntk", "1"),
    ("nope_", "0"),
    ("logn", "false"),
    ("alibi", "false"),
    ("window", "0"),
    ("attention_chunk", "0"),
    ("attn_temperature", "false"),
    ("parallel_residual", "false"),
    ("parallel_attn", "false"),
    ("expert", "0"),
    ("moe_", "0"),
    ("mup", "false"),
    ("dim_model_base", "null"),
    ("attention_sink", "0"),
];

impl Rule {
    /// The rule of a key in a family, down to one that holds for it.
    pub(super) fn of(key: &str, family: Family) -> Option<Self> {
        let (_, rule) = KEYS.iter().find(|(known, _)| *known == key)?;
        Some(match rule {
            AppliedIn(families, _) if families.contains(&family) => Applied,
            AppliedIn(_, elsewhere) => **elsewhere,
            other => *other,
        })
    }
}

/// Refuses what the unread keys would change. `hidden_act` is taken out: it is written anew.
pub(super) fn check(keys: &mut Keys, family: Family) {
    let problems: Vec<String> =
        keys.unread().filter_map(|(key, value)| problem(key, value, family)).collect();
    problems.into_iter().for_each(|problem| keys.problem(problem));
    keys.take("hidden_act");
}

fn problem(key: &str, value: &Value, family: Family) -> Option<String> {
    match Rule::of(key, family) {
        Some(Only(allowed)) if !allowed.iter().any(|allowed| is(value, allowed)) => {
            Some(format!("{key}: found {value}, expected {}", allowed.join(" or ")))
        }
        Some(Harmless(reason)) => {
            tracing::trace!(key, reason, "a key of config.json changes nothing");
            None
        }
        Some(_) => None,
        None => {
            let (_, neutral) = CHANGING.iter().find(|(part, _)| key.contains(*part))?;
            let empty = ["null", "false", "[]", "{}", *neutral];
            let changes = !empty.iter().any(|empty| is(value, empty));
            changes.then(|| format!("{key}: found {value}, expected no such key: it changes numbers"))
        }
    }
}

/// Whether a value is the one written as `text`; numbers are compared as numbers.
fn is(value: &Value, text: &str) -> bool {
    match (value.as_f64(), text.parse::<f64>()) {
        (Some(found), Ok(expected)) => found == expected,
        _ => format!("{value}") == text,
    }
}
