//! Instructions about the language of an answer and its capital letters.
//!
//! Upstream asks the package langdetect, which draws random numbers. Here common words decide for English and Swahili,
//! and the crate whatlang for the other languages; answers without letters follow every language, as upstream.

use std::sync::LazyLock;

use whatlang::{Detector, Lang};

use super::arguments::Arguments;

/// ISO 639-1 codes of IFEval's languages that whatlang knows.
const LANGUAGES: [(&str, Lang); 29] = [
    ("en", Lang::Eng),
    ("es", Lang::Spa),
    ("pt", Lang::Por),
    ("ar", Lang::Ara),
    ("hi", Lang::Hin),
    ("fr", Lang::Fra),
    ("ru", Lang::Rus),
    ("de", Lang::Deu),
    ("ja", Lang::Jpn),
    ("it", Lang::Ita),
    ("bn", Lang::Ben),
    ("uk", Lang::Ukr),
    ("th", Lang::Tha),
    ("ur", Lang::Urd),
    ("ta", Lang::Tam),
    ("te", Lang::Tel),
    ("bg", Lang::Bul),
    ("ko", Lang::Kor),
    ("pl", Lang::Pol),
    ("he", Lang::Heb),
    ("fa", Lang::Pes),
    ("vi", Lang::Vie),
    ("ne", Lang::Nep),
    ("kn", Lang::Kan),
    ("mr", Lang::Mar),
    ("gu", Lang::Guj),
    ("pa", Lang::Pan),
    ("ml", Lang::Mal),
    ("fi", Lang::Fin),
];

/// Common words of English.
const ENGLISH: [&str; 40] = [
    "the", "of", "and", "to", "in", "is", "that", "it", "was", "for", "on", "are", "with", "as", "be",
    "this", "have", "from", "or", "had", "by", "not", "but", "what", "all", "were", "we", "when", "your",
    "can", "there", "you", "an", "which", "their", "they", "if", "will", "about", "would",
];
/// Common words of Swahili.
const SWAHILI: [&str; 24] = [
    "na", "ya", "wa", "kwa", "ni", "za", "katika", "la", "cha", "hii", "kuwa", "kama", "vya", "pia", "yake",
    "hiyo", "hivyo", "lakini", "au", "sana", "wetu", "kila", "watu", "huo",
];
/// Share of common words from which a text is of their language.
const COMMON: f64 = 0.2;

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::with_allowlist(LANGUAGES.iter().map(|(_, language)| *language).collect()));

/// The answer is in a language.
pub(super) fn is_in(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let code = arguments.text("language")?;
    let known = code == "sw" || LANGUAGES.iter().any(|(known, _)| *known == code);
    if !known {
        return Err(format!("kwargs.language: found `{code}`, expected one of IFEval's 30 codes"));
    }
    Ok(language(text).is_none_or(|found| found == code))
}

/// The answer is English without lower-case letters.
pub(super) fn is_english_upper(text: &str) -> bool {
    is_upper(text) && language(text).is_none_or(|found| found == "en")
}

/// The answer is English without capital letters.
pub(super) fn is_english_lower(text: &str) -> bool {
    let lower = text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase);
    lower && language(text).is_none_or(|found| found == "en")
}

/// Number of words in capital letters.
pub(super) fn capital_words(text: &str, arguments: Arguments<'_>) -> Result<bool, String> {
    let in_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '.' | '/' | '_');
    let found = text.split(|letter: char| !in_word(letter)).filter(|word| is_upper(word)).count();
    arguments.holds(found, "capital_frequency", "capital_relation")
}

/// Python's `isupper`: there are cased letters, and all of them are capital.
fn is_upper(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)
}

/// Returns the code of a text's language. `None` for a text without letters of any language.
fn language(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    for (code, common) in [("en", &ENGLISH[..]), ("sw", &SWAHILI[..])] {
        let found = words.iter().filter(|word| common.contains(word)).count();
        if found > 0 && found as f64 >= COMMON * words.len() as f64 {
            return Some(code);
        }
    }
    let found = DETECTOR.detect_lang(&lower)?;
    LANGUAGES.iter().find(|(_, language)| *language == found).map(|(code, _)| *code)
}
