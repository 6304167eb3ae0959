//! [`Cache`]: the grammars that were compiled last.

use std::collections::VecDeque;

use super::{Grammar, GrammarSource};

/// Maximum number of grammars that are kept.
const MAX_GRAMMARS: usize = 64;

/// Grammars by source, the one used last at the end. Sources are compared as a whole.
#[derive(Default)]
pub(super) struct Cache {
    grammars: VecDeque<Grammar>,
}

impl Cache {
    pub(super) fn find(&mut self, source: &GrammarSource) -> Option<Grammar> {
        let place = self.grammars.iter().position(|grammar| grammar.source() == source)?;
        let grammar = self.grammars.remove(place)?;
        self.grammars.push_back(grammar.clone());
        Some(grammar)
    }

    pub(super) fn insert(&mut self, grammar: Grammar) {
        if self.grammars.len() >= MAX_GRAMMARS {
            self.grammars.pop_front();
        }
        self.grammars.push_back(grammar);
    }
}
