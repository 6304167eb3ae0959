//! [`Whatlang`]: language by script, alphabet and trigrams, through the crate `whatlang`.

use super::{DetectedLanguage, LanguageId};

/// The `whatlang` crate. It does not distinguish Traditional from Simplified Chinese: both are `zh`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whatlang;

/// Minimum length of a text in characters; shorter texts are `und`, ...
const MIN_CHARACTERS: usize = 50;
/// ... unless their script belongs to one language.
const MIN_CHARACTERS_OF_OWN_SCRIPT: usize = 10;
/// Confidence at and below which the answer is `und`. whatlang's own limit of 0.9 withholds 6 % of the sentences of
/// FLORES-200, nearly all of them right; 0.5 withholds 2 % and lets 0.1 % more wrong answers through.
const MIN_CONFIDENCE: f64 = 0.5;
/// Number of characters that are looked at; more do not change the answer.
const ENOUGH_CHARACTERS: usize = 20_000;

impl LanguageId for Whatlang {
    fn detect(&self, text: &str) -> DetectedLanguage {
        let end = text.char_indices().nth(ENOUGH_CHARACTERS).map_or(text.len(), |(end, _)| end);
        let head = &text[..end];
        let longer_than = |count: usize| head.chars().nth(count - 1).is_some();
        let Some(info) = whatlang::detect(head) else { return DetectedLanguage::undetermined(0.0) };
        let own_script = info.script().langs().len() == 1;
        let minimum = if own_script { MIN_CHARACTERS_OF_OWN_SCRIPT } else { MIN_CHARACTERS };
        if !longer_than(minimum) {
            return DetectedLanguage::undetermined(0.0);
        }
        if info.confidence() <= MIN_CONFIDENCE {
            return DetectedLanguage::undetermined(info.confidence());
        }
        let language = two_letters(info.lang().code()).to_owned();
        DetectedLanguage { language, confidence: info.confidence() }
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
    ("nob", "no"),
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

/// ISO 639-1 of whatlang's ISO 639-3, Bokmål as Norwegian; a language without a two-letter code keeps its three.
fn two_letters(code: &str) -> &str {
    CODES.iter().find(|(three, _)| *three == code).map_or(code, |(_, two)| two)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_two_letters() {
        for language in whatlang::Lang::all() {
            assert_eq!(two_letters(language.code()).len(), 2, "{}", language.code());
        }
    }

    #[test]
    fn short_texts_are_undetermined_unless_the_script_tells() {
        let of = |text: &str| Whatlang.detect(text).language;
        assert_eq!(of("The tide turns twice a day."), "und");
        assert_eq!(of("The tide turns twice a day, and twice it turns back to the sea."), "en");
        assert_eq!(of("오늘은 날씨가 맑아서 산책하기 좋다."), "ko");
        assert_eq!(of("산책"), "und");
        assert_eq!(of(""), "und");
    }
}
