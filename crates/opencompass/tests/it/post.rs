//! Post-processors against upstream's outputs.

use opencompass::dataset::{PostConfig, PostStep};
use opencompass::score::post::Post;
use serde_json::Value;

use crate::shared;

#[test]
fn post_processors_equal_upstreams() {
    for file in [
        "general",
        "first-capital",
        "last-capital",
        "first-capital-multi",
        "multiple-select",
        "first_option_postprocess",
        "first_option_patterns",
        "last_option_postprocess",
        "first_number_postprocess",
        "gsm8k",
        "gsm8k_dataset",
        "match_answer_pattern",
        "think_pred",
        "extract-non-reasoning-content",
        "specific-xml-tag",
    ] {
        let Some(rows) = shared::lines(&format!("golden/opencompass/post/{file}.jsonl")) else { return };
        assert!(rows.len() >= 48, "{file}");
        rows.iter().for_each(check);
    }
}

fn check(row: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let arguments = &row["args"];
    let mut step = PostStep::new(text(&row["fn"]).expect("a name"));
    step.options = text(&arguments["options"]);
    step.cushion = arguments["cushion"].as_bool();
    step.pattern = text(&arguments["answer_pattern"]).or(text(&arguments["re_pattern"]));
    step.tag = text(&arguments["tag"]);
    let post = Post::from_config(&PostConfig::Step(step)).expect("a post-processor of ours");
    let found = post.apply(row["text"].as_str().expect("a text"));
    match &row["out"] {
        Value::String(expected) => assert_eq!(found, *expected, "{}", row["id"]),
        Value::Null => assert_eq!(found, "", "{}", row["id"]),
        Value::Number(expected) => assert_eq!(found.parse::<f64>().ok(), expected.as_f64(), "{}", row["id"]),
        other => panic!("{}: {other}", row["id"]),
    }
}

fn apply(name: &str, set: impl FnOnce(&mut PostStep), text: &str) -> String {
    let mut step = PostStep::new(name);
    set(&mut step);
    Post::from_config(&PostConfig::Step(step)).expect("a post-processor of ours").apply(text)
}

#[test]
fn options_are_found_by_the_first_matching_pattern() {
    let letters = |cushion| {
        move |step: &mut PostStep| {
            step.options = Some("ABCD".to_owned());
            step.cushion = Some(cushion);
        }
    };
    for (text, with, without) in [
        ("The answer is (B).", "B", "B"),
        ("答案是 C", "C", "C"),
        ("ANSWER: D", "D", "D"),
        ("So we take B: because", "B", ""),
        ("Apples", "A", ""),
        ("none of them", "", ""),
    ] {
        assert_eq!(apply("first_option_postprocess", letters(true), text), with, "{text}");
        assert_eq!(apply("first_option_postprocess", letters(false), text), without, "{text}");
    }
    let last = |text| apply("last_option_postprocess", letters(true), text);
    assert_eq!((last("A, no, B"), last("E")), ("B".to_owned(), String::new()));
}

#[test]
fn repaired_options_are_the_ones_that_a_person_reads() {
    let repaired = |cushion| {
        move |step: &mut PostStep| {
            step.options = Some("ABCD".to_owned());
            step.cushion = Some(cushion);
            step.repaired = Some(true);
        }
    };
    for (text, with, without) in [
        ("The answer is (B).", "B", "B"),
        ("The answer is **B**, not A.", "B", "B"),
        ("Answer: `C`", "C", "C"),
        ("**Answer:** [D]", "D", "D"),
        (r"so the answer is $\boxed{\text{D}}$", "D", "D"),
        ("答案：【C】", "C", "C"),
        ("A、B都不对，故选Ｄ", "D", "D"),
        ("A错误，B错误，只有C选项正确", "C", "C"),
        ("B. Because A and C are too small", "B", "B"),
        ("A is wrong, because it is cold.\nC", "C", "C"),
        ("A is wrong, so is B, and C remains", "C", ""),
        ("A train is not a plane, so not C but B", "B", ""),
        ("The answer is A because it is cold", "A", "A"),
        ("Answer: B\n\nQuestion: Which one is red?\nAnswer: C", "B", "B"),
        ("B\n\n## Question 2\nAnswer: C", "B", "B"),
        ("答案是B\n\n问题：\n答案：A", "B", "B"),
        ("Answer: B<|eot_id|>A", "B", "B"),
        ("The answer is A? No, it is C.", "C", ""),
        ("The answer is (d).", "D", "D"),
        ("b) 12", "B", "B"),
        ("d", "D", "D"),
        ("the answer is a", "A", "A"),
        ("The answer is a 5-letter word", "", ""),
        ("The answer is a good one", "", ""),
        ("The answer is d'Artagnan", "", ""),
        ("The answer is 'd'", "D", "D"),
        ("Answer: None of the above", "", ""),
        ("Apples", "", ""),
        ("A dog and a Cat", "", ""),
    ] {
        assert_eq!(apply("first_option_postprocess", repaired(true), text), with, "{text}");
        assert_eq!(apply("first_option_postprocess", repaired(false), text), without, "{text}");
    }
    let last = |text| apply("last_option_postprocess", repaired(true), text);
    assert_eq!((last("A or **B**. All Done"), last("None")), ("B".to_owned(), String::new()));
}

#[test]
fn repaired_numbers_keep_their_separators() {
    let repaired = |step: &mut PostStep| step.repaired = Some(true);
    for (text, number) in [
        ("He paid $12,500.", "12500"),
        ("1,234,567.5 in all", "1234567.5"),
        ("So -3,000. Question: how many of 7?", "-3000"),
        ("none", "NULL"),
    ] {
        assert_eq!(apply("gsm8k", repaired, text), number, "{text}");
    }
    assert_eq!(apply("gsm8k", |_| (), "He paid $12,500."), "500", "the default is that of OpenCompass 0.5.4");
    assert_eq!(apply("first_number_postprocess", repaired, "12,500 of 20,000"), "12500.0");
}

#[test]
fn only_some_readings_are_repaired() {
    let mut step = PostStep::new("general");
    step.repaired = Some(true);
    let error = Post::from_config(&PostConfig::Step(step)).expect_err("general has no faults").to_string();
    assert!(error.starts_with("general: found `repaired`, expected it only with first_option"), "{error}");
}

#[test]
fn arguments_are_needed_and_names_are_known() {
    let error = |name: &str| Post::named(name).expect_err(name).to_string();
    assert!(error("first_option_postprocess").contains("found no `options`, expected letters"));
    assert!(error("think_pred").contains("found no `pattern`, expected one"));
    assert!(error("specific-xml-tag").contains("found no `tag`, expected one as <answer>"));
    assert_eq!(error("last_numbr"), "post-processor: found `last_numbr`, expected `last_number`?");
    let mut step = PostStep::new("match_answer_pattern");
    step.pattern = Some("(".to_owned());
    assert!(Post::from_config(&PostConfig::Step(step)).is_err(), "a pattern that does not compile");
}

#[test]
fn patterns_and_tags_take_what_they_surround() {
    let pattern = |step: &mut PostStep| step.pattern = Some("answer: (\\w+)".to_owned());
    assert_eq!(apply("match_answer_pattern", pattern, "answer: yes."), "yes");
    assert_eq!(apply("match_answer_pattern", pattern, "yes"), "");
    let pattern = |step: &mut PostStep| step.pattern = Some("answer: (\\w+)".to_owned());
    assert_eq!(apply("think_pred", pattern, "yes"), "yes");
    let tag = |step: &mut PostStep| step.tag = Some("<a>".to_owned());
    assert_eq!(apply("specific-xml-tag", tag, "<a>1</a><a> 2\n</a>"), "2");
    assert_eq!(apply("specific-xml-tag", tag, "<b>1</b>"), "NO ANSWER FOUND");
}

#[test]
fn capitals_and_numbers() {
    for (name, text, expected) in [
        ("first-capital", "the Ä or B", "Ä"),
        ("last-capital", "the Ä or B", "B"),
        ("first-capital-multi", "so ABD, not C", "ABD"),
        ("multiple-select", "C and A, C again", "AC"),
        ("first_number_postprocess", "about 7 of 9", "7.0"),
        ("first_number_postprocess", "none", ""),
        ("last_number", "10-3", "3"),
        ("gsm8k_dataset", "so\n#### 1,200", "1200"),
    ] {
        assert_eq!(Post::named(name).expect(name).apply(text), expected, "{name}: {text}");
    }
}
