//! Continuations, norms and their winners.

use super::*;

fn prompt(text: &str) -> LabelPrompt {
    LabelPrompt { label: "A".to_owned(), text: text.to_owned() }
}

#[test]
fn spaces_before_the_continuation_belong_to_it() {
    let cut = |text, mark, column| cut(&prompt(text), mark, column);
    let expected = ("q; A is".to_owned(), " blue".to_owned());
    assert_eq!(cut("q; A is <s>blue", Some("<s>"), None).expect("a mark"), expected);
    // Examples keep their marks in compatible prompts; the last one counts.
    assert_eq!(cut("q<s>; A is <s>blue", Some("<s>"), None).expect("a mark"), expected);
    assert_eq!(cut("q; A is blue", None, Some(" blue")).expect("a column"), expected);
    let error = cut("q", Some("<s>"), None).expect_err("no mark");
    assert_eq!(error, "label A: found no `<s>`, expected it before the continuation");
    assert!(cut("q", None, None).expect_err("nothing").contains("column cont"));
}

fn item(continuations: [&str; 2]) -> Item {
    let ask = |label: &str, part, text: &str| Ask {
        key: String::new(),
        request: Request::Score { text: ScoredText::Ids(vec![1, 2]), from: 1 },
        label: Some(label.to_owned()),
        bytes: text.len(),
        part,
        prompt: Some(text.to_owned()),
    };
    let mut asks = Vec::new();
    for (label, text) in ["A", "B"].into_iter().zip(continuations) {
        asks.push(ask(label, AskPart::Own, &format!("q{text}")));
        asks.push(ask(label, AskPart::Baseline, text));
    }
    Item { asks, ..Item::default() }
}

fn scored(log_prob: f64) -> Outcome {
    Ok(Answer::Scored { tokens: 2, log_prob, unscored_bytes: 0 })
}

#[test]
fn every_norm_has_its_own_winner() {
    // By the sum A wins, by characters and bytes B, by mutual information A again.
    let outcomes = [scored(-2.0), scored(-4.0), scored(-3.0), scored(-3.5)];
    let found = conclude(&item([" a", " longer"]), &outcomes);
    assert_eq!(found.text.as_deref(), Some("A"));
    assert_eq!(
        found.record["norms"],
        json!({ "acc": "A", "acc_norm": "B", "acc_bytes": "B", "acc_mutual_info": "A" })
    );
    let bits = found.record["label: A"]["bits_per_byte"].as_f64().expect("a number");
    assert!((bits - 1.0 / std::f64::consts::LN_2).abs() < 1e-12, "{bits}");
}

#[test]
fn characters_and_bytes_are_not_the_same() {
    let outcomes = [scored(-3.0), scored(0.0), scored(-3.9), scored(0.0)];
    let found = conclude(&item(["ä€", "xyz"]), &outcomes);
    let norms = &found.record["norms"];
    assert_eq!((&norms["acc_norm"], &norms["acc_bytes"]), (&json!("B"), &json!("A")));
}

#[test]
fn failures_and_ties_are_told() {
    let failed = conclude(&item(["a", "b"]), &[scored(-1.0), Err("status 500".to_owned())]);
    assert_eq!((failed.text, failed.error.as_deref()), (None, Some("status 500")));
    let tied = conclude(&item(["a", "b"]), &[scored(-1.0), scored(0.0), scored(-1.0), scored(0.0)]);
    assert_eq!((tied.text.as_deref(), tied.tied), (Some("A"), true));
}
