//! From protocol requests to engine requests, and from the engine's outputs to protocol answers.
//!
//! Without I/O and without async: the server and [`Pipeline`](crate::Pipeline) share all of it.

mod allowed_tools;
mod anthropic;
mod bounds;
mod chat;
mod chat_prompt;
mod completion;
mod completion_choice;
mod echo;
mod effort;
mod embeddings;
mod encode;
mod fields;
mod format;
mod generate;
mod generation_config;
mod guided;
mod model;
mod perplexity;
mod prompt;
mod prompt_cut;
mod raw_object;
mod refusal;
mod renamed;
mod reply;
mod responder;
mod responses;
mod rules;
mod score_ids;
mod shared_scores;
mod start_chat;
mod start_completion;
mod templates;
mod thinking;
mod token_names;
mod weights;
mod whole_chat;

pub use anthropic::MessagesAnswer;
pub use chat::{AnswerOptions, ChatAnswer};
pub use completion::CompletionAnswer;
pub use embeddings::{Embeddings, VectorScale};
pub use generate::GenerateAnswer;
pub use model::ServedModel;
pub use perplexity::perplexity_of;
pub(crate) use refusal::check_end;
pub use responder::Responder;
#[cfg(feature = "server")]
pub(crate) use responses::is_response_id;
pub use responses::{ResponseStore, ResponsesAnswer};
#[cfg(any(feature = "burn", feature = "turbomind"))]
pub(crate) use templates::TemplateChoice;
pub use whole_chat::whole_chat;
