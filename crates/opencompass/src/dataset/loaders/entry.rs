//! [`LoaderEntry`]: a loader as the registry lists it.

use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// A rule that dataset files can name in `source.loader`.
#[derive(Clone, Copy, Debug)]
pub struct LoaderEntry {
    /// Name in dataset files.
    pub name: &'static str,
    /// Names of upstream's loader classes that it replaces; empty for a rule that is part of many.
    pub upstream: &'static [&'static str],
    /// Turns rows into rows. Arguments are checked even if there are no rows.
    pub(crate) load: fn(&Named, Vec<Columns>) -> Result<Vec<Columns>, String>,
}
