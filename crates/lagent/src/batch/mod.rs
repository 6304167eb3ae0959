//! A file of questions: asks each one, judges the answers and records everything. An interrupted batch
//! resumes.
//!
//! This is what `lagent run` does. opencompass evaluates models and publishes tables; a batch shows what one
//! agent does with its tools, so it also keeps transcripts. Both judge numbers with [`internlm_model::answer`].

mod journal;
mod question;
mod run_batch;
mod summary;

pub use journal::Start;
pub use question::{Question, read_questions};
pub use run_batch::Batch;
pub use summary::{Prediction, Summary};
