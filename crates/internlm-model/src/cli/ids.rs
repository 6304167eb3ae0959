//! Ids that files give to the verbs, checked before a model sees them.

use std::fmt::Display;

use crate::{Error, TokenId};

/// Checks that every id of a list is below `vocab`; `list` says where the list is.
pub(super) fn check(list: impl Display, ids: &[TokenId], vocab: usize) -> Result<(), Error> {
    match ids.iter().enumerate().find(|(_, id)| id.index() >= vocab) {
        Some((index, id)) => {
            let expected = format!("an id below the vocabulary's {vocab}");
            Err(Error::argument(format!("{list}: element {index}"), id, expected))
        }
        None => Ok(()),
    }
}
