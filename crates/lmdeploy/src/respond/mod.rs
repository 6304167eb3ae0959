//! From protocol requests to engine requests, and from the engine's outputs to protocol answers.
//!
//! Without I/O and without async: the server and [`Pipeline`](crate::Pipeline) share all of it.

mod chat;
mod completion;
mod fields;
mod model;
mod prompt;
mod refusal;
mod responder;

pub use chat::ChatAnswer;
pub use completion::CompletionAnswer;
pub use model::ServedModel;
pub use responder::Responder;

/// Checks that a request ended well; the error is what the server answers when it did not.
#[cfg(feature = "server")]
pub(crate) fn check_end(end: &crate::engine::End) -> crate::Result<()> {
    refusal::finish_reason(end).map(|_| ())
}
