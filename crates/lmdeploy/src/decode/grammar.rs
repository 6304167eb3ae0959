//! Guided decoding: which ids may follow, so that a text keeps a JSON schema, a regular expression or a grammar.
//!
//! ```text
//! GrammarSource --compile (once, cached)--> Grammar --start (per sequence)--> GrammarState: mask, id, mask, id, ..
//! ```
//!
//! The automata are llguidance's, over a prefix tree of the vocabulary. Whatever it does not support is refused with
//! the place in the schema, and never ignored. Ids that end the text are allowed only where the text may end.

mod cache;
mod closing;
mod compile;
mod disjoint;
mod error;
mod gbnf;
mod keywords;
mod locate;
mod schema;
mod source;
mod state;
mod vocabulary;

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use internlm_model::{TokenId, Tokenizer};
use llguidance::{Matcher, ParserFactory};

pub(crate) use compile::quoted;
pub use error::GrammarError;
pub(crate) use schema::compact;
pub use source::{GrammarRules, GrammarSource};
pub(crate) use state::GrammarState;

use cache::Cache;

/// Compiles grammars for one vocabulary. Cheap to clone, and to make: the prefix tree, which takes tenths of a second
/// for a large vocabulary, is built for the first grammar.
#[derive(Clone)]
pub struct GrammarFactory {
    inner: Arc<Shared>,
}

struct Shared {
    tokenizer: Tokenizer,
    eos: Vec<TokenId>,
    columns: usize,
    parsers: OnceLock<Result<ParserFactory, String>>,
    cache: Mutex<Cache>,
}

impl GrammarFactory {
    /// A factory for the ids of `tokenizer` below `columns`, the number of ids that the model can write. The ids of
    /// `eos` end a text.
    #[must_use]
    pub fn new(tokenizer: &Tokenizer, eos: &[TokenId], columns: usize) -> Self {
        let (tokenizer, eos) = (tokenizer.clone(), eos.to_vec());
        let cache = Mutex::new(Cache::default());
        Self { inner: Arc::new(Shared { tokenizer, eos, columns, parsers: OnceLock::new(), cache }) }
    }

    /// Compiles a grammar, or finds it among those compiled lately. Takes milliseconds, for large schemas some tenths
    /// of a second: not for the thread of the engine.
    ///
    /// # Errors
    /// Something in it is wrong or not supported, or it is too large.
    pub fn compile(&self, source: &GrammarSource) -> Result<Grammar, GrammarError> {
        if let Some(grammar) = self.cache().find(source) {
            return Ok(grammar);
        }
        let parsers = self
            .inner
            .parsers
            .get_or_init(|| vocabulary::parsers(&self.inner.tokenizer, &self.inner.eos, self.inner.columns));
        let parsers = parsers.as_ref().map_err(|message| GrammarError::new("", message))?;
        let matcher = compile::matcher(parsers, source)?;
        let compiled =
            Compiled { source: source.clone(), eos: self.inner.eos.clone(), matcher: matcher.into() };
        let grammar = Grammar { inner: Arc::new(compiled) };
        self.cache().insert(grammar.clone());
        Ok(grammar)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for GrammarFactory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GrammarFactory")
            .field("tokenizer", &self.inner.tokenizer)
            .finish_non_exhaustive()
    }
}

/// A compiled grammar. Cheap to clone; grammars of the same source are equal.
#[derive(Clone)]
pub struct Grammar {
    inner: Arc<Compiled>,
}

struct Compiled {
    source: GrammarSource,
    eos: Vec<TokenId>,
    /// At the start of the text.
    matcher: Mutex<Matcher>,
}

impl Grammar {
    /// The state before the first id of a text.
    #[must_use]
    pub(crate) fn start(&self) -> GrammarState {
        // A copy of its own: what one text makes the automata grow by ends with the text.
        let matcher = self.inner.matcher.lock().unwrap_or_else(PoisonError::into_inner).deep_clone();
        GrammarState::new(matcher, self.inner.eos.clone())
    }

    /// What it was compiled from.
    #[must_use]
    pub fn source(&self) -> &GrammarSource {
        &self.inner.source
    }
}

impl PartialEq for Grammar {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner) || self.source() == other.source()
    }
}

impl fmt::Debug for Grammar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Grammar").field(self.source()).finish()
    }
}

#[cfg(test)]
mod tests;
