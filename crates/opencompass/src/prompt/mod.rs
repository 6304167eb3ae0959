//! From a dataset row to the exact text or messages a model sees.
//!
//! A [`Template`] and the row's fields give a [`PromptList`]: texts, turns and section marks. The model's
//! [`MetaTemplate`] (or its absence) turns that list into one text or into messages. All of it follows
//! `icl_prompt_template.py`, `utils/prompt.py` and the two template parsers of OpenCompass 0.5.4.

mod list;
mod meta;
mod python;
mod render;
mod template;
mod version;

pub use list::{Part, PromptList, Section, Turn};
pub use meta::{MetaPart, MetaRole, MetaTemplate};
pub use python::{format_fields, python_str};
pub use render::{RoleMessage, render_messages, render_text};
pub use template::{LabelTemplate, PromptConfig, Rounds, ShotConfig, Template, TextOrTurn};
pub use version::{list_version, version};

/// What a prompt is for: the model goes on from it, or scores it as a whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Printing stops where the model's own turn begins.
    Generate,
    /// Everything is printed, the meta template's `end` included.
    Score,
}
