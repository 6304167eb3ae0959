//! What is done with each key of a quantizer's settings: it is used, it changes no stored number, or it is refused.
//!
//! The keys are those of `transformers` (`utils/quantization_config.py`: `GPTQConfig`, `AwqConfig`,
//! `CompressedTensorsConfig`), AutoGPTQ, GPTQModel, AutoAWQ and compressed-tensors. A key that is in no table is
//! named in a warning.

use serde_json::{Map, Value};

/// What a key is to stored weights of 4 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rule {
    /// Read, here or by the reader of the method.
    Used,
    /// Changes no stored number, for this reason.
    Harmless(&'static str),
    /// Must be absent, null, false, empty, or this word.
    Only(&'static str),
    /// Worth a warning when it is set: the numbers are computed in another way than the model was tuned for.
    Told(&'static str),
}

/// The keys of one object with their rules.
pub(super) type Table = &'static [(&'static str, Rule)];

const SEARCH: Rule = Rule::Harmless("how the quantizer searched, not what it stored");
const NAMES: Rule = Rule::Harmless("the names of the tensors say which matrices are quantized");
const KERNELS: Rule = Rule::Harmless("a choice among the kernels of another program");
const SOURCE: Rule = Rule::Harmless("where the folder comes from");

/// The settings of AWQ and GPTQ; `transformers` writes the keys of both for either.
pub(super) const INT4: Table = &[
    ("quant_method", Rule::Used),
    ("bits", Rule::Used),
    ("w_bit", Rule::Used),
    ("group_size", Rule::Used),
    ("q_group_size", Rule::Used),
    ("sym", Rule::Used),
    ("zero_point", Rule::Used),
    ("desc_act", Rule::Used),
    ("checkpoint_format", Rule::Used),
    ("format", Rule::Used),
    ("version", Rule::Used),
    ("dynamic", Rule::Used),
    ("pack_dtype", Rule::Only("int32")),
    ("is_marlin_format", Rule::Only("")),
    ("adapter", Rule::Only("")),
    ("rotation", Rule::Only("")),
    ("act_group_aware", Rule::Harmless("g_idx gives the group of each input")),
    ("static_groups", Rule::Harmless("g_idx gives the group of each input")),
    ("damp_percent", SEARCH),
    ("damp_auto_increment", SEARCH),
    ("true_sequential", SEARCH),
    ("mse", SEARCH),
    ("hyb_act", SEARCH),
    ("duo_scaling", SEARCH),
    ("apply_clip", SEARCH),
    ("fail_safe", SEARCH),
    ("failsafe", SEARCH),
    ("gptaq", SEARCH),
    ("gptaq_alpha", SEARCH),
    ("dataset", SEARCH),
    ("tokenizer", SEARCH),
    ("model_seqlen", SEARCH),
    ("batch_size", SEARCH),
    ("pad_token_id", SEARCH),
    ("cache_block_outputs", SEARCH),
    ("block_name_to_quantize", SEARCH),
    ("module_name_preceding_first_block", SEARCH),
    ("offload_to_disk", SEARCH),
    ("offload_to_disk_path", SEARCH),
    ("lm_head", NAMES),
    ("modules_to_not_convert", NAMES),
    ("modules_in_block_to_quantize", NAMES),
    ("inside_layer_modules", NAMES),
    ("backend", KERNELS),
    ("use_exllama", KERNELS),
    ("disable_exllama", KERNELS),
    ("exllama_config", KERNELS),
    ("use_cuda_fp16", KERNELS),
    ("max_input_length", KERNELS),
    ("do_fuse", KERNELS),
    ("fuse_max_seq_len", KERNELS),
    ("modules_to_fuse", KERNELS),
    ("parallel_packing", KERNELS),
    ("meta", SOURCE),
    ("model_name_or_path", SOURCE),
    ("model_file_base_name", SOURCE),
    ("quantizer", SOURCE),
];

/// The settings of compressed-tensors.
pub(super) const COMPRESSED: Table = &[
    ("quant_method", Rule::Used),
    ("format", Rule::Used),
    ("config_groups", Rule::Used),
    ("sparsity_config", Rule::Only("dense")),
    ("transform_config", Rule::Only("")),
    ("kv_cache_scheme", Rule::Told("keys and values are stored in the format that the engine is given")),
    ("quantization_status", SOURCE),
    ("version", SOURCE),
    ("global_compression_ratio", SOURCE),
    ("ignore", NAMES),
    ("run_compressed", KERNELS),
    ("dequantize", KERNELS),
    ("use_optimized_inference", KERNELS),
];

/// A scheme of compressed-tensors.
pub(super) const SCHEME: Table = &[
    ("weights", Rule::Used),
    ("format", Rule::Only("pack-quantized")),
    ("targets", NAMES),
    ("input_activations", Rule::Told("activations have the numbers that the engine computes with")),
    ("output_activations", Rule::Told("activations have the numbers that the engine computes with")),
];

/// The weights of a scheme.
pub(super) const WEIGHTS: Table = &[
    ("num_bits", Rule::Used),
    ("type", Rule::Used),
    ("symmetric", Rule::Used),
    ("strategy", Rule::Used),
    ("group_size", Rule::Used),
    ("dynamic", Rule::Only("")),
    ("block_structure", Rule::Only("")),
    ("actorder", Rule::Harmless("weight_g_idx gives the group of each input")),
    ("observer", SEARCH),
    ("observer_kwargs", SEARCH),
    ("scale_dtype", Rule::Harmless("the tensors have their types in the file")),
    ("zp_dtype", Rule::Harmless("the tensors have their types in the file")),
];

/// Holds an object to its table: refused keys become problems, unknown and noteworthy ones warnings. `place` names the
/// object in both.
pub(super) fn check(table: Table, object: &Map<String, Value>, place: &str, problems: &mut Vec<String>) {
    for (key, value) in object {
        let rule = table.iter().find(|(name, _)| name == key).map(|(_, rule)| *rule);
        match rule {
            Some(Rule::Used) => {}
            Some(Rule::Harmless(why)) => tracing::debug!("{place}{key} changes no number: {why}"),
            _ if is_empty(value) => {}
            Some(Rule::Only(word)) if is_word(value, word) => {}
            Some(Rule::Only("")) => problems.push(format!("{place}{key}: found {value}, expected none")),
            Some(Rule::Only(word)) => {
                problems.push(format!("{place}{key}: found {value}, expected {word} or none"));
            }
            Some(Rule::Told(what)) => tracing::warn!("{place}{key} is not applied: {what}"),
            None => tracing::warn!("{place}{key}: found {value}, a key that is not known and not applied"),
        }
    }
}

/// Whether a value says that something is not there.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(pairs) => pairs.is_empty(),
        _ => false,
    }
}

/// Whether a value is a word, or an object whose `format` is.
fn is_word(value: &Value, word: &str) -> bool {
    let text = value.as_str().or_else(|| value.get("format")?.as_str());
    text.is_some_and(|text| text.trim_start_matches("torch.").eq_ignore_ascii_case(word))
}
