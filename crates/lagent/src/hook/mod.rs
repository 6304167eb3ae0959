//! Hooks: they see, change or refuse what goes into an agent and its tools, and what comes out.
//!
//! A driver calls the hooks at four places, in the order of their registration:
//!
//! | place | the hook sees | it may |
//! |---|---|---|
//! | before the agent | the messages of a question, before they become an event | change them, refuse the question |
//! | after the agent | the answer, after the run has finished | change what the caller reads |
//! | before an action | a call of a tool: name and arguments | change them, refuse the call |
//! | after an action | the result, before it becomes an event | change what the model reads |
//!
//! Hooks act outside of the state machine, so a replay of a transcript needs none of them: the recorded events
//! contain what the hooks made of the messages and results.

mod action_processor;
mod approval;
mod budget;
mod config;
mod hooks;
mod logger;
mod pending_action;
mod redaction;
mod trait_hook;

pub use action_processor::InternLmActionProcessor;
pub use approval::ApprovalHook;
pub use budget::{Budget, BudgetConfig};
pub use config::{HookConfig, InternLmActionConfig, LoggerConfig, RedactionConfig};
pub use hooks::{HookHandle, Hooks};
pub use logger::Logger;
pub use pending_action::{PendingAction, Refusal};
pub use redaction::Redaction;
pub use trait_hook::Hook;
