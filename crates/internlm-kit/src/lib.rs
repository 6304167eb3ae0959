//! Building blocks for long-running command-line programs that must never lose what they have done.
//!
//! It is the foundation of the InternLM crates, and useful to any Rust program that reads TOML configs, writes result
//! files, can be killed and resumed, and runs code that it does not trust. No Burn, no async.
//!
//! | module | takes -> gives |
//! |---|---|
//! | [`config`] | TOML text, `--set a.b=c` -> a checked config; all problems at once |
//! | [`file`](mod@file) | path, bytes -> a file that is whole or not there; errors that name the path |
//! | [`journal`] | entries -> JSON lines that survive a kill at any byte |
//! | [`run_folder`], [`summary`], [`provenance`] | a run's config and numbers -> its folder, protected from other runs |
//! | [`hash`] | bytes, files -> sha256 |
//! | [`ngrams`] | texts -> an index of word n-grams, which finds them in other texts |
//! | [`rng`] | seed, purpose, counter -> random numbers without state |
//! | [`context`], [`stop`], [`reporter`] | what a library gets from its caller: a stop signal, a place for progress |
//! | [`exit`] | errors -> exit codes, one contract for all binaries |
//! | [`visible`](mod@visible) | text of others -> the same without commands to the terminal |
//! | `stdout`, `terminal`, `logging` | feature `cli`: output that a closed pipe ends quietly, progress bars, logs |
//! | `sandbox` | feature `sandbox`: a program, limits -> what it printed, on Linux |
//! | `testing` | feature `testing`: random data, damaged bytes, binaries as users run them, an HTTP server |
//!
//! ```
//! use internlm_kit::config::{self, Validate};
//!
//! #[derive(serde::Deserialize, Debug)]
//! #[serde(rename_all = "kebab-case", deny_unknown_fields)]
//! struct ServeConfig { server_port: u16 }
//!
//! impl Validate for ServeConfig {
//!     fn problems(&self) -> Vec<String> {
//!         let wrong = (self.server_port == 0).then(|| "server-port: found 0, expected at least 1".to_owned());
//!         wrong.into_iter().collect()
//!     }
//! }
//!
//! let config: ServeConfig = config::parse_with("server-port = 80", "serve.toml", &["server-port=23333"])?;
//! assert_eq!(config.server_port, 23333);
//!
//! let error = config::parse::<ServeConfig>("port = 80", "serve.toml");
//! assert!(error.expect_err("an unknown key").to_string().contains("line 1"));
//! # Ok::<(), internlm_kit::config::ConfigError>(())
//! ```

mod bad_input;
pub mod by_name;
pub mod config;
pub mod context;
pub mod exit;
pub mod file;
pub mod hash;
pub mod journal;
pub mod json;
#[cfg(feature = "cli")]
pub mod logging;
#[cfg(feature = "cli")]
pub mod memory;
pub mod ngrams;
pub mod problems;
pub mod provenance;
pub mod reporter;
pub mod rng;
pub mod run_folder;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "cli")]
pub mod stdout;
pub mod stop;
pub mod summary;
#[cfg(feature = "cli")]
pub mod terminal;
#[cfg(feature = "testing")]
pub mod testing;
pub mod visible;
