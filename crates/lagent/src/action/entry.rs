//! One line of the catalogue of built-in tools.

use std::sync::Arc;

use super::{Action, ToolSettings};
use crate::Result;

/// The function that creates the tools of one entry.
pub type Build = fn(&ToolSettings) -> Result<Vec<Arc<dyn Action>>>;

/// One built-in tool, or a toolkit whose tools are named `Toolkit.method`.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Name in agent files; the name of the tool, or of the toolkit in front of the point.
    pub name: &'static str,
    /// Heading under which the tool is listed, such as `image`.
    pub group: &'static str,
    /// Packages of Debian or services that the tool needs, in words; empty if it needs nothing.
    pub needs: &'static str,
    /// Creates the tools. It fails only when the sandbox level does not work; a missing program is reported by
    /// [`Action::readiness`].
    pub build: Build,
}
