//! C4's line and document rules, in their order and at their borders.

use super::*;
use crate::filter::Sentences;

fn five(last: &str) -> String {
    "One is here. Two is here. Three is here. Four is here.\n".to_owned() + last
}

fn check(config: &C4Config, text: &str) -> Result<String, String> {
    C4::new(config.clone()).filter(text).map_err(|reason| reason.rule.into_owned())
}

/// No rule about documents.
fn lines_only() -> C4Config {
    C4Config { min_sentences: -1, ..C4Config::default() }
}

#[test]
fn lines_go_and_documents_go() {
    let check = |last: &str| check(&C4Config::default(), &five(last));
    assert_eq!(check("And five too.[1]").map(|text| text.ends_with("five too.")), Ok(true));
    let few = Err("too-few-sentences".to_owned());
    assert_eq!(check("No end of line"), few);
    assert_eq!(check("Enable JavaScript to see this."), few);
    assert_eq!(check("Here is a { in a line."), Err("curly-bracket".to_owned()));
    assert_eq!(check("Lorem ipsum dolor sit amet."), Err("lorem-ipsum".to_owned()));
    // A line that is dropped earlier cannot drop the document.
    assert_eq!(check("Here is a { in a line"), few);
    assert_eq!(check("JavaScript has a { in a line."), few);
    assert_eq!(check("JavaScript and lorem ipsum here."), Err("lorem-ipsum".to_owned()));
    assert_eq!(check("The privacy policy has a { here."), Err("curly-bracket".to_owned()));
}

#[test]
fn lines_are_dropped_in_order_and_at_the_border() {
    let kept = |line: &str| check(&lines_only(), line).map(|text| !text.is_empty());
    let long = |n: usize| format!("One {} two.", "é".repeat(n));
    for (line, expected) in [
        ("Just three words.", true),
        ("Two words.", false),
        // Words are counted before citations are cut; the cut leaves a space at the end.
        ("Two words[1] [2].", true),
        ("Three words here. [1]", false),
        ("An ellipsis ends it...", false),
        ("It is a \"quote\"", true),
        ("It is a ”quote”", false),
        ("We USE COOKIES to be better.", false),
        ("We use coo\u{212a}ies to be better.", false),
        ("A line\u{85}of lines.", false),
    ] {
        assert_eq!(kept(line), Ok(expected), "{line}");
    }
    assert_eq!(kept(&long(1000)), Ok(true));
    assert_eq!(kept(&long(1001)), Ok(false));
}

#[test]
fn minus_one_switches_off_and_zero_does_not() {
    let config = C4Config { max_word_length: -1, min_words_per_line: -1, ..lines_only() };
    let long = "x".repeat(2000) + ".";
    assert_eq!(check(&config, &long), Ok(long.clone()));
    assert_eq!(check(&C4Config { max_word_length: 0, ..config.clone() }, "a."), Ok(String::new()));
    assert_eq!(check(&C4Config { min_sentences: 0, ..config }, "none"), Ok(String::new()));
}

#[test]
fn given_sentences_are_counted() {
    let text = "One line of words.\u{b}Another line of words.\nno end";
    for (counts, expected) in [(vec![2, 3, 9], true), (vec![2, 2, 9], false), (vec![], false)] {
        let sentences = Sentences::PerLine(counts);
        let decision = C4::default().decide(&View::new(text).with_sentences(&sentences));
        let rewritten = Decision::Rewrite("One line of words.\nAnother line of words.".to_owned());
        assert_eq!(decision == rewritten, expected);
    }
}

#[test]
fn keeping_white_space_keeps_code() {
    let config = C4Config {
        terminal_punctuation: false,
        min_words_per_line: 0,
        min_sentences: 0,
        white_space: LineWhitespace::Keep,
        remove_citations: false,
        ..C4Config::default()
    };
    let text = "Code:\n\n    let x = [];\n        y";
    assert_eq!(check(&config, text).as_deref(), Ok(text));
}

#[test]
fn chinese_lines_and_sentences() {
    let text = "今天的天气很好。明天会不会下雨？\n首页 | 登录\n他说：“我们去公园吧！”\n请启用JavaScript才能看到。\n我也要去；\n请阅读隐私政策和说明。";
    let config = C4Config { min_sentences: 4, ..C4Config::default() };
    let left = "今天的天气很好。明天会不会下雨？\n他说：“我们去公园吧！”";
    assert_eq!(check(&config, text), Err("too-few-sentences".to_owned()));
    let config = C4Config { min_sentences: 3, ..config };
    assert_eq!(check(&config, text).as_deref(), Ok(left));
    let longer = "很".repeat(2000) + "。";
    assert_eq!(check(&C4Config { min_sentences: 1, ..config }, &longer), Ok(longer.clone()));
    // In compat no line ends in a mark that C4 knows.
    let compat = C4Config { compat: Compat::Datatrove, ..C4Config::default() };
    let decision = C4::new(compat).decide(&View::new(text));
    assert_eq!(decision.reason().map(|reason| reason.rule.as_ref()), Some("too_few_sentences"));
}
