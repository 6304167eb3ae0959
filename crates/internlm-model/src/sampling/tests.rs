//! Sampling: the filters against their definitions, draws against the softmax, edge cases.

use proptest::prelude::*;

use super::*;

fn config(temperature: f32) -> SamplingConfig {
    SamplingConfig::greedy().with_temperature(temperature)
}

#[test]
fn frequencies_follow_the_softmax() {
    let logits = [0.0, 1.0, 2.0];
    let mut counts = [0_u32; 3];
    for position in 0..30_000 {
        counts[sample(&logits, &[], &config(1.0), position).index()] += 1;
    }
    // softmax(0, 1, 2) = 0.0900, 0.2447, 0.6652
    for (count, expected) in counts.iter().zip([0.0900, 0.2447, 0.6652]) {
        assert!((f64::from(*count) / 30_000.0 - expected).abs() < 0.01, "{counts:?}");
    }
}

#[test]
fn top_k_top_p_and_min_p_cut_the_tail() {
    let logits = [3.0, 2.0, 1.0, 0.0];
    let all = (0..).zip(&logits).map(|(id, logit)| Candidate { id, weight: *logit });
    let ids = |config: &SamplingConfig| candidates(all.clone().collect(), config).len();
    assert_eq!(ids(&config(1.0).with_top_k(2)), 2);
    // softmax = 0.644, 0.237, 0.087, 0.032
    assert_eq!(ids(&config(1.0).with_top_p(0.6)), 1);
    assert_eq!(ids(&config(1.0).with_top_p(0.7)), 2);
    assert_eq!(ids(&config(1.0).with_min_p(0.2)), 2);
}

#[test]
fn the_nucleus_is_found_without_sorting_everything() {
    // Nearly even probabilities: thousands of candidates are needed.
    let weights: Vec<f32> = (0..5000).map(|i| 1.0 - (i * 7919 % 5000) as f32 * 1e-5).collect();
    let all = || (0..).zip(&weights).map(|(id, weight)| Candidate { id, weight: *weight });
    let mut sorted: Vec<Candidate> = all().collect();
    sorted.sort_by(likelier);
    for top_p in [1e-6, 0.03, 0.5, 0.9, 0.999_99] {
        let mut found: Vec<Candidate> = all().collect();
        truncate_top_p(&mut found, top_p);
        assert!(found.iter().zip(&sorted).all(|(a, b)| a.id == b.id));
        let share = |count: usize| sorted[..count].iter().map(|c| c.weight).sum::<f32>() / 4875.0;
        assert!(share(found.len()) >= top_p - 1e-3 && share(found.len() - 1) < top_p + 1e-3);
    }
}

#[test]
fn the_best_entries_decide_like_the_whole_row() {
    // Ties, and values that fall together once they are divided.
    let logits: Vec<f32> = (0..200).map(|i| (i * 37 % 50) as f32 * 0.11).collect();
    let mut best: Vec<(TokenId, f32)> = (0..).map(TokenId).zip(logits.iter().copied()).collect();
    best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    for (temperature, top_k) in [(0.0, None), (0.7, Some(20)), (1e20, Some(7)), (1.3, Some(1))] {
        let config = SamplingConfig { top_k, top_p: 0.9, min_p: 0.01, ..config(temperature) };
        let needed = best_needed(&config).expect("a number decides");
        for position in 0..50 {
            let whole = sample(&logits, &[], &config, position);
            assert_eq!(sample_best(&best[..needed], &config, position), Some(whole));
            assert_eq!(sample_best(&best[..needed + 5], &config, position), Some(whole));
        }
    }
    assert_eq!(best_needed(&config(1.0)), None);
    assert_eq!(best_needed(&config(0.0).with_repetition_penalty(1.1)), None);
    assert_eq!(sample_best(&[], &config(0.0), 0), None);
}

#[test]
fn penalty_counts_a_token_once_and_ignores_foreign_ids() {
    let mut logits = [2.0, -2.0];
    penalize(&mut logits, &[TokenId(0), TokenId(0), TokenId(1), TokenId(9)], 2.0);
    assert_eq!(logits, [1.0, -4.0]);
}

#[test]
fn nan_and_empty_logits_do_not_panic() {
    assert_eq!(sample(&[f32::NAN, 1.0], &[], &config(0.7), 3), TokenId(1));
    assert_eq!(sample(&[f32::NAN], &[], &config(0.7), 3), TokenId(0));
    assert_eq!(sample(&[], &[], &config(0.7), 3), TokenId(0));
}

#[test]
fn temperatures_too_small_to_divide_by_are_greedy() {
    let logits = [1.0, 3.0, -2.0, 3.0];
    let best = [(TokenId(1), 3.0), (TokenId(3), 3.0)];
    for temperature in [0.0, f32::from_bits(1), 1e-38, 9e-6] {
        let config = config(temperature).with_top_k(2);
        assert!(config.is_greedy() && config.problems().is_empty());
        assert_eq!(best_needed(&config), Some(1));
        for position in 0..20 {
            assert_eq!(sample(&logits, &[], &config, position), TokenId(1), "temperature {temperature}");
            assert_eq!(sample_best(&best, &config, position), Some(TokenId(1)));
        }
    }
    assert!(!config(1e-5).is_greedy());
}

#[test]
fn a_row_without_an_allowed_token_has_no_next_one() {
    for config in [config(0.0), config(0.7), config(0.7).with_top_k(3)] {
        assert_eq!(sample_row(&[f32::NEG_INFINITY; 200], &config, 0), None);
        assert_eq!(sample_row(&[], &config, 0), None);
        let mut one = [f32::NEG_INFINITY; 200];
        one[150] = -1e30;
        assert_eq!(sample_row(&one, &config, 0), Some(TokenId(150)));
    }
}

#[test]
fn all_problems_are_named() {
    let config = config(-1.0).with_top_k(0).with_top_p(0.0).with_min_p(2.0);
    assert_eq!(config.problems().len(), 4);
}

/// The ids that survive, by the definitions: each filter sees what the one before it left, sorted by probability.
fn kept(logits: &[f32], config: &SamplingConfig) -> Vec<usize> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // Probabilities up to a factor that no filter depends on.
    let weight = |id: usize| ((logits[id] - largest) / config.temperature).exp();
    let mut ids: Vec<usize> = (0..logits.len()).collect();
    // The sort is stable: smaller ids come first among equal logits.
    ids.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]));
    ids.truncate(config.top_k.unwrap_or(ids.len()));
    let total: f64 = ids.iter().map(|&id| f64::from(weight(id))).sum();
    let mut sum = 0.0;
    let mut nucleus: Vec<usize> = Vec::new();
    for id in ids {
        if nucleus.is_empty() || sum < f64::from(config.top_p) * total || config.top_p == 1.0 {
            nucleus.push(id);
        }
        sum += f64::from(weight(id));
    }
    nucleus.retain(|&id| weight(id) >= config.min_p);
    nucleus.sort_unstable();
    nucleus
}

proptest! {
    /// Logits and temperatures are multiples of powers of two, so that both sides divide without rounding.
    #[test]
    fn the_filters_keep_exactly_what_their_definitions_keep(
        quarters in prop::collection::vec(-32_i8..32, 1..60),
        temperature in prop::sample::select(vec![0.5_f32, 1.0, 2.0]),
        top_k in prop::option::of(1_usize..70),
        top_p in prop_oneof![Just(1.0_f32), 0.01_f32..1.0],
        min_p in prop_oneof![Just(0.0_f32), 0.0_f32..1.0],
    ) {
        let logits: Vec<f32> = quarters.iter().map(|&quarter| f32::from(quarter) / 4.0).collect();
        let config = SamplingConfig { top_k, ..config(temperature).with_top_p(top_p).with_min_p(min_p) };
        let all = (0..).zip(&logits).map(|(id, logit)| Candidate { id, weight: *logit });
        let mut found: Vec<usize> =
            candidates(all.collect(), &config).iter().map(|candidate| candidate.id as usize).collect();
        found.sort_unstable();
        prop_assert_eq!(found, kept(&logits, &config));
    }

    #[test]
    fn a_penalty_weakens_exactly_the_tokens_of_the_history(
        logits in prop::collection::vec(-8.0_f32..8.0, 1..20), history in prop::collection::vec(0_u32..25, 0..30),
        penalty in 1.0_f32..4.0,
    ) {
        let history: Vec<TokenId> = history.into_iter().map(TokenId).collect();
        let mut penalized = logits.clone();
        penalize(&mut penalized, &history, penalty);
        for (id, (before, after)) in logits.iter().zip(&penalized).enumerate() {
            let seen = history.iter().any(|token| token.index() == id);
            let expected = if !seen { *before } else if *before > 0.0 { before / penalty } else { before * penalty };
            prop_assert_eq!(*after, expected, "token {}", id);
        }
    }

    #[test]
    fn the_largest_entries_are_those_of_a_sorted_row(
        // Few values, so that ties happen; more entries than are collected at once.
        values in prop::collection::vec(0_u8..40, 0..3000), rising in any::<bool>(), count in 0_usize..600,
    ) {
        let logit = |(place, value): (usize, &u8)| match value {
            0 => f32::NEG_INFINITY,
            1 => f32::NAN,
            value => f32::from(*value) / 8.0 - 2.0 + if rising { place as f32 } else { 0.0 },
        };
        let row: Vec<f32> = values.iter().enumerate().map(logit).collect();
        let mut sorted: Vec<(TokenId, f32)> = (0..).map(TokenId).zip(row.iter().copied()).collect();
        sorted.retain(|entry| entry.1 > f32::NEG_INFINITY);
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
        let first = sorted.first().map_or(TokenId(0), |entry| entry.0);
        prop_assert_eq!(argmax(&row), first);
        sorted.truncate(count);
        prop_assert_eq!(largest(&row, count), sorted);
    }

    /// Whatever the numbers are, the answer is a token that may be chosen, the same from the row and from its best.
    #[test]
    fn every_sample_is_a_token_above_negative_infinity(
        logits in prop::collection::vec(
            prop_oneof![
                4 => -30.0_f32..30.0,
                1 => prop::sample::select(vec![0.0, -0.0, f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY]),
            ],
            1..200,
        ),
        temperature in prop_oneof![
            Just(0.0_f32), 1e-45_f32..1e-5, 1e-5_f32..1e-3, 0.1_f32..2.0, Just(1e30_f32), Just(f32::MAX)
        ],
        top_k in 1_usize..250,
        top_p in 1e-6_f32..=1.0,
        min_p in prop_oneof![Just(0.0_f32), 0.0_f32..=1.0],
        position in any::<u64>(),
    ) {
        let all = SamplingConfig { min_p, ..config(temperature).with_top_p(top_p) };
        let allowed = |id: TokenId| logits[id.index()] > f32::NEG_INFINITY;
        let any = logits.iter().any(|logit| *logit > f32::NEG_INFINITY);
        for config in [all.clone(), all.with_top_k(top_k)] {
            let chosen = sample_row(&logits, &config, position);
            prop_assert_eq!(chosen.is_some(), any);
            prop_assert!(chosen.is_none_or(allowed));
            if let Some(needed) = best_needed(&config) {
                prop_assert_eq!(sample_best(&largest(&logits, needed), &config, position), chosen);
            }
            if let Some(chosen) = chosen {
                prop_assert_eq!(sample(&logits, &[], &config, position), chosen);
            }
            let found = logits.iter().filter(|logit| **logit > f32::NEG_INFINITY);
            let found = (0..).zip(found).map(|(id, logit)| Candidate { id, weight: *logit }).collect();
            if !config.is_greedy() {
                let weights = candidates(found, &config);
                prop_assert!(weights.iter().all(|candidate| (0.0..=1.0).contains(&candidate.weight)));
            }
        }
    }
}
