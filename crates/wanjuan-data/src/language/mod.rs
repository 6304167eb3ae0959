//! Which language a text is in: [`LanguageId`], behind it [`Whatlang`] and fastText's lid.176 ([`LidModel`]).
//!
//! Both give the same labels: ISO 639-1 where a language has two letters, else ISO 639-3 or 639-2, and `und`
//! when the text does not tell. Chinese is `zh` in either script. Of CLD2's labels (pycld2), `iw` is our `he`,
//! `jw` our `jv`, `zh-Hant` our `zh` and `un` our `und`.

mod lid;
mod whatlang;

pub use lid::LidModel;
pub use whatlang::Whatlang;

/// Tells languages apart.
pub trait LanguageId: Send + Sync {
    /// The language of a text. Never fails: what does not tell is `und`.
    fn detect(&self, text: &str) -> DetectedLanguage;
}

/// The answer of a [`LanguageId`].
#[derive(Clone, Debug, PartialEq)]
pub struct DetectedLanguage {
    /// Two letters as far as the language has them; `und` when undetermined.
    pub language: String,
    /// 0 to 1, on the scale of the method: compare it only with the same method's.
    pub confidence: f64,
}

impl DetectedLanguage {
    /// `und`, with the confidence that did not suffice.
    #[must_use]
    pub fn undetermined(confidence: f64) -> Self {
        Self { language: "und".to_owned(), confidence }
    }
}
