//! What holds for every rule set and every text.

use proptest::prelude::*;
use wanjuan_data::filter::{
    AbnormalCharacters, C4, C4Paragraphs, Decision, FineWeb, GopherQuality, GopherRepetition, Punctuation,
    RefinedWeb, RuleSet, Separators, View,
};
use wanjuan_data::{Bound, Document, Verdict};

fn rule_sets() -> [Box<dyn RuleSet>; 9] {
    [
        Box::new(GopherQuality::default()),
        Box::new(GopherRepetition::default()),
        Box::new(C4::default()),
        Box::new(C4Paragraphs::default()),
        Box::new(FineWeb::default()),
        Box::new(RefinedWeb::default()),
        Box::new(Separators::default()),
        Box::new(AbnormalCharacters::default()),
        Box::new(Punctuation::default()),
    ]
}

/// Texts of the pieces that rules look at: words, marks, brackets, symbols, lines, Chinese, odd characters.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,8} ",
        "[A-Z0-9]{1,6} ",
        Just("the and of to ".to_owned()),
        Just("Use cookies. Lorem ipsum! ".to_owned()),
        "[.,;:!?#()\\[\\]{}\"'…•·-]{1,4}",
        Just("\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("春眠不觉晓，处处闻啼鸟。".to_owned()),
        Just("Ã©â€™锟斤拷\u{fffd}\u{1}".to_owned()),
        "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The number that a reason names is on the side of the threshold that it names.
    #[test]
    fn reasons_are_outside_of_their_limits(text in texts()) {
        for set in rule_sets() {
            let decision = set.decide(&View::new(&text));
            let Some(reason) = decision.reason() else { continue };
            match (reason.value, reason.threshold, reason.bound) {
                (Some(value), Some(threshold), Some(Bound::Maximum)) => {
                    prop_assert!(value > threshold, "{}: {reason}", set.name());
                }
                (Some(value), Some(threshold), Some(Bound::Minimum)) => {
                    prop_assert!(value < threshold, "{}: {reason}", set.name());
                }
                (None, None, None) => {}
                other => prop_assert!(false, "{}: {reason}: {other:?}", set.name()),
            }
        }
    }

    /// A view that other rule sets have used gives the same decisions as a fresh one, and so does the stage.
    #[test]
    fn decisions_do_not_depend_on_what_was_asked_before(text in texts()) {
        let shared = View::new(&text);
        for set in rule_sets() {
            let decision = set.decide(&View::new(&text));
            prop_assert_eq!(set.decide(&shared), decision.clone(), "{}", set.name());
            match (set.apply(Document::new("d", "1", &text)), decision) {
                (Verdict::Keep(document), Decision::Keep) => prop_assert_eq!(&document.content, &text),
                (Verdict::Keep(document), Decision::Rewrite(left)) => prop_assert_eq!(document.content, left),
                (Verdict::Drop(document, reason), Decision::Drop(expected)) => {
                    prop_assert_eq!(&document.content, &text, "a dropped document is as it came");
                    prop_assert_eq!(reason, expected);
                }
                (verdict, decision) => prop_assert!(false, "{}: {verdict:?}, {decision:?}", set.name()),
            }
        }
    }

    /// RefinedWeb only removes lines: the rest is there unchanged and in order.
    #[test]
    fn refinedweb_removes_whole_lines(text in texts()) {
        let Decision::Rewrite(left) = RefinedWeb::default().decide(&View::new(&text)) else { return Ok(()) };
        let mut rest = text.as_str();
        for line in left.split('\n') {
            let at = rest.find(line);
            prop_assert!(at.is_some(), "{line:?} is not left of {text:?}");
            rest = &rest[at.unwrap_or(0) + line.len()..];
        }
    }

    /// Repeating a text adds repetition: what Gopher's limits drop once they drop twice.
    #[test]
    fn repetition_does_not_shrink_when_a_text_is_doubled(words in prop::collection::vec("[a-z]{2,6}", 12..40)) {
        let text = words.join(" ") + ".";
        let doubled = GopherRepetition::default().reason(&format!("{text}\n{text}"));
        prop_assert!(doubled.is_some(), "half of the lines are repeated: {text}");
    }
}

/// The thresholds are inclusive: at a minimum or maximum a text passes, one step beyond it does not.
#[test]
fn limits_are_inclusive() {
    let words = |count: usize| "the good and ".to_owned() + &"word ".repeat(count - 3);
    let reason = |text: &str| GopherQuality::default().reason(text).map(|reason| reason.to_string());
    assert_eq!(reason(&words(50)), None);
    assert_eq!(reason(&words(49)).as_deref(), Some("too-few-words: found 49, expected at least 50"));
    assert_eq!(reason(&words(100_000)), None);
    assert_eq!(
        reason(&words(100_001)).as_deref(),
        Some("too-many-words: found 100001, expected at most 100000")
    );
}
