//! [`DeployConfig`]: the TOML of the deploy stage: model, engine, queue, server, sampling defaults, load test.

use std::path::{Path, PathBuf};
use std::time::Duration;

use internlm_kit::config::Validate;
use internlm_model::sampling::SamplingConfig;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::engine::{ComputeType, ExecutorConfig};

mod server;

pub use server::ServerConfig;

/// The whole file. Only `[model]` must be there; every other table has defaults.
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
#[non_exhaustive]
pub struct DeployConfig {
    /// Which model is served, and by what.
    pub model: ServedModelConfig,
    /// Sizes of batches, contexts and the cache.
    #[serde(default)]
    pub engine: ExecutorConfig,
    /// How many requests may wait, and in which order they run.
    #[serde(default)]
    pub queue: QueueConfig,
    /// Where the server listens, and how it stops.
    #[serde(default)]
    pub server: ServerConfig,
    /// Sampling of requests that set nothing. Absent: the model's `generation_config.json`, then upstream's
    /// temperature 0.8 and top-k 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<SamplingConfig>,
    /// The load of `lmdeploy bench serving`.
    #[serde(default)]
    pub bench: BenchConfig,
}

impl DeployConfig {
    /// The model at `path` with all defaults.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            model: ServedModelConfig::new(path),
            engine: ExecutorConfig::default(),
            queue: QueueConfig::default(),
            server: ServerConfig::default(),
            sampling: None,
            bench: BenchConfig::default(),
        }
    }

    /// Reads a TOML file and checks every value.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config), which lists all problems at once.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Ok(internlm_kit::config::load(path)?)
    }

    /// Sets the device: `cpu`, `cuda:N` or `vulkan:N`.
    #[must_use]
    pub fn with_device(mut self, device: impl Into<String>) -> Self {
        self.model.device = device.into();
        self
    }

    /// Sets the limits of the engine.
    #[must_use]
    pub fn with_engine(self, engine: ExecutorConfig) -> Self {
        Self { engine, ..self }
    }

    /// Sets the sampling of requests that set nothing.
    #[must_use]
    pub fn with_sampling(self, sampling: SamplingConfig) -> Self {
        Self { sampling: Some(sampling), ..self }
    }

    /// What the settings ask of the chosen backend that it cannot do.
    fn backend_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let (device, engine) = (&self.model.device, &self.engine);
        let block_tokens = engine.cache_block_seq_len;
        match self.model.chosen_backend() {
            Backend::Turbomind => {
                if engine.dtype != ComputeType::Auto {
                    let found = engine.dtype;
                    problems.push(format!(
                        "engine.dtype: found {found}, expected auto for backend turbomind, whose weights decide"
                    ));
                }
                if engine.graphs {
                    problems
                        .push("engine.graphs: found true, expected false for backend turbomind".to_owned());
                }
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
                if policy != 0 && device == CPU {
                    problems.push(format!(
                        "engine.quant-policy: found {policy}, expected 0 for backend burn on the CPU, or backend \
                         turbomind"
                    ));
                }
                if engine.dtype.is_half() && device == CPU {
                    let found = engine.dtype;
                    problems.push(format!(
                        "engine.dtype: found {found}, expected auto or float32 for backend burn on the CPU"
                    ));
                }
                if engine.graphs && device == CPU {
                    problems.push("engine.graphs: found true, expected false for the CPU".to_owned());
                }
                if let Some(threads) = engine.threads {
                    problems.push(format!(
                        "engine.threads: found {threads}, expected the key to be absent with backend burn, which \
                         takes all cores"
                    ));
                }
            }
        }
        problems
    }
}

/// Which model is served, and by what.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct ServedModelConfig {
    /// A Hugging Face folder or a GGUF file.
    pub path: PathBuf,
    /// The name that requests use. Default: the name of the folder or file (upstream: the path as written).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Further names that requests may use; answers have the first one. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Which executor runs the model. Absent: `turbomind` on the CPU, `burn` on other devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// `cpu`, `cuda:N` or `vulkan:N`. Default `cpu`.
    #[serde(default = "cpu")]
    pub device: String,
    /// The chat template: a file in jinja or of LMDeploy's JSON, one of LMDeploy's or llama.cpp's names such as `chatml`,
    /// or a template itself. Absent, or `hf`: the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template: Option<PathBuf>,
    /// How tool calls are found in answers: `internlm`, `qwen`, `llama3`, `qwen3coder`, `glm47`, `kimi_k2`,
    /// `deepseek-v32`, `json` or `none`. Absent, or `auto`: by template and vocabulary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_parser: Option<String>,
    /// How reasoning is told from answers: `think`, `deepseek-v3` or `none`. Absent, or `auto`: by template and
    /// vocabulary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_parser: Option<String>,
    /// Where the sampling of requests that set nothing comes from: `auto` reads the model's `generation_config.json`,
    /// `lmdeploy` takes upstream's defaults, anything else is the path of such a file. Absent: `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_config: Option<String>,
}

impl ServedModelConfig {
    /// The model at `path`, named like its folder or file, on the CPU.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            name: None,
            aliases: Vec::new(),
            backend: None,
            device: cpu(),
            chat_template: None,
            tool_call_parser: None,
            reasoning_parser: None,
            generation_config: None,
        }
    }

    /// The executor that was asked for, or the one that suits the device.
    #[must_use]
    pub fn chosen_backend(&self) -> Backend {
        let suits = if self.device == CPU { Backend::Turbomind } else { Backend::Burn };
        let built = if cfg!(feature = "turbomind") { suits } else { Backend::Burn };
        self.backend.unwrap_or(built)
    }

    /// The name of the settings, or that of the model's folder or file.
    #[must_use]
    pub fn served_name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        // A path such as `.` has a name once it is resolved.
        let named = self.path.file_name().is_some();
        let resolved = if named { None } else { self.path.canonicalize().ok() };
        let path = resolved.as_deref().unwrap_or(&self.path);
        path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// Which executor runs the model.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Backend {
    /// The CPU core with its own kernels; the only one with quantized weights and caches.
    Turbomind,
    /// The decoder of `internlm-model` on any Burn device; also called `pytorch`.
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

/// How many requests may wait, and in which order they run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct QueueConfig {
    /// Maximum number of queued requests; further requests are answered with 429. Absent: four times
    /// `max-batch-size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_queue: Option<usize>,
    /// Seconds of waiting after which a request gains one level of priority. Default 5.
    pub aging: f64,
    /// Base seed for requests that do not set one. Default 0.
    pub seed: u64,
    /// Seconds after which a request whose reader does not take its text is cancelled. Default 30.
    pub slow_client_timeout: f64,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self { max_queue: None, aging: 5.0, seed: 0, slow_client_timeout: 30.0 }
    }
}

/// The load of `lmdeploy bench serving`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BenchConfig {
    /// Number of requests. Default 32.
    pub requests: usize,
    /// Maximum number of requests that run at the same time. Default 8.
    pub concurrency: usize,
    /// Minimum and maximum number of words in a prompt. Default 8 and 32.
    pub input_words: [usize; 2],
    /// Number of tokens in each answer. Default 64.
    pub output_tokens: u32,
    /// Requests started per second. Absent: as fast as `concurrency` allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Seed of the prompts. Default 0.
    pub seed: u64,
}

impl Default for BenchConfig {
    fn default() -> Self {
        Self { requests: 32, concurrency: 8, input_words: [8, 32], output_tokens: 64, rate: None, seed: 0 }
    }
}

/// Name of the device that `turbomind` runs on.
const CPU: &str = "cpu";

fn cpu() -> String {
    CPU.to_owned()
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
        if self.model.name.as_deref() == Some("") {
            problems.push(
                "model.name: found ``, expected a name, or none for that of the folder or file".to_owned(),
            );
        }
        if self.model.aliases.iter().any(String::is_empty) {
            problems.push("model.aliases: found ``, expected names".to_owned());
        }
        for (key, found) in
            [("queue.aging", self.queue.aging), ("queue.slow-client-timeout", self.queue.slow_client_timeout)]
        {
            if Duration::try_from_secs_f64(found).is_err() {
                problems.push(format!("{key}: found {found}, expected a number of seconds"));
            }
        }
        problems.extend(self.server.problems().into_iter().map(|problem| format!("server.{problem}")));
        problems
    }
}

impl Validate for BenchConfig {
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
        let [min, max] = self.input_words;
        if min > max {
            problems.push(format!("input-words: found [{min}, {max}], expected the smaller number first"));
        }
        if let Some(rate) = self.rate
            && !(rate > 0.0 && rate.is_finite())
        {
            problems.push(format!("rate: found {rate}, expected a number above 0"));
        }
        problems
    }
}
