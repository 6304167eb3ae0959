//! Tools that an agent can call: their definitions, their results, and the toolbox that holds them.

mod action_return;
mod arguments;
mod builtin;
mod calculator;
mod catalogue;
mod definition;
mod entry;
mod expression;
mod hmac;
mod local;
mod map;
mod office;
mod parameter;
mod python;
mod settings;
mod tool;
mod toolbox;
mod toolkit;
mod web;

pub use action_return::{ActionReturn, ActionState, ActionValid, ResultItem};
pub use builtin::{FinishAction, InvalidAction, NoAction};
pub use calculator::Calculator;
pub use catalogue::{available, build, entries};
pub use definition::{ToolInput, ToolSpec};
pub use entry::{Build, Entry};
pub use expression::{ExpressionError, Quantity, evaluate, number_text};
pub(crate) use local::{Failure, Files};
pub use python::{Answer, IPythonInteractive, IPythonInterpreter, PythonInterpreter};
pub use settings::{Service, ToolSettings};
pub use tool::{Action, CallContext, Readiness};
pub use toolbox::Toolbox;
pub use web::{IndexSummary, build_index};
