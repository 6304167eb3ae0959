//! The list of the tools of this folder.

use super::ppt;
use crate::action::Entry;

/// The tools of this folder.
pub(in crate::action) const ENTRIES: &[Entry] =
    &[Entry { name: "PPT", group: "documents", needs: "", build: ppt::build }];
