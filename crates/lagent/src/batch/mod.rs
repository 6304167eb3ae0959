//! A file of questions: ask each, score the answers, keep everything; an interrupted run goes on.

mod journal;
mod question;
mod run_batch;
mod score;
mod summary;

pub use question::{Question, read_questions};
pub use run_batch::{Batch, Start, run_batch};
pub use score::{final_number, is_correct};
pub use summary::{Prediction, Summary};
