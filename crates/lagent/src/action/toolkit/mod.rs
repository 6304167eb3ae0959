//! Toolkits: tools named `Toolkit.method` that share settings and state, as lagent's actions with several methods do.

mod method;
mod sessions;

pub(super) use method::{Call, Kit, Made, Method, dictionary, tools};
pub(super) use sessions::Sessions;
