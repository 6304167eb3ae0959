//! Test instruments: the real engine and HTTP server on scripted replies instead of weights, in milliseconds.
//!
//! [`MockServer`] is what programs that talk to an OpenAI-compatible server are tested against: everything but the
//! weights is the production code (protocol, chat template, tokenizer, scheduler, sampler, event streams), so a
//! request that the server would refuse is refused here too, and the ids that would reach the weights can be read
//! back. [`MockModel`] says what it answers; [`MockExecutor`] is the same below the engine.
//!
//! | type | takes -> gives |
//! |---|---|
//! | [`MockModel`] | scripted replies, as text or ids -> executor, pipeline |
//! | [`MockServer`] | a mock model -> a URL on a free port, the prompts that the engine received |
//! | [`MockExecutor`], [`MockReply`] | batches -> logits of scripted ids; delays and faults |
//!
//! ```
//! use lmdeploy::testing::MockServer;
//!
//! let server = MockServer::start(["four", "I said: four"]);
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert!(server.prompts().is_empty(), "nobody has asked yet");
//! ```

mod executor;
mod log;
mod model;
mod naps;
mod reply;
mod server;

pub use executor::{MockExecutor, MockFault};
pub use log::MockLog;
pub use model::{MockModel, tokenizer};
pub use naps::MockNaps;
pub use reply::{MockReply, MockRequest};
pub use server::MockServer;
