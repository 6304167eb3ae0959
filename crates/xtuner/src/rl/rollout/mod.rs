//! Generation of answers with the weights that are being trained.
//!
//! [`ServedRollout`] asks an `lmdeploy` server, which is given the weights as a folder before each round.
//! [`LocalRollout`] generates in this process: for tests, tiny models, and runs that must repeat bit for bit.

mod config;
mod engine;
mod local;
mod sequences;
mod served;

pub use config::RolloutConfig;
pub use engine::{Finish, Rollout, RolloutAnswer, RolloutRequest};
pub use local::LocalRollout;
pub use served::ServedRollout;
