//! Post-processors against upstream's outputs.

use opencompass::dataset::Named;
use opencompass::score::post::{Post, post_processors};
use opencompass::score::{Reading, evaluators};
use proptest::prelude::*;
use serde_json::Value;

use crate::shared;

#[test]
fn post_processors_equal_upstreams() {
    let Some(folder) = shared::path("golden/opencompass/post") else { return };
    let files = std::fs::read_dir(folder).expect("a readable folder");
    let mut files: Vec<_> = files.map(|file| file.expect("an entry").file_name()).collect();
    files.sort();
    assert_eq!(files.len(), 56, "55 functions, one of them with a second file");
    for file in files {
        let name = file.to_str().expect("an ASCII name");
        let rows = shared::lines(&format!("golden/opencompass/post/{name}")).expect("the folder is there");
        assert!(rows.len() >= 48, "{name}");
        rows.iter().for_each(check);
    }
}

fn check(row: &Value) {
    let mut named = Named::new(row["fn"].as_str().expect("a name"));
    for (name, value) in row["args"].as_object().into_iter().flatten() {
        named = named.with(name, value.clone());
    }
    let post = Post::new(&named, Reading::Compat).unwrap_or_else(|error| panic!("{}: {error}", row["id"]));
    let found = post.apply(row["text"].as_str().expect("a text"));
    match &row["out"] {
        // Upstream's functions for a missing answer give null, and comparisons take it for an empty text.
        Value::Null => assert!(found.is_null() || found == "", "{}: {found}", row["id"]),
        Value::Number(expected) => assert_eq!(found.as_f64(), expected.as_f64(), "{}", row["id"]),
        expected => assert_eq!(found, *expected, "{}", row["id"]),
    }
}

fn apply(named: &Named, reading: Reading, text: &str) -> Value {
    Post::new(named, reading).expect("a post-processor of ours").apply(text)
}

/// A post-processor of the letters A to D.
fn letters(name: &str, cushion: bool) -> Named {
    let named = Named::new(name).with("options", "ABCD");
    if name.starts_with("first") { named.with("cushion", cushion) } else { named }
}

#[test]
fn options_are_found_by_the_first_matching_pattern() {
    let read = |cushion, text| apply(&letters("first_option_postprocess", cushion), Reading::Compat, text);
    for (text, with, without) in [
        ("The answer is (B).", "B", "B"),
        ("答案是 C", "C", "C"),
        ("ANSWER: D", "D", "D"),
        ("So we take B: because", "B", ""),
        ("Apples", "A", ""),
        ("none of them", "", ""),
    ] {
        assert_eq!(read(true, text), with, "{text}");
        assert_eq!(read(false, text), without, "{text}");
    }
    let last = |text| apply(&letters("last_option_postprocess", true), Reading::Compat, text);
    assert_eq!((last("A, no, B"), last("E")), ("B".into(), "".into()));
}

#[test]
fn fixed_options_are_the_ones_that_a_person_reads() {
    let read = |cushion, text| apply(&letters("first_option_postprocess", cushion), Reading::Fixed, text);
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
        assert_eq!(read(true, text), with, "{text}");
        assert_eq!(read(false, text), without, "{text}");
    }
    let last = |text| apply(&letters("last_option_postprocess", true), Reading::Fixed, text);
    assert_eq!((last("A or **B**. All Done"), last("None")), ("B".into(), "".into()));
}

#[test]
fn fixed_numbers_keep_their_separators() {
    let gsm8k = |reading, text| apply(&Named::new("gsm8k"), reading, text);
    for (text, number) in [
        ("He paid $12,500.", "12500"),
        ("1,234,567.5 in all", "1234567.5"),
        ("So -3,000. Question: how many of 7?", "-3000"),
        ("none", "NULL"),
    ] {
        assert_eq!(gsm8k(Reading::Fixed, text), number, "{text}");
    }
    assert_eq!(gsm8k(Reading::Compat, "He paid $12,500."), "500");
    assert_eq!(apply(&Named::new("first_number_postprocess"), Reading::Fixed, "12,500 of 20,000"), 12500.0);
}

#[test]
fn fixed_readings_forgive_what_upstream_does_not() {
    for (name, text, compat, fixed) in [
        ("general", "The total is 1,234.5, or so", "total is 1", "total is 1234.5"),
        ("math_postprocess", "The final answer is 0.5. Yes", "0", "0.5"),
        ("math_postprocess_v2", "So the answer is 2.75 m.", "2", "2.75m"),
        ("bbh-mcq", "the answer is (A)? No, the answer is (C).", "A", "C"),
        ("strategyqa", "Nobody knows.", "no", ""),
        ("cmrc", "答案是甲？不，答案是乙", "甲？不，", "乙"),
        ("gsm100", "The answer is 3.5", "35", "3.5"),
        ("humaneval_postprocess_v2", "```python\n    return 1", "```python\n    return 1", "    return 1"),
        ("mbpp_answer", "```py\nx = 1\n```", "py\nx = 1", "x = 1"),
        ("crowspairs_postprocess", "Another B", "A", "B"),
        ("TheoremQA_postprocess_v3", "The answer is unknown", "False", "unknown"),
        ("GPQA_Simple_Eval_postprocess", "answer: b", "b", "B"),
    ] {
        let read = |reading| apply(&Named::new(name), reading, text);
        assert_eq!(read(Reading::Compat), compat, "{name}: {text}");
        assert_eq!(read(Reading::Fixed), fixed, "{name}: {text}");
    }
    let letter = Named::new("match_answer_pattern").with("answer_pattern", r"answer is \(?([A-J])");
    let text = "If the answer is A, x; the answer is (C).";
    assert_eq!(apply(&letter, Reading::Compat, text), "A");
    assert_eq!(apply(&letter, Reading::Fixed, text), "C");
    let cue = Named::new("mathbench_postprocess").with("name", "arithmetic_en");
    let text = "The answer is 1? The answer is 1,200.";
    assert_eq!(apply(&cue, Reading::Compat, text), "1");
    assert_eq!(apply(&cue, Reading::Fixed, text), "1200");
}

#[test]
fn there_are_enough_and_names_are_unique() {
    let (posts, evaluators) = (post_processors().count(), evaluators().count());
    assert!(posts >= 100 && posts + evaluators >= 150, "{posts} post-processors and {evaluators} evaluators");
    let mut names: Vec<&str> = post_processors()
        .flat_map(|entry| [entry.name].into_iter().chain(entry.upstream.iter().copied()))
        .collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_can_be_processed(text in hard_texts()) {
        for entry in post_processors() {
            for reading in [Reading::Compat, Reading::Fixed] {
                if let Ok(post) = Post::new(&Named::new(entry.name), reading) {
                    let _ = post.apply(&text);
                }
            }
        }
    }
}

/// Pieces of marks that post-processors cut at, with any letters between them.
fn hard_texts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "\\boxed{",
        "\\fbox",
        "}",
        "{",
        "```",
        "```python\n",
        "\n",
        "answer is ",
        "The answer is",
        "答案是",
        "$",
        ".",
        "=",
        "1",
        ",",
        "π",
        "\\",
        "'",
        "\"",
        "[BEGIN]",
        "[DONE]",
        "<think>",
        "</think>",
        "<SMILES>",
        "Question:",
        "The final answer is ",
        "def",
        "import",
        "【",
        "】",
        "A",
        "B",
        "1.",
        "é",
        "\u{1c}",
        " ",
        "####",
        "frac",
    ]);
    let piece = prop_oneof![3 => pieces.prop_map(str::to_owned), 1 => ".{0,3}"];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[test]
fn arguments_are_needed_and_names_are_known() {
    let error = |name: &str| Post::named(name).expect_err(name).to_string();
    for (name, argument) in
        [("first_option_postprocess", "options"), ("think_pred", "re_pattern"), ("specific-xml-tag", "tag")]
    {
        assert!(error(name).contains(&format!("missing field `{argument}`")), "{}", error(name));
    }
    let empty = Post::new(&letters("last_option_postprocess", true).with("options", ""), Reading::Compat);
    assert_eq!(
        empty.expect_err("no letters").to_string(),
        "last_option_postprocess.options: found ``, expected option letters"
    );
    let unknown = Post::new(&Named::new("general").with("options", "AB"), Reading::Compat);
    assert!(unknown.expect_err("unknown").to_string().contains("unknown field `options`"));
    assert_eq!(error("last_numbr"), "post-processor: found `last_numbr`, expected `last_number`?");
    let named = Named::new("match_answer_pattern").with("answer_pattern", "(");
    assert!(Post::new(&named, Reading::Compat).is_err(), "a pattern that does not compile");
}

#[test]
fn patterns_and_tags_take_what_they_surround() {
    let read = |named: &Named, text| apply(named, Reading::Compat, text);
    let pattern = Named::new("match_answer_pattern").with("answer_pattern", "answer: (\\w+)");
    assert_eq!(read(&pattern, "answer: yes."), "yes");
    assert_eq!(read(&pattern, "yes"), "");
    let pattern = Named::new("think_pred").with("re_pattern", "answer: (\\w+)");
    assert_eq!(read(&pattern, "yes"), "yes");
    let tag = Named::new("specific-xml-tag").with("tag", "<a>");
    assert_eq!(read(&tag, "<a>1</a><a> 2\n</a>"), "2");
    assert_eq!(read(&tag, "<b>1</b>"), "NO ANSWER FOUND");
}

#[test]
fn capitals_and_numbers() {
    for (name, text, expected) in [
        ("first-capital", "the Ä or B", "Ä"),
        ("last-capital", "the Ä or B", "B"),
        ("first-capital-multi", "so ABD, not C", "ABD"),
        ("multiple-select", "C and A, C again", "AC"),
        ("last_number", "10-3", "3"),
        ("gsm8k_dataset", "so\n#### 1,200", "1200"),
    ] {
        assert_eq!(Post::named(name).expect(name).apply(text), expected, "{name}: {text}");
    }
}
