//! Chat templates in jinja, as transformers' `apply_chat_template` renders them.
//!
//! minijinja is the engine. What it does otherwise than Jinja2 is made equal in three places: the source is rewritten
//! before it is read (`source`, `operators`), filters and methods are Python's (`filters`, `methods`, `text_methods`,
//! `strftime`), and values are printed as Python prints them (`environment`).
//!
//! Some templates that Python stops at are rendered: a loop over none is empty, so that `for tool in tools` works
//! without tools, and values of different types can be compared.

mod arguments;
mod blocks;
mod continuation;
mod environment;
mod filters;
mod methods;
mod operators;
mod reasoning;
mod source;
mod strftime;
mod template;
mod text_methods;

pub use template::JinjaTemplate;
pub(super) use template::unused;
