//! Every loss against differences in f64, and against its formula written out.

use super::*;

/// Losses with every comparison and penalty, and a power that is not the default.
fn configs() -> Vec<RewardConfig> {
    let mut configs = Vec::new();
    for penalty in [Penalty::LogBarrier, Penalty::L2, Penalty::None] {
        let weight = |config: RewardConfig| match penalty {
            Penalty::None => config.with_penalty(penalty),
            _ => config.with_penalty(penalty).with_penalty_weight(0.02),
        };
        configs.push(weight(RewardConfig::new(RankingLoss::Ranking)));
        configs.push(weight(RewardConfig::new(RankingLoss::Focal)));
        configs.push(weight(RewardConfig::new(RankingLoss::Focal).with_gamma(1.5)));
    }
    configs
}

/// The derivative by one score, from differences.
fn difference(config: &RewardConfig, scores: [f64; 2], side: usize) -> f64 {
    let step = 1e-4;
    let moved = |by: f64| {
        let mut moved = scores;
        moved[side] += by;
        PairLoss::of(config, moved).loss
    };
    (8.0 * (moved(step) - moved(-step)) - (moved(2.0 * step) - moved(-2.0 * step))) / (12.0 * step)
}

#[test]
fn derivatives_are_those_of_differences() {
    // The last ones are outside of the bounds, where the barrier is constant.
    let scores = [
        [0.3, -0.2],
        [-1.5, 2.25],
        [4.0, -4.5],
        [4.9, 4.7],
        [-4.98, -4.0],
        [0.01, 0.0],
        [6.0, 5.5],
        [-7.0, 3.0],
    ];
    for config in configs() {
        for scores in scores {
            let found = PairLoss::of(&config, scores).derivatives;
            for side in 0..2 {
                let expected = difference(&config, scores, side);
                let far = (found[side] - expected).abs();
                assert!(far <= 1e-5 * expected.abs() + 1e-10, "{config:?} {scores:?}: {found:?} {expected}");
            }
        }
    }
}

#[test]
fn losses_are_the_formulas_written_out() {
    let s = |x: f64| 1.0 / (1.0 + (-x).exp());
    let barrier = |x: f64| -((x + 5.0).ln() + (5.0 - x).ln());
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-11, "{found} {expected}");
    for [chosen, rejected] in [[1.5, -0.5], [-2.0, 1.0]] {
        let p: f64 = s(chosen - rejected);
        let loss = |config: &RewardConfig| PairLoss::of(config, [chosen, rejected]).loss;
        let focal = -(1.0 - 2.0 * (p - 0.5).max(0.0)).powi(2) * p.ln();
        near(loss(&RewardConfig::default()), focal + 0.01 * (barrier(chosen) + barrier(rejected)));
        let ranking = RewardConfig::new(RankingLoss::Ranking);
        near(loss(&ranking.clone().with_penalty(Penalty::None)), -p.ln());
        let squares = chosen * chosen + rejected * rejected;
        near(loss(&ranking.with_penalty(Penalty::L2).with_penalty_weight(0.5)), -p.ln() + 0.5 * squares);
    }
    let outside =
        PairLoss::of(&RewardConfig::new(RankingLoss::Ranking).with_penalty_weight(1.0), [9.0, -9.0]);
    near(outside.loss, (1.0 + (-18.0_f64).exp()).ln() - 2.0 * (9.999_f64.ln() + 0.001_f64.ln()));
}

#[test]
fn equal_scores_and_far_ones_are_finite_and_what_is_not_a_number_is_seen() {
    for config in configs() {
        for scores in [[0.0, 0.0], [800.0, -800.0], [-800.0, 800.0]] {
            let PairLoss { loss, derivatives } = PairLoss::of(&config, scores);
            assert!(loss.is_finite() && derivatives.iter().all(|slope| slope.is_finite()), "{config:?}");
        }
        assert!(PairLoss::of(&config, [f64::NAN, 0.0]).loss.is_nan());
    }
    let equal = PairLoss::of(&RewardConfig::default().with_penalty(Penalty::None), [0.5, 0.5]);
    assert_eq!((equal.loss, equal.derivatives), (std::f64::consts::LN_2, [-0.5, 0.5]));
}
