//! Toolkits: tools named `Toolkit.method` that share settings and state, as lagent's actions with several methods do.

mod arguments;
mod method;
mod parameter;
mod sessions;

pub(super) use arguments::Arguments;
pub(super) use method::{Call, Kit, Made, Method, dictionary, tools};
pub(super) use parameter::{Kind, Parameter, optional, required};
pub(super) use sessions::Sessions;
