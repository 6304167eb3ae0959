//! Every loss against differences in f64, and against its formula written out.

use super::super::answer::Answer;
use super::*;

const LOSSES: [PreferenceLoss; 10] = [
    PreferenceLoss::Sigmoid,
    PreferenceLoss::Robust,
    PreferenceLoss::Hinge,
    PreferenceLoss::Ipo,
    PreferenceLoss::KtoPair,
    PreferenceLoss::SppoHard,
    PreferenceLoss::NcaPair,
    PreferenceLoss::Orpo,
    PreferenceLoss::Simpo,
    PreferenceLoss::Kto,
];

/// Settings of `loss` that none of its parts vanish with.
fn config(loss: PreferenceLoss) -> PreferenceConfig {
    let config = PreferenceConfig::new(loss);
    match loss {
        PreferenceLoss::Sigmoid | PreferenceLoss::Robust | PreferenceLoss::Simpo => {
            config.with_label_smoothing(0.1)
        }
        PreferenceLoss::Kto => config.with_weights(1.5, 0.75),
        _ => config,
    }
}

/// Examples whose numbers are (log-probability, reference, tokens) of both answers.
fn group(kinds: [ExampleKind; 3], shift: f64) -> Vec<Compared> {
    let numbers = [
        [(-12.0, -13.5, 7), (-20.25, -18.0, 9)],
        [(-3.5, -2.75, 3), (-6.125, -7.0, 4)],
        [(-31.0, -36.0, 20), (-9.0, -9.5, 6)],
    ];
    let answer = |(log_prob, reference, tokens): (f64, f64, usize)| Answer {
        log_prob,
        reference: reference + shift,
        tokens,
    };
    let examples = kinds.into_iter().zip(numbers);
    examples.map(|(kind, numbers)| Compared { kind, answers: numbers.map(answer) }).collect()
}

fn total(config: &PreferenceConfig, group: &[Compared]) -> f64 {
    grade(config, group).iter().map(|graded| graded.loss).sum()
}

/// The derivative of the loss of the whole group by one log-probability.
fn difference(config: &PreferenceConfig, group: &[Compared], [example, side]: [usize; 2]) -> f64 {
    let step = 1e-4;
    let moved = |by: f64| {
        let mut moved = group.to_vec();
        moved[example].answers[side].log_prob += by;
        total(config, &moved)
    };
    (8.0 * (moved(step) - moved(-step)) - (moved(2.0 * step) - moved(-2.0 * step))) / (12.0 * step)
}

#[test]
fn derivatives_are_those_of_differences() {
    for loss in LOSSES {
        let kinds = match loss {
            PreferenceLoss::Kto => [ExampleKind::Desirable, ExampleKind::Undesirable, ExampleKind::Desirable],
            _ => [ExampleKind::Pair; 3],
        };
        // With and without means above 0, which the losses of KTO cut off.
        for shift in [-1.0, 0.0, 2.0] {
            let (config, group) = (config(loss), group(kinds, shift));
            let graded = grade(&config, &group);
            for (example, graded) in graded.iter().enumerate() {
                for side in 0..2 {
                    let found = graded.derivatives[side];
                    if loss == PreferenceLoss::Kto && side == 1 {
                        assert_eq!(found, 0.0, "mismatched answers are not learned from");
                        continue;
                    }
                    let expected = difference(&config, &group, [example, side]);
                    let far = (found - expected).abs();
                    assert!(far <= 1e-5 * expected.abs() + 1e-10, "{loss:?} {shift}: {found} {expected}");
                }
            }
        }
    }
}

#[test]
fn losses_are_the_formulas_written_out() {
    let s = |x: f64| 1.0 / (1.0 + (-x).exp());
    let group = group([ExampleKind::Pair; 3], 0.0);
    let first = |loss: PreferenceLoss| grade(&config(loss), &group)[0].loss;
    // The first example: P = 1.5, N = -2.25, d = 3.75.
    let b = 0.1;
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    near(first(PreferenceLoss::Sigmoid), -0.9 * s(b * 3.75).ln() - 0.1 * s(-b * 3.75).ln());
    near(first(PreferenceLoss::Robust), (-0.9 * s(b * 3.75).ln() + 0.1 * s(-b * 3.75).ln()) / 0.8);
    near(first(PreferenceLoss::Hinge), 1.0 - b * 3.75);
    near(first(PreferenceLoss::Ipo), (1.5 / 7.0 + 2.25 / 9.0 - 5.0_f64).powi(2));
    near(first(PreferenceLoss::SppoHard), (1.5 - 5.0_f64).powi(2) + (-2.25 + 5.0_f64).powi(2));
    near(first(PreferenceLoss::NcaPair), -s(b * 1.5).ln() - 0.5 * s(-b * 1.5).ln() - 0.5 * s(b * 2.25).ln());
    let (lc, lr) = (-12.0 / 7.0, -20.25 / 9.0_f64);
    near(
        first(PreferenceLoss::Simpo),
        -0.9 * s(2.0 * (lc - lr) - 0.5).ln() - 0.1 * s(0.5 - 2.0 * (lc - lr)).ln(),
    );
    let ratio = lc - lr - ((1.0 - f64::exp(lc)).ln() - (1.0 - f64::exp(lr)).ln());
    near(first(PreferenceLoss::Orpo), -lc - b * s(ratio).ln());
    // Means of P = 1.5, -0.75, 5 and of N = -2.25, 0.875, 0.5.
    let (zp, zn) = (5.75 / 3.0, 0.0);
    near(first(PreferenceLoss::KtoPair), 0.5 * (1.0 - s(b * (1.5 - zn)) + 1.0 - s(b * (zp + 2.25))));
}

#[test]
fn single_answers_are_weighed_and_compared_with_mismatched_ones() {
    let kinds = [ExampleKind::Desirable, ExampleKind::Undesirable, ExampleKind::Undesirable];
    let (config, group) = (config(PreferenceLoss::Kto), group(kinds, -1.0));
    let graded = grade(&config, &group);
    // Scores are one larger now: own 2.5, 0.25, 6; mismatched -1.25, 1.875, 1.5.
    let z = 2.125 / 3.0;
    let s = |x: f64| 1.0 / (1.0 + (-x).exp());
    let expected = [1.5 * (1.0 - s(0.1 * (2.5 - z))), 0.75 * (1.0 - s(0.1 * (z - 0.25)))];
    for (graded, expected) in graded.iter().zip(expected) {
        assert!((graded.loss - expected).abs() < 1e-12 && (graded.reference_point - 0.1 * z).abs() < 1e-12);
    }
    assert!((graded[2].rewards[0] - 0.6).abs() < 1e-12);
}

#[test]
fn no_group_is_no_loss() {
    for loss in LOSSES {
        assert!(grade(&config(loss), &[]).is_empty(), "{loss:?}");
    }
}
