//! Prompts: from a dataset row to the exact text or messages that a model sees.
//!
//! A [`Template`] and the fields of a row give a [`PromptList`], which consists of texts, turns and section
//! marks. The model's [`MetaTemplate`], or its absence, turns that list into one text or into messages.
//! Everything follows `icl_prompt_template.py`, `utils/prompt.py` and the two template parsers of OpenCompass
//! 0.5.4, because published scores depend on every byte.

mod list;
mod messages;
mod meta;
mod python;
mod render;
mod template;

pub use list::{Part, PromptList, Section, Turn};
pub use messages::{RawMessage, RawRole, raw_examples, raw_messages, turns_of};
pub use meta::{MetaPart, MetaRole, MetaTemplate};
pub use python::{format_fields, python_str};
pub use render::{Purpose, RoleMessage, render_messages, render_text};
pub use template::{LabelTemplate, PromptConfig, Rounds, ShotConfig, Template, TextOrTurn};
