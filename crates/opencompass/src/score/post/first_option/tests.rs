//! The cues against the list of patterns.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// Pieces of answers that patterns look for, or nearly.
const PIECES: [&str; 66] = [
    "A",
    "B",
    "C",
    "D",
    "a",
    "b",
    " ",
    "\n",
    "\u{1c}",
    "是",
    "为",
    "选",
    "选项",
    "择",
    "答案",
    "应",
    "该",
    "应该",
    "：",
    ":",
    "。",
    ".",
    "，",
    ",",
    "$",
    "(",
    ")",
    "*",
    "**",
    "故",
    "即",
    "只有",
    "对",
    "错",
    "不",
    "正确",
    "错误",
    "说法",
    "的",
    "是正确的",
    "是正确答案",
    "所以",
    "所有",
    "因此",
    "显然",
    "项",
    "answer",
    "Answer",
    "ANSWER",
    "the answer is",
    "The answer is",
    " option",
    "the correct answer is",
    "The correct option is",
    "boxed{",
    "}",
    "{",
    "answer to the question is",
    "1",
    "1.",
    "2",
    "an\u{17f}wer",
    "\u{212a}",
    "word",
    "好",
    "the correct",
];

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
}

/// Several sets of options, with the cushion and without. Compiling the patterns takes longest, so it is done once.
static CASES: LazyLock<Vec<FirstOption>> = LazyLock::new(|| {
    let both = |options| [FirstOption::new(options, true), FirstOption::new(options, false)];
    ["ABCD", "BA", "AK", "12", "aBs", "D"].into_iter().flat_map(both).collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn cues_decide_as_patterns_do(text in texts(), case in 0..12_usize) {
        let first = &CASES[case];
        prop_assert!(first.cues.is_some());
        prop_assert_eq!(first.decide(&text), first.decide_by_patterns(python::strip(&text)));
    }
}

#[test]
fn every_pattern_but_the_unreachable_ones_can_decide() {
    let first = FirstOption::new("ABCD", true);
    for (place, text) in [
        (0, "答案是 B"),
        (1, "答案：B"),
        (2, "答案: B"),
        (3, "答案选项应该是B"),
        (4, "答案选项应为B"),
        (5, "答案应该是B"),
        (6, "答案应选B"),
        (7, "答案选项：B"),
        (8, "答案选项 (**B**)"),
        (9, "答案选项是:B"),
        (10, "答案为B"),
        (11, "答案选B"),
        (12, "我选择B"),
        (13, "故B只有C对"),
        (14, "只有选项B错"),
        (15, "只有B不正确"),
        (17, "说法不对的是B"),
        (18, "说法正确的是 B"),
        (19, "说法错误的是B"),
        (20, "B 是正确的"),
        (21, "B是正确答案"),
        (24, "所以 B。"),
        (25, "所有B"),
        (26, "x，B."),
        (27, "x，故B"),
        (28, "x:因此B。"),
        (29, "就是B"),
        (30, "x因此B"),
        (31, "x显然B"),
        (32, "答案是（B）"),
        (33, "答案应该是（B）"),
        (34, "答案为“B”"),
        (35, "Answer : B, not so"),
        (36, "The answer is (B) or"),
        (37, "the answer is **B** or"),
        (38, "The answer is option B or"),
        (39, "The correct answer is: B or"),
        (40, "The correct answer is option B or"),
        (41, "The correct answer is x boxed{B} or"),
        (42, "The correct option is boxed{B} or"),
        (43, "The correct answer option is boxed{B} or"),
        (44, "The answer to the question is: B or"),
        (45, "选项\u{3000}BC"),
        (46, "B项和C"),
        (47, "B. Because"),
        (48, "It is 1. the B or"),
        (50, "So B: because"),
        (51, "Because"),
    ] {
        assert_eq!(first.decide(text), Some((place, 'B')), "{text}");
        assert_eq!(first.decide_by_patterns(text), Some((place, 'B')), "{text}");
    }
}

#[test]
fn the_deciding_patterns_are_upstreams() {
    let file = "golden/opencompass/post/first_option_patterns.jsonl";
    let Some(path) = internlm_kit::testing::shared_data(file) else { return };
    let rows = std::fs::read_to_string(path).expect("a readable file");
    let first = FirstOption::new("ABCD", true);
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).expect("an object");
        let place = first.decide(row["text"].as_str().expect("a text")).map(|(place, _)| place);
        let place = place.map_or(-1, |place| i64::try_from(place).expect("a small number"));
        assert_eq!(row["pattern"], place, "{}", row["id"]);
    }
}

#[test]
fn unusual_options_use_the_patterns() {
    for options in ["是选", "A B", "A-D"] {
        assert!(FirstOption::new(options, true).cues.is_none(), "{options}");
    }
    assert_eq!(FirstOption::new("甲乙", true).apply("答案是乙"), "乙");
}
