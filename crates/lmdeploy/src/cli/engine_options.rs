//! Options about the model and the engine of the server.

use std::path::PathBuf;

use clap::Args;

use super::options::give;
use crate::config::DeployConfig;
use crate::engine::CacheSize;

/// What is given here wins over a config file.
#[derive(Args, Debug)]
pub(super) struct EngineOptions {
    /// Limit prompt and answer together to this many tokens [default: the model's limit]
    #[arg(long, value_name = "TOKENS")]
    session_len: Option<usize>,
    /// Maximum number of sequences in one step [default: 128]
    #[arg(long, value_name = "N")]
    max_batch_size: Option<usize>,
    /// Maximum number of tokens in one step; longer prompts are cut into chunks [default: 512]
    #[arg(long, value_name = "TOKENS")]
    max_prefill_token_num: Option<usize>,
    /// KV cache size: auto, a share of the free memory, a number of blocks, or bytes like 512MiB [default: auto]
    #[arg(long, value_name = "SIZE")]
    cache_max_entry_count: Option<CacheSize>,
    /// Number of tokens per block of the KV cache [default: 16]
    #[arg(long, value_name = "TOKENS")]
    cache_block_seq_len: Option<usize>,
    /// Compute equal beginnings of prompts once; this is the default
    #[arg(long, conflicts_with = "disable_prefix_caching")]
    enable_prefix_caching: bool,
    /// Compute every prompt from its beginning
    #[arg(long)]
    disable_prefix_caching: bool,
    /// Record decoding steps on a GPU and launch each as a whole instead of kernel by kernel
    #[arg(long)]
    graphs: bool,
    /// Maximum number of queued requests; further requests get 429 [default: 4 x max-batch-size]
    #[arg(long, value_name = "N")]
    max_queue: Option<usize>,
    /// Cancel a request whose reader does not take its text for this many seconds [default: 30]
    #[arg(long, value_name = "SECONDS")]
    slow_client_timeout: Option<f64>,
    /// Base seed for requests that do not set one [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Use this chat template: a file, or a name such as chatml, llama3 or vicuna [default: the model's own]
    #[arg(long, value_name = "TEMPLATE")]
    chat_template: Option<PathBuf>,
    /// Find tool calls in this format: internlm, qwen, llama3, qwen3coder, glm47, kimi_k2, deepseek-v32, json, none or auto
    /// [default: auto]
    #[arg(long, value_name = "NAME")]
    tool_call_parser: Option<String>,
    /// Tell reasoning from answers in this format: think, deepseek-v3, none or auto [default: auto]
    #[arg(long, value_name = "NAME")]
    reasoning_parser: Option<String>,
    /// Sampling of requests that set none: auto (the model's generation_config.json), lmdeploy, or such a file [default: auto]
    #[arg(long, value_name = "SOURCE")]
    generation_config: Option<String>,
}

impl EngineOptions {
    /// Writes what was given into `config`.
    pub(super) fn apply(&self, config: &mut DeployConfig) {
        let (engine, queue, model) = (&mut config.engine, &mut config.queue, &mut config.model);
        give(&mut engine.session_len, self.session_len.map(Some).as_ref());
        give(&mut engine.max_batch_size, self.max_batch_size.as_ref());
        give(&mut engine.max_prefill_token_num, self.max_prefill_token_num.as_ref());
        give(&mut engine.cache_max_entry_count, self.cache_max_entry_count.as_ref());
        give(&mut engine.cache_block_seq_len, self.cache_block_seq_len.as_ref());
        if self.enable_prefix_caching || self.disable_prefix_caching {
            engine.enable_prefix_caching = self.enable_prefix_caching;
        }
        engine.graphs |= self.graphs;
        give(&mut queue.max_queue, self.max_queue.map(Some).as_ref());
        give(&mut queue.slow_client_timeout, self.slow_client_timeout.as_ref());
        give(&mut queue.seed, self.seed.as_ref());
        give(&mut model.chat_template, self.chat_template.clone().map(Some).as_ref());
        give(&mut model.tool_call_parser, self.tool_call_parser.clone().map(Some).as_ref());
        give(&mut model.reasoning_parser, self.reasoning_parser.clone().map(Some).as_ref());
        give(&mut model.generation_config, self.generation_config.clone().map(Some).as_ref());
    }
}
