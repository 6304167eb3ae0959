//! The rules against their definitions, computed in f64 and without counting ahead.

use proptest::prelude::*;

use super::*;

fn ids(ids: &[u32]) -> Vec<TokenId> {
    ids.iter().copied().map(TokenId).collect()
}

#[test]
fn a_bias_is_added_and_foreign_ids_are_ignored() {
    let bias = [(TokenId(0), 2.5), (TokenId(1), -100.0), (TokenId(0), 1.0), (TokenId(9), 7.0)];
    let rules = RowRules::new(LogitRules::default().with_bias(bias), 1.0, 0);
    let mut row = [1.0, 1.0, 1.0];
    rules.bias(&mut row, &[]);
    assert_eq!(row, [4.5, -99.0, 1.0]);
}

#[test]
fn the_last_id_of_a_bad_word_is_forbidden_where_the_others_end_the_text() {
    let words = [ids(&[4]), ids(&[1, 2, 3]), ids(&[0, 0]), Vec::new(), ids(&[99])];
    let rules = RowRules::new(LogitRules::default().with_bad_words(words), 1.0, 2);
    let forbidden = |history: &[u32]| {
        let mut row = [0.0; 5];
        rules.bias(&mut row, &ids(history));
        (0..5).filter(|id| row[*id] == f32::NEG_INFINITY).collect::<Vec<_>>()
    };
    assert_eq!(forbidden(&[]), [4]);
    assert_eq!(forbidden(&[1, 2]), [3, 4], "the prompt counts");
    assert_eq!(forbidden(&[7, 1, 2]), [3, 4]);
    assert_eq!(forbidden(&[1, 2, 7]), [4]);
    assert_eq!(forbidden(&[0]), [0, 4]);
}

#[test]
fn only_allowed_ids_can_be_sampled() {
    let rules = RowRules::new(LogitRules::default().with_allowed(ids(&[3, 1, 3, 99])), 1.0, 0);
    let mut row = [1.0; 5];
    rules.bias(&mut row, &[]);
    let none = f32::NEG_INFINITY;
    assert_eq!(row, [none, 1.0, none, 1.0, none]);
}

#[test]
fn rules_that_change_nothing_are_known() {
    let none = LogitRules::default();
    assert!(none.is_empty() && !none.changes_logits());
    assert!(none.clone().with_bad_words([Vec::new()]).with_ngram_stop(3, 0).with_bias([]).is_empty());
    let stop = none.clone().with_ngram_stop(3, 2);
    assert!(!stop.is_empty() && !stop.changes_logits() && stop.stops_repetitions());
    for rules in [
        none.clone().with_bias([(TokenId(0), 0.0)]),
        none.clone().with_bad_words([ids(&[1])]),
        none.clone().with_allowed(ids(&[1])),
        none.clone().with_presence_penalty(-0.1),
        none.clone().with_frequency_penalty(0.1),
    ] {
        assert!(rules.changes_logits() && !rules.is_empty(), "{rules:?}");
    }
    assert!(RowRules::new(none.clone(), 1.1, 0).changes_logits());
    assert!(!RowRules::new(none, 1.0, 0).changes_logits());
}

/// The definition of OpenAI and vLLM, over the whole text at once.
fn naive(logit: f32, penalties: [f32; 3], in_text: bool, generated: usize) -> f64 {
    let [repetition, frequency, presence] = penalties.map(f64::from);
    let logit = f64::from(logit);
    let weakened = match in_text {
        true if logit > 0.0 => logit / repetition,
        true => logit * repetition,
        false => logit,
    };
    weakened - frequency * generated as f64 - if generated > 0 { presence } else { 0.0 }
}

proptest! {
    /// The text grows by one id at a time, and sometimes by several, as after a preemption.
    #[test]
    fn penalties_equal_their_definition_in_f64(
        logits in prop::collection::vec(-20.0_f32..20.0, 1..30),
        text in prop::collection::vec(0_u32..34, 0..40),
        prompt in 0_usize..20,
        looks in prop::collection::vec(any::<bool>(), 41),
        repetition in prop_oneof![Just(1.0_f32), 0.5_f32..2.0],
        frequency in prop_oneof![Just(0.0_f32), -2.0_f32..2.0],
        presence in prop_oneof![Just(0.0_f32), -2.0_f32..2.0],
    ) {
        let text = ids(&text);
        let prompt = prompt.min(text.len());
        let rules =
            LogitRules::default().with_frequency_penalty(frequency).with_presence_penalty(presence);
        let mut rules = RowRules::new(rules, repetition, prompt);
        for length in (prompt..=text.len()).filter(|length| looks[*length]) {
            let mut row = logits.clone();
            rules.penalize(&mut row, &text[..length]);
            for (id, (before, after)) in (0..).map(TokenId).zip(logits.iter().zip(&row)) {
                let generated = text[prompt..length].iter().filter(|other| **other == id).count();
                let in_text = text[..length].contains(&id);
                let expected = naive(*before, [repetition, frequency, presence], in_text, generated);
                let found = f64::from(*after);
                prop_assert!((found - expected).abs() < 1e-4, "{id:?}: found {found}, expected {expected}");
            }
        }
    }

    #[test]
    fn no_penalty_allows_what_is_forbidden(
        text in prop::collection::vec(0_u32..6, 1..20), penalties in prop::array::uniform3(-2.0_f32..2.0),
    ) {
        let [presence, frequency, repetition] = penalties;
        let rules = LogitRules::default()
            .with_bad_words([ids(&[3])])
            .with_bias([(TokenId(3), 100.0)])
            .with_presence_penalty(presence)
            .with_frequency_penalty(frequency);
        let mut rules = RowRules::new(rules, repetition.abs() + 0.1, 0);
        let mut row = [1.0; 6];
        rules.bias(&mut row, &ids(&text));
        rules.penalize(&mut row, &ids(&text));
        prop_assert_eq!(row[3], f32::NEG_INFINITY);
        prop_assert!(row.iter().all(|logit| !logit.is_nan()));
    }
}
