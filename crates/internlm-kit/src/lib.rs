//! Edge code shared by every binary of the workspace: TOML configs with `--set`, logging, progress,
//! exit codes and atomic files. No Burn, no async.
//!
//! With the feature `sandbox` it also runs untrusted code under limits; generated code runs there and
//! nowhere else in the workspace.
//!
//! ```
//! #[derive(serde::Deserialize, Debug)]
//! #[serde(rename_all = "kebab-case", deny_unknown_fields)]
//! struct ServeConfig { server_port: u16 }
//!
//! let config: ServeConfig =
//!     internlm_kit::config::parse("server-port = 80", "serve.toml", &["server-port=23333".into()])?;
//! assert_eq!(config.server_port, 23333);
//! # Ok::<(), internlm_kit::config::ConfigError>(())
//! ```

pub mod atomic;
pub mod config;
pub mod exit;
pub mod logging;
pub mod progress;
pub mod provenance;
pub mod rng;
#[cfg(feature = "sandbox")]
pub mod sandbox;
