//! The rule sets, each rule by a text that fails it and nothing before it.

use wanjuan_data::filter::{
    FineWeb, GopherQuality, GopherQualityConfig, GopherRepetition, Language, LanguageConfig,
};
use wanjuan_data::{Document, Stage, Verdict};

use crate::site::sentences;

fn prose() -> String {
    sentences(7, 24).join("\n")
}

#[test]
fn good_prose_passes_everything() {
    let text = prose();
    assert_eq!(GopherQuality::default().reason(&text), None);
    assert_eq!(GopherRepetition::default().reason(&text), None);
    assert_eq!(FineWeb::default().reason(&text), None);
}

#[test]
fn gopher_quality_names_the_rule() {
    let many = |word: &str| format!("{word} ").repeat(60);
    let cases = [
        ("Too short to be the text of a page.".to_owned(), "too-few-words"),
        (many("a of it"), "short-words"),
        (many("extraordinarily incomprehensible"), "long-words"),
        (many("the word # and"), "hash-signs"),
        (many("the word... and"), "ellipses"),
        ("- the dog and the cat have it\n".repeat(20), "bullet-lines"),
        ("the dog and the cat and the bird have it with them…\n".repeat(20), "ellipsis-lines"),
        (many("the dog and 100 200 300"), "words-without-letters"),
        (many("Birds sing songs every morning"), "stop-words"),
    ];
    for (text, rule) in cases {
        let reason = GopherQuality::default().reason(&text).map(|reason| reason.rule.into_owned());
        assert_eq!(reason.as_deref(), Some(rule), "{}", &text[..text.len().min(60)]);
    }
}

#[test]
fn zero_switches_a_gopher_rule_off() {
    let config = GopherQualityConfig { min_words: 0, min_stop_words: 0, ..GopherQualityConfig::default() };
    assert_eq!(GopherQuality::new(config).reason("Short text without punctuation marks"), None);
}

#[test]
fn fineweb_names_the_rule() {
    let cases = [
        (prose().replace('.', ""), "punctuated-lines"),
        (prose() + &"\nshort line.".repeat(60), "short-lines"),
        (format!("{}\n{}", prose(), sentences(7, 6).join("\n")), "duplicate-line-chars"),
        (sentences(9, 24).join("\n\n\n\n\n\n\n"), "line-feeds"),
    ];
    for (text, rule) in cases {
        let reason = FineWeb::default().reason(&text).map(|reason| reason.rule.into_owned());
        assert_eq!(reason.as_deref(), Some(rule));
    }
}

#[test]
fn languages_are_told_apart() {
    let keep = LanguageConfig { keep: vec!["zh".to_owned()], ..LanguageConfig::default() };
    let stage = Language::new(keep).expect("needs no model");
    let chinese = "今天天气晴朗，适合出门散步。公园里有很多人，孩子们在草地上玩耍，老人们坐在长椅上聊天。大家都很高兴。".repeat(2);
    let Verdict::Keep(document) = stage.apply(Document::new("d", "1", &chinese)) else {
        panic!("Chinese was not kept");
    };
    assert_eq!(document.language.as_deref(), Some("zh"));
    let Verdict::Drop(document, reason) = stage.apply(Document::new("d", "2", &prose())) else {
        panic!("English was kept");
    };
    assert_eq!((document.language.as_deref(), reason.detail.as_deref()), (Some("en"), Some("en")));
}
