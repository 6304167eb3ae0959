//! The win rate at equal length (Dubois et al. 2024, arXiv:2404.04475): how often a model would win if its answers were
//! as long as those of the baseline.
//!
//! A logistic regression explains each outcome by a constant and by the difference of the lengths,
//! P(win) = s(c + b tanh(d / std(d))) with the logistic function s; the result is s(c). The term for the difficulty
//! of an instruction, which needs the answers of many models, is left out.

/// Number of Newton steps.
const STEPS: usize = 50;
/// Weight of the penalty on both parameters, so that a model that always wins has a finite one.
const PENALTY: f64 = 1e-3;

/// Returns the win rate at equal length, from 0 to 1. Each outcome is 1 for a win, 0.5 for a tie and 0 for a loss, with
/// the number of letters by which the model's answer is longer. `None` without outcomes.
pub(super) fn length_controlled(outcomes: &[(f64, f64)]) -> Option<f64> {
    if outcomes.is_empty() {
        return None;
    }
    let count = outcomes.len() as f64;
    let variance = outcomes.iter().map(|(_, longer)| longer * longer).sum::<f64>() / count;
    let scale = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    let (mut constant, mut slope) = (0.0_f64, 0.0_f64);
    for _ in 0..STEPS {
        // Gradient and Hessian of the log-likelihood.
        let (mut g0, mut g1) = (-PENALTY * constant, -PENALTY * slope);
        let (mut h00, mut h01, mut h11) = (PENALTY, 0.0, PENALTY);
        for (outcome, longer) in outcomes {
            let x = (longer / scale).tanh();
            let p = logistic(constant + slope * x);
            let weight = p * (1.0 - p);
            g0 += outcome - p;
            g1 += (outcome - p) * x;
            h00 += weight;
            h01 += weight * x;
            h11 += weight * x * x;
        }
        let determinant = h00 * h11 - h01 * h01;
        if determinant.abs() < 1e-12 {
            break;
        }
        let (d0, d1) = ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant);
        // Short steps keep the iteration stable where all outcomes are equal.
        constant += d0.clamp(-2.0, 2.0);
        slope += d1.clamp(-2.0, 2.0);
        if d0.abs() + d1.abs() < 1e-10 {
            break;
        }
    }
    Some(logistic(constant))
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_effect_of_length_the_win_rate_stays() {
        let outcomes: Vec<(f64, f64)> = (0..400)
            .map(|i| (f64::from(u8::from(i % 4 != 0)), if i % 8 < 4 { 100.0 } else { -100.0 }))
            .collect();
        assert!((length_controlled(&outcomes).expect("outcomes") - 0.75).abs() < 1e-3);
        assert_eq!(length_controlled(&[]), None);
    }

    #[test]
    fn wins_by_length_alone_count_less() {
        // Of three answers two are longer, and the longer ones win nine of ten times, the shorter ones one of ten.
        let outcomes: Vec<(f64, f64)> = (0..300)
            .map(|i| {
                let longer = i % 3 != 0;
                let wins = if longer { (i / 3) % 10 != 0 } else { (i / 3) % 10 == 0 };
                (f64::from(u8::from(wins)), if longer { 200.0 } else { -200.0 })
            })
            .collect();
        let plain = outcomes.iter().map(|(outcome, _)| outcome).sum::<f64>() / 300.0;
        let controlled = length_controlled(&outcomes).expect("outcomes");
        assert!(plain > 0.6 && (controlled - 0.5).abs() < 0.02, "{plain} {controlled}");
    }
}
