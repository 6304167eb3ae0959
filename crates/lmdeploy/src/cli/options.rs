//! Options that several verbs share: which executor runs the model.

use clap::Args;

use crate::config::{Backend, DeployConfig};
use crate::engine::QuantPolicy;

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
    /// Store keys and values in this many bits: 0 for floats, 8 or 4 for integers (turbomind only) [default: 0]
    #[arg(long, value_name = "BITS")]
    quant_policy: Option<QuantPolicy>,
    /// Compute with this many threads (turbomind only) [default: the physical cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl BackendOptions {
    /// Writes what was given into `config`.
    pub(super) fn apply(&self, config: &mut DeployConfig) {
        give(&mut config.model.device, self.device.as_ref());
        give(&mut config.model.backend, self.backend.as_deref().map(backend).map(Some).as_ref());
        give(&mut config.engine.quant_policy, self.quant_policy.as_ref());
        give(&mut config.engine.threads, self.threads.map(Some).as_ref());
    }
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
