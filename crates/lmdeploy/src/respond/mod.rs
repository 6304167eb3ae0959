//! From protocol requests to engine requests, and from the engine's outputs to protocol answers.
//!
//! Without I/O and without async: the server and [`Pipeline`](crate::Pipeline) share all of it.

mod chat;
mod completion;
mod echo;
mod fields;
mod model;
mod prompt;
mod refusal;
mod reply;
mod responder;

pub use chat::ChatAnswer;
pub use completion::CompletionAnswer;
pub use model::ServedModel;
#[cfg(feature = "server")]
pub(crate) use refusal::check_end;
pub use reply::ToolSyntax;
pub use responder::Responder;
