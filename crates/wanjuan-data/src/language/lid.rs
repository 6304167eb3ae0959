//! [`LidModel`]: language by a fastText model such as lid.176.ftz (176 languages, by Facebook AI Research).

use std::path::Path;

use super::{DetectedLanguage, LanguageId};
use crate::Result;
use crate::fasttext::FastText;

/// A fastText model whose labels are languages.
#[derive(Debug)]
pub struct LidModel {
    model: FastText,
}

impl LidModel {
    /// Reads a model in fastText's own format, `.bin` or `.ftz`.
    ///
    /// # Errors
    /// Those of [`FastText::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { model: FastText::open(path)? })
    }
}

impl LanguageId for LidModel {
    fn detect(&self, text: &str) -> DetectedLanguage {
        let prediction = self.model.predict(text).filter(|_| text.contains(|c: char| !c.is_whitespace()));
        prediction.map_or_else(
            || DetectedLanguage::undetermined(0.0),
            |best| DetectedLanguage { language: best.label.to_owned(), confidence: best.probability.into() },
        )
    }
}
