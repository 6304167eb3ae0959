//! Post-processors: what a model wrote -> what is compared, with the names and results of OpenCompass, quirks included.

mod capital;
mod first_option;
mod fixed_option;
mod number;
mod option;
mod pattern;
mod plain;
#[expect(clippy::module_inception, reason = "the file has the name of its type")]
mod post;
mod reasoning;
mod registry;
mod text;

pub use post::Post;
pub(crate) use registry::entry;
pub use registry::{PostEntry, post_processors};
pub use text::general;
