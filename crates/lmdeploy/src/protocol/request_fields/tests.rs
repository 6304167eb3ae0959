//! The documented fields of both routes against the tables and the request types.

use std::collections::BTreeSet;

use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use super::*;
use crate::protocol::{StreamOptions, StructuredOutputs};

/// OpenAI's chat completions: the keys of `CompletionCreateParams` in its Python package 3.57.
const OPENAI_CHAT: &str = "messages model audio frequency_penalty function_call functions logit_bias logprobs \
    max_completion_tokens max_tokens metadata modalities moderation n parallel_tool_calls prediction \
    presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort \
    response_format safety_identifier seed service_tier stop store stream stream_options temperature \
    tool_choice tools top_logprobs top_p user verbosity web_search_options";

/// OpenAI's completions, from the same package.
const OPENAI_COMPLETIONS: &str = "model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n \
    presence_penalty seed stop stream stream_options suffix temperature top_p user";

/// What OpenAI and vLLM have inside of `stream_options`, and vLLM inside of `structured_outputs`.
const INNER: &str = "stream_options.include_usage stream_options.include_obfuscation \
    stream_options.continuous_usage_stats structured_outputs.choice structured_outputs.disable_fallback \
    structured_outputs.disable_additional_properties structured_outputs.disable_any_whitespace \
    structured_outputs.grammar structured_outputs.json structured_outputs.json_object structured_outputs.regex \
    structured_outputs.structural_tag structured_outputs.whitespace_pattern";

/// LMDeploy's own fields (`lmdeploy/serve/openai/protocol.py`) of both routes.
const LMDEPLOY: &str = "adapter_name bad_words do_preprocess ignore_eos include_stop_str_in_output \
    logits_processors max_completion_tokens migration_request min_new_tokens min_p preserve_cache \
    repetition_ngram_size repetition_ngram_threshold repetition_penalty return_logprob return_routed_experts \
    return_token_ids session_id skip_special_tokens spaces_between_special_tokens top_k with_cache image_data";

/// LMDeploy's own fields of chats.
const LMDEPLOY_CHAT: &str =
    "chat_template_kwargs enable_thinking input_ids media_io_kwargs mm_processor_kwargs";

/// vLLM's own fields of both routes (`vllm/entrypoints/openai/*/protocol.py`), with those of older versions.
const VLLM: &str = "add_special_tokens allowed_token_ids bad_words cache_salt ec_transfer_params guided_choice \
    guided_decoding_backend guided_grammar guided_json guided_regex guided_whitespace_pattern ignore_eos \
    include_stop_str_in_output kv_transfer_params length_penalty logits_processors logprob_token_ids min_p \
    min_tokens priority prompt_logprobs repetition_detection repetition_penalty request_id response_format \
    mm_payload return_mm_kwargs return_token_ids return_token_offsets return_tokens_as_token_ids \
    return_weight_versions \
    routed_experts_prompt_start session_id skip_special_tokens spaces_between_special_tokens stop_token_ids \
    stream_interval structural_tag structured_outputs thinking_token_budget top_k truncate_prompt_tokens \
    truncation_side use_beam_search vllm_xargs watermarking";

/// vLLM's own fields of chats.
const VLLM_CHAT: &str = "add_generation_prompt best_of chat_template chat_template_kwargs \
    continue_final_message documents echo include_reasoning media_io_kwargs mm_processor_kwargs \
    return_prompt_text";

/// vLLM's own fields of completions.
const VLLM_COMPLETIONS: &str = "prompt_embeds";

/// llama.cpp's own fields of both routes (`tools/server/README.md`).
const LLAMA_CPP: &str = "adaptive_decay adaptive_target backend_sampling cache_prompt chat_format chat_parser \
    dry_allowed_length dry_base dry_multiplier dry_penalty_last_n dry_sequence_breakers dynatemp_exponent \
    dynatemp_range generation_prompt grammar grammar_lazy grammar_triggers id_slot json_schema lora min_keep \
    mirostat mirostat_eta mirostat_tau n_cache_reuse n_cmpl n_discard n_indent n_keep n_predict n_probs \
    parse_tool_calls post_sampling_probs preserved_tokens reasoning_budget_end_tag reasoning_budget_end_tags \
    reasoning_budget_message reasoning_budget_start_tag reasoning_budget_tokens reasoning_control \
    reasoning_format repeat_last_n repeat_penalty response_fields return_progress return_tokens samplers \
    sse_ping_interval t_max_predict_ms t_max_prompt_ms thinking_budget_tokens thinking_forced_open \
    timings_per_token top_n_sigma typical_p verbose xtc_probability xtc_threshold";

/// This server's own field.
const OURS: &str = "timeout";

/// All documented fields of a route, and those of the other one, which would not be answered either.
fn documented() -> BTreeSet<&'static str> {
    let lists = [
        OPENAI_CHAT,
        OPENAI_COMPLETIONS,
        INNER,
        LMDEPLOY,
        LMDEPLOY_CHAT,
        VLLM,
        VLLM_CHAT,
        VLLM_COMPLETIONS,
        LLAMA_CPP,
        OURS,
    ];
    lists.into_iter().flat_map(str::split_whitespace).collect()
}

/// Takes down the names of a struct's fields as serde's derive hands them over, and reads nothing.
struct Names<'a>(&'a mut BTreeSet<&'static str>);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.extend(fields);
        Err(Error::custom("names only"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("not a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields_of<T: Deserialize<'static>>() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    let read = T::deserialize(Names(&mut names));
    assert!(read.is_err(), "nothing is read");
    names
}

fn check<T: RequestFields + Deserialize<'static>>() {
    let names: Vec<&str> = rows::<T>().map(|(name, _)| *name).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "every field once");
    assert_eq!(unique, documented(), "every documented field has a row, and no other");
    let used = |inside: bool| -> BTreeSet<&'static str> {
        let used = rows::<T>().filter(|(name, treatment)| *treatment == Used && name.contains('.') == inside);
        used.map(|(name, _)| name.rsplit('.').next().unwrap_or(name)).collect()
    };
    assert_eq!(used(false), fields_of::<T>(), "the request type has the fields that are used, and no others");
    let mut inner = fields_of::<StreamOptions>();
    inner.extend(fields_of::<StructuredOutputs>());
    assert_eq!(used(true), inner);
}

#[test]
fn every_documented_field_is_used_refused_or_harmless() {
    check::<ChatRequest>();
    check::<CompletionRequest>();
}

#[test]
fn each_harmless_field_says_why() {
    for (name, treatment) in GENERATION.iter().chain(CHAT).chain(COMPLETIONS).chain(FOREIGN) {
        if let Harmless(why) = treatment {
            assert!(why.split_whitespace().count() > 3, "{name}: {why}");
        }
    }
}
