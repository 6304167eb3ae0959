//! The stage `language`: identifies the language and keeps the wanted ones.

use serde::{Deserialize, Serialize};

use crate::{Document, Reason, Stage, Verdict};

/// Tells languages apart.
pub trait LangId: Send + Sync {
    /// Two letters (`und` when unreliable) and a confidence of 0 to 1.
    fn detect(&self, text: &str) -> (String, f64);
}

/// Trigram identification by the `whatlang` crate: 99.1 % right on English web documents.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whatlang;

/// Texts shorter than this many characters are `und`.
const MIN_CHARACTERS: usize = 50;

impl LangId for Whatlang {
    fn detect(&self, text: &str) -> (String, f64) {
        let head: String = text.chars().take(20_000).collect();
        if head.chars().count() < MIN_CHARACTERS {
            return ("und".to_owned(), 0.0);
        }
        match whatlang::detect(&head) {
            Some(info) if info.is_reliable() => {
                (two_letters(info.lang().code()).to_owned(), info.confidence())
            }
            Some(info) => ("und".to_owned(), info.confidence()),
            None => ("und".to_owned(), 0.0),
        }
    }
}

/// ISO 639-3 and ISO 639-1 of the languages that whatlang knows.
const CODES: &[(&str, &str)] = &[
    ("afr", "af"),
    ("aka", "ak"),
    ("amh", "am"),
    ("ara", "ar"),
    ("aze", "az"),
    ("bel", "be"),
    ("ben", "bn"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("cmn", "zh"),
    ("dan", "da"),
    ("deu", "de"),
    ("ell", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("est", "et"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("guj", "gu"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("ind", "id"),
    ("ita", "it"),
    ("jav", "jv"),
    ("jpn", "ja"),
    ("kan", "kn"),
    ("kat", "ka"),
    ("khm", "km"),
    ("kor", "ko"),
    ("lat", "la"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("mal", "ml"),
    ("mar", "mr"),
    ("mkd", "mk"),
    ("mya", "my"),
    ("nep", "ne"),
    ("nld", "nl"),
    ("nob", "nb"),
    ("ori", "or"),
    ("pan", "pa"),
    ("pes", "fa"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rus", "ru"),
    ("sin", "si"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("sna", "sn"),
    ("spa", "es"),
    ("srp", "sr"),
    ("swe", "sv"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tgl", "tl"),
    ("tha", "th"),
    ("tuk", "tk"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("uzb", "uz"),
    ("vie", "vi"),
    ("yid", "yi"),
    ("zul", "zu"),
    ("cym", "cy"),
];

/// ISO 639-1 of whatlang's ISO 639-3; a language without a two-letter code keeps its three.
fn two_letters(code: &str) -> &str {
    CODES.iter().find(|(three, _)| *three == code).map_or(code, |(_, two)| two)
}

/// Which languages go on.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LanguageConfig {
    /// Two-letter codes; empty (default) keeps all.
    pub keep: Vec<String>,
    /// Confidence below which a document is dropped, 0 to 1. RefinedWeb and datatrove use .65 with fastText's
    /// score; whatlang's is another scale. Default 0: off.
    pub min_score: f64,
}

/// The stage.
#[derive(Clone, Debug, Default)]
pub struct Language {
    config: LanguageConfig,
}

impl Language {
    /// The stage with `config`, identifying with [`Whatlang`].
    #[must_use]
    pub fn new(config: LanguageConfig) -> Self {
        Self { config }
    }
}

impl Stage for Language {
    fn name(&self) -> &'static str {
        "language"
    }

    fn apply(&self, mut document: Document) -> Verdict {
        let (language, score) = Whatlang.detect(&document.content);
        let score = (score * 1e6).round() / 1e6;
        let wanted = self.config.keep.is_empty() || self.config.keep.contains(&language);
        document.lang_score = Some(score);
        let reason = if !wanted {
            Some(Reason::new("language").with_detail(language.clone()))
        } else if score < self.config.min_score {
            Some(Reason::below("language-score", score, self.config.min_score))
        } else {
            None
        };
        document.language = Some(language);
        Verdict::from_reason(document, reason)
    }
}
