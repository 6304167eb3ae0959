//! The fields of the rules one by one.

use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
use proptest::prelude::*;

use super::*;

const NONE: RuleFields<'static> = RuleFields {
    presence_penalty: None,
    frequency_penalty: None,
    logit_bias: None,
    bad_words: None,
    allowed: None,
    ngram_size: None,
    ngram_threshold: None,
    detection: None,
};

/// Words of it are one id each, with and without a space in front.
fn tokenizer() -> Tokenizer {
    let texts = ["fox the fox the fox".to_owned()];
    let config = BpeTrainConfig::new(300).with_min_frequency(1);
    train_bpe(texts.into_iter(), &config).expect("the vocabulary has room for all bytes")
}

fn bias(entries: &[(&str, f32)]) -> Result<Vec<(TokenId, f32)>> {
    let map = entries.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
    Ok(RuleFields { logit_bias: Some(&map), ..NONE }.check(&tokenizer())?.bias)
}

fn words(words: &[&str]) -> Result<Vec<Vec<TokenId>>> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    Ok(RuleFields { bad_words: Some(&words), ..NONE }.check(&tokenizer())?.bad_words)
}

fn allowed(ids: &[u32]) -> Result<Vec<TokenId>> {
    Ok(RuleFields { allowed: Some(ids), ..NONE }.check(&tokenizer())?.allowed)
}

#[test]
fn no_fields_are_no_rules() {
    assert!(NONE.check(&tokenizer()).expect("nothing is wrong").is_empty());
    let zeros = RuleFields { ngram_size: Some(0), ngram_threshold: Some(0), ..NONE };
    assert!(zeros.check(&tokenizer()).expect("nothing is wrong").is_empty());
}

#[test]
fn a_bias_names_ids_of_the_vocabulary() {
    let found = bias(&[("7", -100.0), ("12", 0.5)]).expect("fits");
    assert_eq!(found.len(), 2);
    assert!(found.contains(&(TokenId(7), -100.0)) && found.contains(&(TokenId(12), 0.5)));
    let vocab = tokenizer().vocab_size();
    for key in ["-1", "7.0", "07", "+7", "", "fox", &vocab.to_string(), "4294967296"] {
        let error = bias(&[(key, 1.0)]).expect_err(key).to_string();
        assert_eq!(error, format!("logit_bias: found the key {key:?}, expected ids below {vocab} as keys"));
    }
    let error = bias(&[("a", 1.0), ("7", 1.0), ("b", 1.0)]).expect_err("two keys").to_string();
    assert!(error.starts_with("logit_bias: found the keys \"a\", \"b\", expected ids below"), "{error}");
    for value in [100.5, -1e30, f32::INFINITY, f32::NAN] {
        let error = bias(&[("7", value)]).expect_err("out of range").to_string();
        assert!(error.ends_with(" for 7, expected numbers in [-100, 100]"), "{error}");
    }
}

#[test]
fn the_allowed_ids_are_of_the_vocabulary_and_not_none() {
    assert_eq!(allowed(&[9, 7, 9]).expect("fits"), [TokenId(7), TokenId(9)]);
    let vocab = tokenizer().vocab_size();
    let error = allowed(&[7, vocab as u32]).expect_err("one too many").to_string();
    assert_eq!(error, format!("allowed_token_ids: found {vocab}, expected ids below {vocab}"));
    let error = allowed(&[]).expect_err("none").to_string();
    assert_eq!(error, "allowed_token_ids: found none, expected at least one id");
}

#[test]
fn a_word_is_caught_at_the_beginning_and_behind_a_space() {
    let tokenizer = tokenizer();
    let found = words(&["fox"]).expect("a word");
    let texts: Vec<String> = found.iter().map(|ids| tokenizer.decode(ids, Special::Keep)).collect();
    assert_eq!(found.len(), 2, "{texts:?}");
    assert!(found.contains(&tokenizer.encode("fox")) && found.contains(&tokenizer.encode(" fox")));
    // A space in front asks for one form only.
    assert_eq!(words(&[" fox"]).expect("a word"), [tokenizer.encode(" fox")]);
    assert_eq!(words(&["fox", " fox", "fox"]).expect("words").len(), 2, "each once");
    for (list, error) in [
        (&["fox", ""][..], "bad_words.1: found \"\", expected a word"),
        (&[" \n"][..], "bad_words.0: found \" \\n\", expected a word"),
        (&["a"; 1025][..], "bad_words: found 1025 words, expected at most 1024 words"),
    ] {
        assert_eq!(words(list).expect_err("wrong").to_string(), error);
    }
}

#[test]
fn runs_of_ids_need_both_numbers() {
    let ngrams = |ngram_size, ngram_threshold| -> Result<(usize, usize)> {
        let rules = RuleFields { ngram_size, ngram_threshold, ..NONE }.check(&tokenizer())?;
        Ok((rules.ngram_size, rules.ngram_threshold))
    };
    assert_eq!(ngrams(Some(3), Some(4)).expect("both"), (3, 4));
    for (size, threshold, error) in [
        (
            Some(3),
            None,
            "repetition_ngram_threshold: found nothing, expected a number above 0 with `repetition_ngram_size`",
        ),
        (
            Some(0),
            Some(2),
            "repetition_ngram_size: found 0, expected a number above 0 with `repetition_ngram_threshold`",
        ),
    ] {
        assert_eq!(ngrams(size, threshold).expect_err("one").to_string(), error);
    }
}

#[test]
fn an_empty_salt_is_refused() {
    assert_eq!(salt(None).expect("no salt"), None);
    assert_eq!(salt(Some("a")).expect("a salt").as_deref(), Some("a"));
    assert!(salt(Some("")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn penalties_have_openais_range(penalty in -4.0_f32..4.0) {
        for (name, fields) in [
            ("presence_penalty", RuleFields { presence_penalty: Some(penalty), ..NONE }),
            ("frequency_penalty", RuleFields { frequency_penalty: Some(penalty), ..NONE }),
        ] {
            let read = fields.check(&tokenizer());
            prop_assert_eq!(read.is_ok(), penalty.abs() <= 2.0);
            if let Err(error) = read {
                prop_assert!(error.to_string().starts_with(&format!("{name}: found")), "{}", error);
            }
        }
    }
}

#[test]
fn a_pattern_has_sizes_and_a_count() {
    let of = |most: Option<u32>, least: Option<u32>, count: Option<u32>| {
        let asked = RepetitionDetection { max_pattern_size: most, min_pattern_size: least, min_count: count };
        let rules = RuleFields { detection: Some(asked), ..NONE }.check(&tokenizer());
        rules.map(|rules| rules.pattern).map_err(|error| error.to_string())
    };
    let pattern = |min_size, max_size, count| Ok(Some(RepeatedPattern { min_size, max_size, count }));
    assert_eq!(of(None, None, None), Ok(None));
    assert_eq!(of(Some(0), Some(0), Some(1)), Ok(None), "off");
    assert_eq!(of(Some(3), Some(2), Some(4)), pattern(2, 3, 4));
    assert_eq!(of(Some(3), Some(0), Some(2)), pattern(1, 3, 2));
    for (asked, message) in [
        (of(Some(5000), None, Some(2)), "max_pattern_size: found 5000, expected at most 4096"),
        (
            of(Some(2), Some(3), Some(2)),
            "min_pattern_size: found 3, expected at most the 2 of `max_pattern_size`",
        ),
        (
            of(None, Some(1), Some(2)),
            "min_pattern_size: found 1, expected at most the 0 of `max_pattern_size`",
        ),
        (of(Some(2), None, Some(1)), "min_count: found 1, expected at least 2 with `max_pattern_size`"),
        (of(Some(2), None, None), "min_count: found nothing, expected at least 2 with `max_pattern_size`"),
    ] {
        assert_eq!(asked, Err(format!("repetition_detection.{message}")));
    }
}
