//! From configs to rule sets.

use super::{
    AbnormalCharacters, BadWords, C4, C4Paragraphs, FineWeb, GopherQuality, GopherRepetition, Punctuation,
    RefinedWeb, RuleSet, Separators,
};
use crate::{Result, StageConfig};

impl StageConfig {
    /// The rule set of this stage, `None` for stages of other kinds.
    ///
    /// # Errors
    /// Word lists that cannot be read.
    pub fn build_rules(&self) -> Result<Option<Box<dyn RuleSet>>> {
        Ok(Some(match self.clone() {
            Self::GopherQuality(config) => Box::new(GopherQuality::new(config)),
            Self::GopherRepetition(config) => Box::new(GopherRepetition::new(config)),
            Self::C4(config) => Box::new(C4::new(config)),
            Self::C4Paragraphs(config) => Box::new(C4Paragraphs::new(config)),
            Self::C4BadWords(config) => Box::new(BadWords::load(config)?),
            Self::FineWeb(config) => Box::new(FineWeb::new(config)),
            Self::RefinedWeb(config) => Box::new(RefinedWeb::new(config)),
            Self::Separators(config) => Box::new(Separators::new(config)),
            Self::AbnormalCharacters(config) => Box::new(AbnormalCharacters::new(config)),
            Self::Punctuation(config) => Box::new(Punctuation::new(config)),
            _ => return Ok(None),
        }))
    }
}
