//! Our words against those of the `tokenizers` crate.

use serde_json::json;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _};

use super::*;

/// Llama 3's words.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Qwen 2's words.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// DeepSeek V3's words, without the steps before.
const DEEPSEEK3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let mut found = Vec::new();
    words(text, |word| found.push(word));
    assert_eq!(found, expect);
}

#[test]
fn words_keep_one_leading_space() {
    check("I'm  at\n\n  home.", &["I", "'m", " ", " at", "\n\n ", " home", "."]);
    check("a \n", &["a", " \n"]);
    check("x = 123 +4", &["x", " =", " ", "1", "2", "3", " +", "4"]);
    check("\tif", &["\t", "if"]);
    check("", &[]);
}

fn byte_level(use_regex: bool) -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex})
}

/// The pre-tokenizers of common vocabularies.
fn known() -> Vec<Value> {
    let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let digits = |individual: bool| json!({"type": "Digits", "individual_digits": individual});
    let sequence = |steps: Vec<Value>| json!({"type": "Sequence", "pretokenizers": steps});
    let coder = crate::tokenizer::gguf::DEEPSEEK_CODER.map(split);
    vec![
        byte_level(true),
        sequence(vec![digits(true), byte_level(true)]),
        sequence(vec![digits(false), byte_level(true)]),
        sequence(vec![split(LLAMA3), byte_level(false)]),
        sequence(vec![split(QWEN2), byte_level(false)]),
        sequence(vec![split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK3), byte_level(false)]),
        sequence(coder.into_iter().chain([byte_level(false)]).collect()),
    ]
}

/// The words of the `tokenizers` crate's own pre-tokenizer.
fn reference(json: &Value, text: &str) -> Vec<String> {
    let pre_tokenizer: PreTokenizerWrapper = serde_json::from_value(json.clone()).expect("a pre-tokenizer");
    let mut words = PreTokenizedString::from(text);
    pre_tokenizer.pre_tokenize(&mut words).expect("splits");
    let splits = words.get_splits(OffsetReferential::Original, OffsetType::Byte);
    splits.into_iter().map(|(_, (from, to), _)| text[from..to].to_owned()).collect()
}

#[test]
fn patterns_that_look_around_or_match_nothing_are_left_to_the_crate() {
    for pattern in [r"\w+(?=x)", r"a\b", "^a", "a$", "a*", r"\p{L}++", r"(?<!a)b|\s+(?!\S)|\s+"] {
        assert!(Splitter::new(pattern).is_none(), "{pattern}");
    }
}

proptest::proptest! {
    #[test]
    fn equals_the_tokenizers_crate(
        text in "[a-cLS' \\n\\r\\t1٣é你ぁ가ª\u{300}.!$\u{a0}\u{3000}\u{85}\u{2028}srelvtdm-]{0,40}",
        any in ".{0,20}",
        lines in "[ \\n\\ra]{0,12}",
    ) {
        for json in known() {
            let ours = PreTokenizer::byte_level(&json).expect("a pre-tokenizer without look-around");
            for text in [&text, &any, &lines] {
                let mut found = Vec::new();
                ours.words(text, &mut |word| found.push(word.to_owned()));
                proptest::prop_assert_eq!(found, reference(&json, text), "{} {:?}", json, text);
            }
        }
    }
}
