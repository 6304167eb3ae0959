//! Post-processors: what a model wrote -> what is compared, with the names and results of OpenCompass, quirks included.

mod agieval;
mod atlas;
mod bbh;
mod boxed;
mod capital;
mod chemistry;
mod chinese;
mod choice;
mod code;
mod fence;
mod first_line;
mod first_option;
mod fixed_option;
mod literal;
mod livecode;
mod math;
mod number;
mod option;
mod option_cues;
mod option_patterns;
mod option_steps;
mod pair;
mod pattern;
mod plain;
#[expect(clippy::module_inception, reason = "the file has the name of its type")]
mod post;
mod post_entry;
mod protein;
mod python;
mod quotient;
mod registry;
mod smolinstruct;
mod tag;
mod text;
mod theorem_qa;
mod yes_no;

pub(crate) use math::normalize_final_answer;
pub use post::Post;
pub use post_entry::PostEntry;
pub(crate) use registry::entry;
pub use registry::post_processors;
pub use text::general;
