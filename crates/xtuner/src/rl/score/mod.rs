//! Rewards of answers: judges, reward models, user commands, and their weighted sum.

mod answered;
mod command;
mod config;
mod judge;
mod model;
mod scorer;

pub use answered::{Answered, Scored};
pub use config::RewardSourceConfig;
pub use judge::Judge;
pub use scorer::Scorer;
