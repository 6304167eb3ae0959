//! Derivatives of whole steps against finite differences, cut into passes in several ways.

use internlm_model::TokenId;

use super::*;

fn row(prompt: u32, answer: u32) -> Row {
    let ids: Vec<TokenId> = (0..prompt + answer).map(TokenId).collect();
    let mut row = Row::sample(&ids);
    row.labels.iter_mut().take(prompt as usize - 1).for_each(|label| *label = None);
    row
}

fn tokens(count: usize, seed: f64) -> AnswerTokens {
    let series = |scale: f64| (0..count).map(|index| scale * ((index as f64 + seed) * 1.7).sin()).collect();
    AnswerTokens {
        old: (0..count).map(|index| -1.0 - 0.1 * index as f64).collect(),
        advantages: series(2.0),
        references: (0..count).map(|index| -1.3 + 0.05 * index as f64).collect(),
        importance: (0..count).map(|index| 0.5 + 0.2 * index as f64).collect(),
    }
}

fn rows() -> Vec<(Row, PolicyRow)> {
    vec![
        (row(3, 4), PolicyRow::Answer(tokens(4, 0.3))),
        (row(2, 3), PolicyRow::Answer(AnswerTokens { importance: Vec::new(), ..tokens(3, 1.1) })),
        (row(1, 5), PolicyRow::Text),
    ]
}

fn settings() -> PolicyLoss {
    let clip = Clip { low: 0.2, high: 0.28, cap: Some(3.0) };
    PolicyLoss { clip, kl: KlEstimator::K3, kl_weight: 0.3, text_weight: 0.5 }
}

/// Loss and derivatives of all rows, `per_pass` rows at a time.
fn whole(objective: &mut dyn Objective, rows: &[Row], outputs: &[f32], per_pass: usize) -> (f64, Vec<f32>) {
    objective.prepare(0, rows).expect("its own rows");
    let (mut loss, mut gradient) = (0.0, Vec::new());
    for first in (0..rows.len()).step_by(per_pass) {
        let range = first..rows.len().min(first + per_pass);
        let mut joined = Row::default();
        rows[range.clone()].iter().for_each(|row| joined.append(row));
        let end = gradient.len() + joined.tokens();
        let pass = Pass { step: 0, rows: range, row: &joined };
        let found = objective.loss(&pass, &outputs[gradient.len()..end]).expect("a loss");
        loss += found.loss;
        gradient.extend(found.gradient);
    }
    (loss, gradient)
}

fn check(objective: &mut dyn Objective, rows: &[Row]) {
    let tokens: usize = rows.iter().map(Row::tokens).sum();
    let outputs: Vec<f32> = (0..tokens).map(|place| -1.1 - 0.07 * (place % 9) as f32).collect();
    let (loss, gradient) = whole(objective, rows, &outputs, 3);
    for per_pass in [1, 2] {
        let (other, others) = whole(objective, rows, &outputs, per_pass);
        assert!((loss - other).abs() < 1e-12 && gradient == others, "{per_pass} rows per pass");
    }
    // Powers of two, which f32 adds exactly.
    let step = 2.0_f32.powi(-12);
    let mut trained = 0;
    for (place, found) in gradient.iter().enumerate() {
        let at = |moved: f32, objective: &mut dyn Objective| {
            let mut outputs = outputs.clone();
            outputs[place] += moved;
            (f64::from(outputs[place]), whole(objective, rows, &outputs, 3).0)
        };
        let ((above, high), (below, low)) = (at(step, &mut *objective), at(-step, &mut *objective));
        let expected = (high - low) / (above - below);
        let found = f64::from(*found);
        assert!((found - expected).abs() < 2e-5 * (1.0 + expected.abs()), "{place}: {found} {expected}");
        trained += usize::from(found != 0.0);
    }
    assert!(trained >= 6, "{gradient:?}");
}

#[test]
fn the_actors_derivatives_are_those_of_finite_differences() {
    use KlEstimator::{Abs, K1, K2, K3};
    let rows = rows();
    let plain: Vec<Row> = rows.iter().map(|(row, _)| row.clone()).collect();
    for kl in [K1, Abs, K2, K3] {
        let mut objective = PolicyObjective::new(PolicyLoss { kl, ..settings() }, &rows).expect("fits");
        check(&mut objective, &plain);
        let measured = objective.measured();
        let names: Vec<&str> = measured.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["policy_loss", "clipped", "kl", "text_loss"]);
    }
}

#[test]
fn the_critics_derivatives_are_those_of_finite_differences() {
    let rows = [row(3, 4), row(2, 3)];
    let returns = [vec![0.1, -0.4, 1.0, 2.0], vec![0.0, 0.5, -3.0]];
    let mut objective = ValueObjective::new(&rows, &returns).expect("fits");
    check(&mut objective, &rows);
    assert!(ValueObjective::new(&rows, &returns[..1]).is_err());
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    let wrong = [(row(3, 4), PolicyRow::Answer(tokens(3, 0.0)))];
    let text = PolicyObjective::new(settings(), &wrong).expect_err("3 of 4").to_string();
    assert!(text.contains("found 3 numbers, expected one for each of its 4 labels"), "{text}");
    let mut objective = PolicyObjective::new(settings(), &rows()).expect("fits");
    assert!(objective.prepare(0, &[row(3, 4)]).is_err());
}
