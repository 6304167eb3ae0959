//! The conversations of the tiny recipe: arithmetic through the calculator plugin, exercises, small talk.
//!
//! Everything is drawn from counter-based random numbers: the same seed gives the same bytes. A fixed share of
//! all operand pairs, chosen by hash, is kept for the questions of evaluation and never trained on.

mod arithmetic;
mod calculator;
mod config;
mod dice;
mod exercise;
mod plain;
mod wording;
mod write;

pub use arithmetic::{Operator, Problem};
pub use calculator::calculator_tool;
pub use config::ConversationsConfig;
pub use dice::Dice;
pub use internlm_model::answer::Question;
pub use write::{GenerateReport, conversations, generate, prompts, questions, read_questions};
