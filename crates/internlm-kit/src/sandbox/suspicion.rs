//! [`Suspicion`]: telling a process that hides its open files from one that could not be looked into for a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Samples in a row in which one process may be hidden: one that is ending, or just being replaced by another program,
/// cannot be looked into either.
const IN_A_ROW: u32 = 2;
/// Samples in a row in which anything may be hidden: processes that hide may take turns.
const TURNS: u32 = 40;

/// Whether every folder and the open files of every process could be looked at.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Sight {
    #[default]
    Clear,
    /// The system refuses it for at least one of them.
    Blind,
}

/// What was hidden in the samples of a run.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    /// Samples in a row in which each was hidden.
    hidden: BTreeMap<PathBuf, u32>,
    in_a_row: u32,
    sight: Sight,
    /// What something that hides on purpose made of it.
    lasting: Sight,
}

impl Suspicion {
    /// Adds what one sample could not look into, and says whether something hides on purpose.
    pub(super) fn add(&mut self, hidden: BTreeSet<PathBuf>) -> bool {
        if hidden.is_empty() {
            self.in_a_row = 0;
        } else {
            self.in_a_row += 1;
            self.sight = Sight::Blind;
        }
        let longer = |path: PathBuf| {
            let before = self.hidden.get(&path).copied().unwrap_or_default();
            (path, before + 1)
        };
        self.hidden = hidden.into_iter().map(longer).collect();
        let hides = self.in_a_row > TURNS || self.hidden.values().any(|samples| *samples > IN_A_ROW);
        if hides {
            self.lasting = Sight::Blind;
        }
        hides
    }

    /// Whether every sample saw everything.
    pub(super) fn sight(&self) -> Sight {
        self.sight
    }

    /// Whether everything was seen but for moments.
    pub(super) fn lasting_sight(&self) -> Sight {
        self.lasting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(paths: &[String]) -> BTreeSet<PathBuf> {
        paths.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn one_that_stays_hidden_is_found_and_many_that_end_are_not() {
        let mut suspicion = Suspicion::default();
        assert!(!suspicion.add(BTreeSet::new()));
        assert_eq!(suspicion.sight(), Sight::Clear);
        let honest = (0..TURNS).any(|process| suspicion.add(hidden(&[process.to_string()])));
        assert!(!honest && suspicion.lasting_sight() == Sight::Clear);
        assert_eq!(suspicion.sight(), Sight::Blind);
        assert!(suspicion.add(hidden(&["x".to_owned()])), "they take turns");
        assert!(!suspicion.add(BTreeSet::new()));
        let stays = [(); 3].map(|()| suspicion.add(hidden(&["a".to_owned()])));
        assert_eq!(stays, [false, false, true]);
        assert_eq!(suspicion.lasting_sight(), Sight::Blind);
    }
}
