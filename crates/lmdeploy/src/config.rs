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
/// let config: DeployConfig = internlm_kit::config::parse(text, "4-deploy.toml")?;
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
    /// Which executor. Absent: `turbomind` on the CPU, `burn` on other devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// `cpu`, `cuda:N` or `vulkan:N`. Default `cpu`.
    #[serde(default = "cpu")]
    pub device: String,
}

impl ModelTable {
    /// A model at `path`, everything else by default.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), name: None, backend: None, device: cpu() }
    }

    /// The executor that was asked for, or the one that suits the device.
    #[must_use]
    pub fn chosen_backend(&self) -> Backend {
        let suits = if self.device == CPU { Backend::Turbomind } else { Backend::Burn };
        let built = if cfg!(feature = "turbomind") { suits } else { Backend::Burn };
        self.backend.unwrap_or(built)
    }

    /// The name requests use.
    #[must_use]
    pub fn served_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.path.display().to_string())
    }
}

/// Which executor runs the model.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The CPU core with its own kernels.
    Turbomind,
    /// The decoder on any Burn device.
    #[serde(alias = "pytorch")]
    Burn,
}

impl Backend {
    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Turbomind => "turbomind",
            Self::Burn => "burn",
        }
    }
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

/// Name of the device that `turbomind` runs on.
const CPU: &str = "cpu";

fn cpu() -> String {
    CPU.to_owned()
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

    /// What the chosen backend cannot do.
    fn backend_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let (device, engine) = (&self.model.device, &self.engine);
        let block_tokens = engine.cache_block_seq_len;
        match self.model.chosen_backend() {
            Backend::Turbomind => {
                if device != CPU {
                    problems.push(format!(
                        "model.backend: found turbomind on device {device}, expected device {CPU}, or backend burn"
                    ));
                }
                if !block_tokens.is_multiple_of(16) || block_tokens > 128 {
                    problems.push(format!(
                        "engine.cache-block-seq-len: found {block_tokens}, expected a multiple of 16 up to 128 for \
                         backend turbomind"
                    ));
                }
            }
            Backend::Burn => {
                let policy = u32::from(engine.quant_policy);
                if policy != 0 {
                    problems.push(format!(
                        "engine.quant-policy: found {policy}, expected 0 for backend burn, or backend turbomind"
                    ));
                }
                if let Some(threads) = engine.threads {
                    problems.push(format!(
                        "engine.threads: found {threads}, expected none for backend burn, which takes all cores"
                    ));
                }
            }
        }
        problems
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
        problems.extend(self.backend_problems());
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
