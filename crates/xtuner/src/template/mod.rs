//! Chat templates: the model's own, or one of XTuner's by name, with masks of what the assistant says.

mod exchange;
mod ids;
mod jinja;
mod named;
mod row;
mod table;
#[allow(clippy::module_inception, reason = "the file is named like its type")]
mod template;

pub use named::{NamedTemplate, ToolTexts, TurnEnd};
pub use table::template_names;
pub use template::Template;
