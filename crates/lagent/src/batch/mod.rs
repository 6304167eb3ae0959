//! A file of questions: asks each one, judges the answers and records everything. An interrupted batch
//! resumes, in the middle of a question if need be.
//!
//! This is what `lagent run` does. It is separate from opencompass, which asks for one reply per item, because a
//! batch runs a whole agent per question, with its tools, approvals and limits over several turns, and keeps the
//! transcript. Both judge numbers with [`internlm_model::answer`].

mod asking;
mod consent;
mod journal;
mod question;
mod run_batch;
mod summary;

pub use consent::{Consent, Nobody};
pub use internlm_model::answer::Question;
pub use journal::Start;
pub use question::read_questions;
pub use run_batch::Batch;
pub use summary::{Prediction, Summary};
