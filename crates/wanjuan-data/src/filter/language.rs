//! The stage `language`: identifies the language and keeps the wanted ones.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::language::{LanguageId, LidModel, Whatlang};
use crate::{Document, Reason, Result, Stage, Verdict};

/// Settings of `language`; by default every language is kept.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct LanguageConfig {
    /// Two-letter codes; empty (default) keeps all.
    pub keep: Vec<String>,
    /// Confidence below which a document is dropped, 0 to 1. RefinedWeb and datatrove use 0.65 with
    /// fastText's score; whatlang's score has another scale. Default: 0.65 with `model`, else 0 (off).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_score: Option<f64>,
    /// A fastText model such as lid.176.ftz. Default: the built-in method of the crate whatlang.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
}

impl LanguageConfig {
    /// Every problem as `key: found X, expected Y`.
    pub(crate) fn problems(&self) -> Vec<String> {
        let wrong = self.min_score.filter(|score| !(0.0..=1.0).contains(score));
        wrong.map(|found| format!("min-score: found {found}, expected 0 to 1")).into_iter().collect()
    }
}

/// RefinedWeb's and datatrove's minimum of fastText's score.
const MIN_FASTTEXT_SCORE: f64 = 0.65;

/// Sets the language of documents and drops those in other languages.
pub struct Language {
    keep: Vec<String>,
    min_score: f64,
    identifier: Box<dyn LanguageId>,
}

impl Language {
    /// A stage with these settings; reads the model when `config` names one.
    ///
    /// # Errors
    /// A model that cannot be read.
    pub fn new(config: LanguageConfig) -> Result<Self> {
        let (identifier, limit): (Box<dyn LanguageId>, f64) = match &config.model {
            Some(path) => (Box::new(LidModel::open(path)?), MIN_FASTTEXT_SCORE),
            None => (Box::new(Whatlang), 0.0),
        };
        Ok(Self { keep: config.keep, min_score: config.min_score.unwrap_or(limit), identifier })
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Language").field("keep", &self.keep).field("min_score", &self.min_score).finish()
    }
}

impl Stage for Language {
    fn name(&self) -> &'static str {
        "language"
    }

    fn apply(&self, mut document: Document) -> Verdict {
        let detected = self.identifier.detect(&document.content);
        let score = (detected.confidence * 1e6).round() / 1e6;
        let wanted = self.keep.is_empty() || self.keep.contains(&detected.language);
        document.lang_score = Some(score);
        let reason = if !wanted {
            Some(Reason::new("language").with_detail(detected.language.clone()))
        } else if score < self.min_score {
            Some(Reason::below("language-score", score, self.min_score))
        } else {
            None
        };
        document.language = Some(detected.language);
        Verdict::from_reason(document, reason)
    }
}
