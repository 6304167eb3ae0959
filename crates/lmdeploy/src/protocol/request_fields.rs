//! Every documented field of the two request bodies and what this server does with it: OpenAI's API (2026), and the
//! extensions of LMDeploy, vLLM and llama.cpp. A field that is in no table is passed.

use super::{ChatRequest, CompletionRequest};

use Treatment::{Harmless, Refused, Used};

/// What happens to a field of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Treatment {
    /// The request type has it.
    Used,
    /// Refused by name, unless its value, written as JSON, is one of these, which ask for nothing. Null never asks for
    /// anything.
    Refused(&'static [&'static str]),
    /// Passed whatever its value is, because it does not change the answer; the reason, for readers of the table.
    Harmless(&'static str),
}

/// A field's name and what happens to it. A dot leads to a field inside of an object.
pub(crate) type Row = (&'static str, Treatment);

/// A request body whose fields are known.
pub(crate) trait RequestFields {
    /// The fields that several bodies have and treat in the same way. Default: those of chats and completions.
    const SHARED: &'static [Row] = GENERATION;
    /// The fields that the other bodies do not have, or treat in another way.
    const OWN: &'static [Row];

    /// Sets the time limit in seconds of a request that does not set one itself. Default: the body has no such field.
    fn set_timeout(&mut self, _seconds: f64) {}
}

impl RequestFields for ChatRequest {
    const OWN: &'static [Row] = CHAT;

    fn set_timeout(&mut self, seconds: f64) {
        self.timeout.get_or_insert(seconds);
    }
}

impl RequestFields for CompletionRequest {
    const OWN: &'static [Row] = COMPLETIONS;

    fn set_timeout(&mut self, seconds: f64) {
        self.timeout.get_or_insert(seconds);
    }
}

/// All rows of a request body.
pub(crate) fn rows<T: RequestFields>() -> impl Iterator<Item = &'static Row> {
    T::SHARED.iter().chain(T::OWN)
}

/// Every value but null asks for something.
const NEVER: Treatment = Refused(&[]);
const FALSE: Treatment = Refused(&["false"]);
const TRUE: Treatment = Refused(&["true"]);
const ZERO: Treatment = Refused(&["0"]);
const ONE: Treatment = Refused(&["1"]);
const EMPTY_LIST: Treatment = Refused(&["[]"]);
const EMPTY_OBJECT: Treatment = Refused(&["{}"]);
const EMPTY_TEXT: Treatment = Refused(&["\"\""]);

const NOT_STORED: Treatment = Harmless("nothing is stored or billed, and every request is served alike");
const CACHE_HINT: Treatment =
    Harmless("a hint for the cache, which makes an answer faster and not different");
const ONE_BACKEND: Treatment = Harmless("there is one implementation of guided decoding and no fallback");
const OTHERS_NAME: Treatment = Harmless("a name for the client's own records");
const WITHOUT_EFFECT: Treatment = Harmless("only has an effect together with a field that is refused");

const GENERATION: &[Row] = &[
    // OpenAI, both routes.
    ("model", Used),
    ("logprobs", Used),
    ("max_completion_tokens", Used),
    ("max_tokens", Used),
    ("n", Used),
    ("seed", Used),
    ("stop", Used),
    ("stream", Used),
    ("stream_options", Used),
    ("stream_options.include_usage", Used),
    ("stream_options.include_obfuscation", Harmless("padding against listeners, which nobody reads")),
    ("stream_options.continuous_usage_stats", FALSE),
    ("temperature", Used),
    ("top_p", Used),
    ("best_of", Used),
    ("frequency_penalty", Used),
    ("logit_bias", Used),
    ("presence_penalty", Used),
    ("user", Used),
    // OpenAI, chats; completions would change their answers as well.
    ("audio", NEVER),
    ("function_call", Refused(&["\"auto\"", "\"none\""])),
    ("functions", EMPTY_LIST),
    ("modalities", Refused(&["[\"text\"]"])),
    ("moderation", NEVER),
    ("response_format", Used),
    ("verbosity", Refused(&["\"medium\""])),
    ("web_search_options", NEVER),
    ("metadata", Used),
    ("prediction", Harmless("a guess of the answer that makes it faster, not different")),
    ("prompt_cache_key", CACHE_HINT),
    ("prompt_cache_options", CACHE_HINT),
    ("prompt_cache_retention", CACHE_HINT),
    ("safety_identifier", OTHERS_NAME),
    ("service_tier", NOT_STORED),
    ("store", NOT_STORED),
    // LMDeploy.
    ("ignore_eos", Used),
    ("min_p", Used),
    ("repetition_penalty", Used),
    ("skip_special_tokens", Used),
    ("top_k", Used),
    ("bad_words", Used),
    ("include_stop_str_in_output", Used),
    ("min_new_tokens", Used),
    ("repetition_ngram_size", Used),
    ("repetition_ngram_threshold", Used),
    ("return_logprob", Used),
    ("return_token_ids", Used),
    ("session_id", Used),
    ("spaces_between_special_tokens", Used),
    ("adapter_name", EMPTY_TEXT),
    ("do_preprocess", TRUE),
    ("logits_processors", EMPTY_LIST),
    ("media_io_kwargs", EMPTY_OBJECT),
    ("migration_request", NEVER),
    ("mm_processor_kwargs", EMPTY_OBJECT),
    ("preserve_cache", FALSE),
    ("return_routed_experts", FALSE),
    ("with_cache", FALSE),
    // vLLM.
    ("priority", Used),
    ("stop_token_ids", Used),
    ("cache_salt", Used),
    ("guided_choice", Used),
    ("guided_grammar", Used),
    ("guided_json", Used),
    ("guided_regex", Used),
    ("min_tokens", Used),
    ("structural_tag", Used),
    ("structured_outputs", Used),
    ("structured_outputs.choice", Used),
    ("structured_outputs.grammar", Used),
    ("structured_outputs.json", Used),
    ("structured_outputs.json_object", Used),
    ("structured_outputs.regex", Used),
    ("structured_outputs.structural_tag", Used),
    ("structured_outputs.disable_additional_properties", FALSE),
    ("structured_outputs.disable_any_whitespace", FALSE),
    ("structured_outputs.disable_fallback", ONE_BACKEND),
    ("structured_outputs.whitespace_pattern", NEVER),
    ("allowed_token_ids", NEVER),
    ("chat_template", NEVER),
    ("documents", EMPTY_LIST),
    ("ec_transfer_params", NEVER),
    ("guided_whitespace_pattern", NEVER),
    ("include_reasoning", TRUE),
    ("kv_transfer_params", NEVER),
    ("length_penalty", ONE),
    ("logprob_token_ids", NEVER),
    ("prompt_embeds", NEVER),
    ("prompt_logprobs", NEVER),
    ("repetition_detection", NEVER),
    ("return_prompt_text", FALSE),
    ("return_tokens_as_token_ids", FALSE),
    ("thinking_token_budget", Refused(&["-1"])),
    ("truncate_prompt_tokens", NEVER),
    ("use_beam_search", FALSE),
    ("vllm_xargs", EMPTY_OBJECT),
    ("watermarking", FALSE),
    ("guided_decoding_backend", ONE_BACKEND),
    ("request_id", OTHERS_NAME),
    ("return_mm_kwargs", Harmless("a field of other routes")),
    ("return_token_offsets", Harmless("a field of other routes")),
    ("routed_experts_prompt_start", WITHOUT_EFFECT),
    ("stream_interval", Harmless("the chunks of a stream join to the same answer")),
    ("truncation_side", WITHOUT_EFFECT),
    // llama.cpp.
    ("grammar", Used),
    ("json_schema", Used),
    ("dry_multiplier", ZERO),
    ("dynatemp_range", ZERO),
    ("lora", EMPTY_LIST),
    ("min_keep", ZERO),
    ("mirostat", ZERO),
    ("n_indent", ZERO),
    ("n_predict", Refused(&["-1"])),
    ("n_probs", ZERO),
    ("reasoning_format", Refused(&["\"none\"", "\"auto\""])),
    ("repeat_penalty", ONE),
    ("response_fields", EMPTY_LIST),
    ("return_progress", FALSE),
    ("return_tokens", FALSE),
    ("samplers", NEVER),
    ("t_max_predict_ms", Refused(&["0", "-1"])),
    ("thinking_forced_open", FALSE),
    ("timings_per_token", FALSE),
    ("top_n_sigma", Refused(&["-1"])),
    ("typical_p", ONE),
    ("xtc_probability", ZERO),
    ("cache_prompt", CACHE_HINT),
    ("id_slot", CACHE_HINT),
    ("dry_allowed_length", WITHOUT_EFFECT),
    ("dry_base", WITHOUT_EFFECT),
    ("dry_penalty_last_n", WITHOUT_EFFECT),
    ("dry_sequence_breakers", WITHOUT_EFFECT),
    ("dynatemp_exponent", WITHOUT_EFFECT),
    ("mirostat_eta", WITHOUT_EFFECT),
    ("mirostat_tau", WITHOUT_EFFECT),
    ("post_sampling_probs", WITHOUT_EFFECT),
    ("repeat_last_n", WITHOUT_EFFECT),
    ("xtc_threshold", WITHOUT_EFFECT),
    // This server's own.
    ("timeout", Used),
];

const CHAT: &[Row] = &[
    ("messages", Used),
    ("tool_choice", Used),
    ("tools", Used),
    ("parallel_tool_calls", Used),
    ("reasoning_effort", Used),
    ("top_logprobs", Used),
    ("input_ids", Used),
    ("chat_template_kwargs", Used),
    ("enable_thinking", Used),
    ("add_generation_prompt", Used),
    ("continue_final_message", Used),
    ("add_special_tokens", FALSE),
    ("echo", FALSE),
    ("prompt", NEVER),
    ("suffix", EMPTY_TEXT),
];

const COMPLETIONS: &[Row] = &[
    ("echo", Used),
    ("prompt", Used),
    ("suffix", Used),
    ("chat_template_kwargs", EMPTY_OBJECT),
    ("enable_thinking", NEVER),
    ("add_generation_prompt", TRUE),
    ("add_special_tokens", TRUE),
    ("continue_final_message", FALSE),
    ("input_ids", EMPTY_LIST),
    ("messages", EMPTY_LIST),
    ("parallel_tool_calls", TRUE),
    ("reasoning_effort", NEVER),
    ("tool_choice", Refused(&["\"auto\"", "\"none\""])),
    ("tools", EMPTY_LIST),
    ("top_logprobs", ZERO),
];

#[cfg(test)]
mod tests;
