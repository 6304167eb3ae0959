//! Gopher's document statistics, rule by rule at their borders.

use super::*;

fn rule(config: &GopherQualityConfig, text: &str) -> Option<String> {
    GopherQuality::new(config.clone()).reason(text).map(|reason| reason.rule.into_owned())
}

/// Everything off.
fn off() -> GopherQualityConfig {
    GopherQualityConfig {
        min_words: 0,
        max_words: 0,
        min_mean_word_length: 0.0,
        max_mean_word_length: 0.0,
        max_symbol_word_ratio: 0.0,
        max_bullet_lines_ratio: 0.0,
        max_ellipsis_lines_ratio: 0.0,
        min_alpha_words_ratio: 0.0,
        min_stop_words: 0,
        ..GopherQualityConfig::default()
    }
}

#[test]
fn zero_switches_every_rule_off() {
    for text in ["", "#", "...", "- a\n- b", "1 2 3", "a", "，，，"] {
        assert_eq!(rule(&off(), text), None, "{text:?}");
    }
}

#[test]
fn a_value_at_the_threshold_passes() {
    let config = GopherQualityConfig { min_words: 3, max_words: 3, ..off() };
    assert_eq!(rule(&config, "one - two, three!"), None);
    assert_eq!(rule(&config, "one two").as_deref(), Some("too-few-words"));
    assert_eq!(rule(&config, "one two three four").as_deref(), Some("too-many-words"));
    let config = GopherQualityConfig { min_mean_word_length: 2.0, max_mean_word_length: 2.0, ..off() };
    assert_eq!(rule(&config, "a bbb , ."), None);
    assert_eq!(rule(&config, "a").as_deref(), Some("short-words"));
    assert_eq!(rule(&config, "abc").as_deref(), Some("long-words"));
    let config = GopherQualityConfig { max_symbol_word_ratio: 0.5, ..off() };
    assert_eq!(rule(&config, "# a"), None);
    assert_eq!(rule(&config, "## a").as_deref(), Some("hash-signs"));
    assert_eq!(rule(&config, "a …"), None);
    assert_eq!(rule(&config, "… …").as_deref(), Some("ellipses"));
    let config = GopherQualityConfig { max_bullet_lines_ratio: 0.5, max_ellipsis_lines_ratio: 0.5, ..off() };
    assert_eq!(rule(&config, "- a\nb..."), None);
    assert_eq!(rule(&config, "- a\n\u{a0}• b\nc").as_deref(), Some("bullet-lines"));
    assert_eq!(rule(&config, "a… \nb...\u{1f}\nc").as_deref(), Some("ellipsis-lines"));
    let config = GopherQualityConfig { min_alpha_words_ratio: 0.5, ..off() };
    assert_eq!(rule(&config, "a 1"), None);
    assert_eq!(rule(&config, "a 1 2").as_deref(), Some("words-without-letters"));
}

#[test]
fn lines_are_pythons() {
    // Three lines for Python, one for `str::lines`.
    let config = GopherQualityConfig { max_bullet_lines_ratio: 0.5, ..off() };
    assert_eq!(rule(&config, "- a\u{b}b\u{2028}c"), None);
    assert_eq!(rule(&config, "- a\u{85}- b\u{c}c").as_deref(), Some("bullet-lines"));
}

#[test]
fn stop_words_are_distinct_and_case_sensitive() {
    let config = GopherQualityConfig { min_stop_words: 2, ..off() };
    assert_eq!(rule(&config, "the and"), None);
    for text in ["the the", "The And", "thee bee"] {
        assert_eq!(rule(&config, text).as_deref(), Some("stop-words"));
    }
}

#[test]
fn given_words_are_used() {
    let view = View::new("the and 汉字").with_words(vec!["the"; 60]);
    let decision = GopherQuality::new(off()).decide(&view);
    assert_eq!(decision, Decision::Keep);
    let config = GopherQualityConfig { max_words: 59, compat: Compat::Datatrove, ..off() };
    let decision = GopherQuality::new(config).decide(&view);
    let reason = decision.reason().expect("drops");
    assert_eq!(
        (reason.rule.as_ref(), reason.value, reason.threshold),
        ("gopher_long_doc", Some(60.0), Some(59.0))
    );
}

#[test]
fn chinese_is_counted_in_characters() {
    let prose =
        "今天的天气很好，我们在公园里散步。孩子们和老人都在这里，有的唱歌，有的下棋，大家也不觉得累。"
            .repeat(3);
    let config = GopherQualityConfig::default();
    assert_eq!(rule(&config, &prose), None);
    let cases = [
        ("今天的天气很好。".to_owned(), "too-few-words"),
        ("好，对，嗯，".repeat(40), "short-words"),
        ("今天的天气很好我们在公园里散步".repeat(10), "long-words"),
        (prose.replace('，', "#,"), "hash-signs"),
        (prose.replace('，', "……"), "ellipses"),
        ("●今天的天气很好\n".repeat(20), "bullet-lines"),
        ("今天的天气很好很好很好很好很好很好……\n".repeat(20), "ellipsis-lines"),
        ("今天 12 13 14 15 16 17，".repeat(30), "words-without-letters"),
        ("春眠覺曉，處處聞啼鳥。夜來風雨聲，花落知多少。".repeat(5), "stop-words"),
    ];
    for (text, expected) in cases {
        assert_eq!(rule(&config, &text).as_deref(), Some(expected), "{text}");
    }
    // In compat the same text is judged by words: characters are too short.
    let config = GopherQualityConfig { compat: Compat::Datatrove, ..config };
    assert_eq!(rule(&config, &prose).as_deref(), Some("gopher_below_avg_threshold"));
}
