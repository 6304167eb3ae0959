//! Aggregators: they turn what an agent remembers into the messages of a model request (lagent's
//! `lagent/agents/aggregator`).

mod default_aggregator;
mod few_shot;
mod frame;
mod internlm_aggregator;

pub use default_aggregator::DefaultAggregator;
pub use few_shot::{Shot, ShotRole};
pub use frame::Frame;
pub use internlm_aggregator::InternLmAggregator;
