//! [`DeployConfig`]: the TOML of the deploy stage: model, engine, server, sampling defaults, load test.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use internlm_model::sampling::SamplingConfig;
use serde::{Deserialize, Serialize};

use crate::engine::ExecutorConfig;

/// The whole file; every table but `[model]` may be left out.
///
/// ```
/// use lmdeploy::config::DeployConfig;
/// let text = "[model]\npath = \"runs/tiny/finetune/hf\"\n[engine]\nmax-batch-size = 4";
/// let config: DeployConfig = internlm_kit::config::parse(text, "4-deploy.toml", &[])?;
/// assert_eq!((config.engine.max_batch_size, config.server.port), (4, 23333));
/// # Ok::<(), internlm_kit::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeployConfig {
    /// What is served.
    pub model: ModelTable,
    /// Limits of the engine.
    #[serde(default)]
    pub engine: ExecutorConfig,
    /// Queue of the engine.
    #[serde(default)]
    pub queue: QueueTable,
    /// Where the server listens.
    #[serde(default)]
    pub server: ServerTable,
    /// What a request that says nothing gets; absent: the model's `generation_config.json`, then upstream's
    /// temperature 0.8 and top-k 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<SamplingConfig>,
    /// The load test of `lmdeploy bench serving`.
    #[serde(default)]
    pub bench: BenchTable,
}

/// What is served, and by what.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelTable {
    /// A Hugging Face folder or a GGUF file.
    pub path: PathBuf,
    /// The name requests use. Default: the path as written, as upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which executor. Default `burn`.
    #[serde(default)]
    pub backend: Backend,
    /// `cpu`, `cuda:N` or `vulkan:N`. Default `cpu`.
    #[serde(default = "cpu")]
    pub device: String,
}

impl ModelTable {
    /// A model at `path`, everything else by default.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), name: None, backend: Backend::default(), device: cpu() }
    }

    /// The name requests use.
    #[must_use]
    pub fn served_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.path.display().to_string())
    }
}

/// Which executor runs the model.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The decoder on any Burn device.
    #[default]
    #[serde(alias = "pytorch")]
    Burn,
}

/// Queue of the engine.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct QueueTable {
    /// Most requests that wait; beyond it 429. Absent: four times `max-batch-size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_queue: Option<usize>,
    /// Seconds of waiting that are worth one level of priority. Default 5.
    pub aging: f64,
    /// Seed of the seeds of requests that bring none. Default 0.
    pub seed: u64,
}

impl Default for QueueTable {
    fn default() -> Self {
        Self { max_queue: None, aging: 5.0, seed: 0 }
    }
}

/// Where the server listens.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ServerTable {
    /// Host name or address. Default 0.0.0.0, as upstream.
    pub host: String,
    /// Port; 0 takes a free one. Default 23333, as upstream.
    pub port: u16,
    /// Seconds that requests under way may take once the server is told to stop. Default 30.
    pub drain_timeout: f64,
}

impl Default for ServerTable {
    fn default() -> Self {
        Self { host: "0.0.0.0".to_owned(), port: 23333, drain_timeout: 30.0 }
    }
}

/// The load test.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct BenchTable {
    /// Requests in all. Default 32.
    pub requests: usize,
    /// Requests under way at a time. Default 8.
    pub concurrency: usize,
    /// Fewest and most words of a prompt. Default 8 to 32.
    pub input_words: [usize; 2],
    /// Tokens of each answer. Default 64.
    pub output_tokens: u32,
    /// Requests started per second; absent: as fast as `concurrency` allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Seed of the prompts. Default 0.
    pub seed: u64,
}

impl Default for BenchTable {
    fn default() -> Self {
        Self { requests: 32, concurrency: 8, input_words: [8, 32], output_tokens: 64, rate: None, seed: 0 }
    }
}

fn cpu() -> String {
    "cpu".to_owned()
}

impl DeployConfig {
    /// A model at `path`, everything else by default.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            model: ModelTable::new(path),
            engine: ExecutorConfig::default(),
            queue: QueueTable::default(),
            server: ServerTable::default(),
            sampling: None,
            bench: BenchTable::default(),
        }
    }
}

impl Validate for DeployConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut table = |name: &str, found: Vec<String>| {
            problems.extend(found.into_iter().map(|problem| format!("{name}.{problem}")));
        };
        table("engine", self.engine.problems());
        table("sampling", self.sampling.as_ref().map(SamplingConfig::problems).unwrap_or_default());
        table("bench", self.bench.problems());
        for (key, found) in
            [("queue.aging", self.queue.aging), ("server.drain-timeout", self.server.drain_timeout)]
        {
            if !(found >= 0.0 && found.is_finite()) {
                problems.push(format!("{key}: found {found}, expected a number of seconds"));
            }
        }
        problems
    }
}

impl Validate for BenchTable {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, found) in [
            ("requests", self.requests),
            ("concurrency", self.concurrency),
            ("input-words", self.input_words[0]),
            ("output-tokens", self.output_tokens as usize),
        ] {
            if found == 0 {
                problems.push(format!("{key}: found 0, expected at least 1"));
            }
        }
        let [fewest, most] = self.input_words;
        if fewest > most {
            problems
                .push(format!("input-words: found [{fewest}, {most}], expected the smaller number first"));
        }
        if self.rate.is_some_and(|rate| !(rate > 0.0 && rate.is_finite())) {
            problems.push("rate: expected a number above 0".to_owned());
        }
        problems
    }
}
