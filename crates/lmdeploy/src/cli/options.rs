//! Options that several verbs share: which executor runs the model.

use std::path::{Path, PathBuf};

use clap::Args;
use internlm_kit::config::{self, ConfigError, Validate};

use crate::config::{Backend, DeployConfig};
use crate::engine::{ComputeType, QuantPolicy};

/// Names of the backends on the command line; the last is upstream's name of `burn`.
const BACKENDS: [&str; 3] = ["turbomind", "burn", "pytorch"];

/// How the model is run. What is given here wins over a config file.
#[derive(Args, Debug)]
pub(super) struct BackendOptions {
    /// Run on this device: cpu, cuda:N or vulkan:N [default: cpu]
    #[arg(long)]
    device: Option<String>,
    /// Run the model with this executor; pytorch is another name of burn [default: turbomind on cpu, burn elsewhere]
    #[arg(long, value_parser = BACKENDS)]
    backend: Option<String>,
    /// Store keys and values in this many bits: 0 for floats, 8 or 4 for integers (not with burn on the CPU) [default: 0]
    #[arg(long, value_name = "BITS")]
    quant_policy: Option<QuantPolicy>,
    /// Compute in this number format: auto; with burn also float32, and on a GPU bfloat16 or float16 [default: auto]
    #[arg(long, value_name = "NAME")]
    dtype: Option<ComputeType>,
    /// Compute with this many threads (turbomind only) [default: the physical cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl BackendOptions {
    /// The settings of a config file with its overrides, or without one the defaults, changed by the model and the
    /// options that were given.
    pub(super) fn read(
        &self,
        file: Option<&Path>,
        set: &[String],
        model: Option<&PathBuf>,
    ) -> Result<DeployConfig, ConfigError> {
        let mut config = match file {
            Some(file) => config::load_with(file, set)?,
            None => DeployConfig::new(model.cloned().unwrap_or_default()),
        };
        give(&mut config.model.path, model);
        self.apply(&mut config);
        Ok(config)
    }

    /// Writes what was given into `config`.
    fn apply(&self, config: &mut DeployConfig) {
        give(&mut config.model.device, self.device.as_ref());
        give(&mut config.model.backend, self.backend.as_deref().map(backend).map(Some).as_ref());
        give(&mut config.engine.quant_policy, self.quant_policy.as_ref());
        give(&mut config.engine.dtype, self.dtype.as_ref());
        give(&mut config.engine.threads, self.threads.map(Some).as_ref());
    }
}

/// Refuses settings that contradict each other once the command line has changed those of `file`.
pub(super) fn checked(config: DeployConfig, file: Option<&Path>) -> Result<DeployConfig, ConfigError> {
    let problems = config.problems();
    let path = file.unwrap_or(Path::new("command line")).to_owned();
    if problems.is_empty() { Ok(config) } else { Err(ConfigError::Invalid { path, problems }) }
}

/// Replaces a setting by what was given on the command line.
pub(super) fn give<T: Clone>(setting: &mut T, given: Option<&T>) {
    if let Some(given) = given {
        *setting = given.clone();
    }
}

/// The backend of one of [`BACKENDS`].
fn backend(name: &str) -> Backend {
    if name == Backend::Turbomind.name() { Backend::Turbomind } else { Backend::Burn }
}
