//! [`LanguageId`]: what every method of language identification answers.

/// A method of language identification.
pub trait LanguageId: Send + Sync {
    /// The most probable language of a text; `und` when the text does not show it. Never fails.
    fn detect(&self, text: &str) -> DetectedLanguage;
}

/// The answer of a [`LanguageId`].
#[derive(Clone, Debug, PartialEq)]
pub struct DetectedLanguage {
    /// Two letters where the language has them; `und` when undetermined.
    pub language: String,
    /// 0 to 1, on the method's own scale: comparable only within one method.
    pub confidence: f64,
}

impl DetectedLanguage {
    /// `und`, with the confidence that was too low for an answer.
    #[must_use]
    pub fn undetermined(confidence: f64) -> Self {
        Self { language: "und".to_owned(), confidence }
    }
}
