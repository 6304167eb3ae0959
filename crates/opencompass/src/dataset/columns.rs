//! The columns of a row before the reader's rules are applied.

use serde_json::{Map, Value};

/// The columns of one row, in the order of the file.
pub(super) type Columns = Map<String, Value>;
