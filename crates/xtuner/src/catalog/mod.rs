//! Ready configurations: one for each of XTuner's configurations of the InternLM family, by its name.
//!
//! Names are composed of tables (`tables/*.toml`): a base model, a method of tuning, a training set and an objective
//! each give a part of a config. [`crate::FinetuneConfig::load`] takes a name wherever it takes a file.
//!
//! ```
//! use xtuner::FinetuneConfig;
//! use xtuner::catalog::{commented, ready_configs};
//!
//! let config = FinetuneConfig::load("internlm2_chat_7b_qlora_oasst1_e3")?;
//! assert_eq!((config.optim.lr, config.schedule.epochs), (2e-4, 3.0));
//! let ready = ready_configs()?;
//! assert!(ready.iter().any(|ready| ready.name == "internlm2_chat_1_8b_dpo_full"));
//! assert!(commented(&config, "mine")?.contains("\n# Top learning rate."));
//! # Ok::<(), xtuner::Error>(())
//! ```

mod commented;
mod keys;
mod merge;
mod ready;
mod tables;
mod toml_value;

pub use commented::commented;
pub use ready::{ReadyConfig, ready_configs};
