//! From protocol requests to engine requests, and from the engine's outputs to protocol answers.
//!
//! Without I/O and without async: the server and [`Pipeline`](crate::Pipeline) share all of it.

mod anthropic;
mod bounds;
mod chat;
mod completion;
mod completion_choice;
mod echo;
mod effort;
mod encode;
mod fields;
mod format;
mod generate;
mod guided;
mod model;
mod perplexity;
mod prompt;
mod raw_object;
mod refusal;
mod renamed;
mod reply;
mod responder;
mod responses;
mod rules;
mod start_chat;
mod start_completion;
mod whole_chat;

pub use anthropic::MessagesAnswer;
pub use chat::{AnswerOptions, ChatAnswer};
pub use completion::CompletionAnswer;
pub use generate::GenerateAnswer;
pub use model::ServedModel;
pub use perplexity::perplexity_of;
pub(crate) use refusal::check_end;
pub use responder::Responder;
pub use responses::{ResponseStore, ResponsesAnswer};
pub use whole_chat::whole_chat;
