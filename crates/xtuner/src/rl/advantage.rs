//! How much better an answer is than the other answers to the same prompt: the GRPO family of baselines.
//!
//! For K answers with rewards r and lengths len:
//!
//! - `grpo` (Shao et al., 2024): `(r - mean) / (std + 1e-8)`, std with K - 1;
//! - `drgrpo`: the same times `len / max_len`, which takes the division by the length out of the loss;
//! - `rloo` (Ahmadian et al., 2024): `r_i` minus the mean of the others;
//! - `opo` (Hao et al., 2025): `r - sum(r len) / sum(len)`;
//! - `pass-k` (Chen et al., 2025): with c right answers and `p = 1 - C(K-c, k) / C(K, k)`, `s = sqrt(p (1-p)) + 1e-6`,
//!   a right one has `(1 - p) / s`, a wrong one `(1 - p - C(K-c-1, k-1) / C(K-1, k-1)) / s`.
//!
//! Upstream's `pass-k` gives a wrong answer -1e6 when every answer is wrong; here the formula holds there too, and is 0.

use serde::{Deserialize, Serialize};

/// Added to the standard deviation of `grpo` and `drgrpo`.
const DEVIATION_EPS: f64 = 1e-8;
/// Added to the standard deviation of `pass-k`.
const PASS_EPS: f64 = 1e-6;

/// The baseline that the rewards of a group are compared with.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum AdvantageKind {
    /// Mean and standard deviation of the group.
    #[default]
    Grpo,
    /// As `grpo`, in proportion to the length of the answer.
    Drgrpo,
    /// Mean of the other answers.
    Rloo,
    /// Mean weighted by the lengths.
    Opo,
    /// Chance that at least one of k answers is right; rewards above 0 are right.
    PassK,
}

/// Numbers that single kinds of advantages need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdvantageSettings {
    /// The kind of baseline.
    pub kind: AdvantageKind,
    /// Length that `drgrpo` divides by, in tokens.
    pub max_length: f64,
    /// The k of `pass-k`; at most the size of the group is used.
    pub k: usize,
}

/// Reward and length of one answer of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupAnswer {
    /// Total reward of the answer.
    pub reward: f64,
    /// Number of generated tokens.
    pub length: f64,
}

/// The advantage of each answer of one group.
///
/// ```
/// use xtuner::rl::{AdvantageKind, AdvantageSettings, GroupAnswer, group_advantages};
///
/// let group = [1.0, 0.0, 0.0].map(|reward| GroupAnswer { reward, length: 5.0 });
/// let settings = AdvantageSettings { kind: AdvantageKind::Rloo, max_length: 8.0, k: 1 };
/// assert_eq!(group_advantages(&group, &settings), [1.0, -0.5, -0.5]);
/// ```
#[must_use]
pub fn group_advantages(group: &[GroupAnswer], settings: &AdvantageSettings) -> Vec<f64> {
    match settings.kind {
        AdvantageKind::Grpo => standardized(group),
        AdvantageKind::Drgrpo => {
            let lengths = group.iter().map(|answer| answer.length / settings.max_length);
            standardized(group).into_iter().zip(lengths).map(|(advantage, share)| advantage * share).collect()
        }
        AdvantageKind::Rloo => leave_one_out(group),
        AdvantageKind::Opo => {
            let tokens: f64 = group.iter().map(|answer| answer.length).sum();
            let weighted: f64 = group.iter().map(|answer| answer.reward * answer.length).sum();
            let baseline = if tokens > 0.0 { weighted / tokens } else { 0.0 };
            group.iter().map(|answer| answer.reward - baseline).collect()
        }
        AdvantageKind::PassK => pass_k(group, settings.k),
    }
}

fn mean(group: &[GroupAnswer]) -> f64 {
    group.iter().map(|answer| answer.reward).sum::<f64>() / group.len().max(1) as f64
}

fn standardized(group: &[GroupAnswer]) -> Vec<f64> {
    let mean = mean(group);
    let squares: f64 = group.iter().map(|answer| (answer.reward - mean).powi(2)).sum();
    // One answer alone has nothing to be compared with.
    let deviation = if group.len() > 1 { (squares / (group.len() - 1) as f64).sqrt() } else { 0.0 };
    group.iter().map(|answer| (answer.reward - mean) / (deviation + DEVIATION_EPS)).collect()
}

fn leave_one_out(group: &[GroupAnswer]) -> Vec<f64> {
    if group.len() < 2 {
        return vec![0.0; group.len()];
    }
    let total: f64 = group.iter().map(|answer| answer.reward).sum();
    let others = (group.len() - 1) as f64;
    group.iter().map(|answer| answer.reward - (total - answer.reward) / others).collect()
}

fn pass_k(group: &[GroupAnswer], k: usize) -> Vec<f64> {
    let count = group.len();
    let k = k.clamp(1, count.max(1));
    let right = group.iter().filter(|answer| answer.reward > 0.0).count();
    let wrong = count - right;
    let pass = 1.0 - share_of_choices(wrong, count, k);
    let deviation = (pass * (1.0 - pass)).sqrt() + PASS_EPS;
    // The chance that k - 1 more answers are wrong too, given one that is.
    let all_wrong = wrong.checked_sub(1).map_or(0.0, |rest| share_of_choices(rest, count - 1, k - 1));
    let value = |answer: &GroupAnswer| {
        let excess = if answer.reward > 0.0 { 1.0 - pass } else { 1.0 - pass - all_wrong };
        excess / deviation
    };
    group.iter().map(value).collect()
}

/// `C(part, k) / C(whole, k)`: the chance that k drawn of `whole` are all among `part` of them.
fn share_of_choices(part: usize, whole: usize, k: usize) -> f64 {
    if k > part {
        return 0.0;
    }
    (0..k).map(|drawn| (part - drawn) as f64 / (whole - drawn) as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advantages(kind: AdvantageKind, rewards: &[f64], k: usize) -> Vec<f64> {
        let group: Vec<GroupAnswer> = (rewards.iter().enumerate())
            .map(|(index, reward)| GroupAnswer { reward: *reward, length: (index + 1) as f64 })
            .collect();
        group_advantages(&group, &AdvantageSettings { kind, max_length: 4.0, k })
    }

    fn close(found: &[f64], expected: &[f64]) {
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5 * (1.0 + b.abs()));
        assert!(found.len() == expected.len() && near, "{found:?}, expected {expected:?}");
    }

    /// The numbers were worked out with numpy (`std(ddof=1)`, `math.comb`).
    #[test]
    fn every_kind_has_the_numbers_of_its_formula() {
        let rewards = [1.0, 0.0, 0.0, 2.0];
        close(&advantages(AdvantageKind::Grpo, &rewards, 1), &[0.261_116, -0.783_349, -0.783_349, 1.305_582]);
        close(
            &advantages(AdvantageKind::Drgrpo, &rewards, 1),
            &[0.065_279, -0.391_675, -0.587_512, 1.305_582],
        );
        close(&advantages(AdvantageKind::Rloo, &rewards, 1), &[1.0 / 3.0, -1.0, -1.0, 5.0 / 3.0]);
        close(&advantages(AdvantageKind::Opo, &rewards, 1), &[0.1, -0.9, -0.9, 1.1]);
        // C(2,2) / C(4,2) = 1/6 and C(1,1) / C(3,1) = 1/3.
        close(
            &advantages(AdvantageKind::PassK, &rewards, 2),
            &[0.447_212, -0.447_212, -0.447_212, 0.447_212],
        );
    }

    #[test]
    fn groups_of_equal_answers_teach_nothing() {
        use AdvantageKind::{Drgrpo, Grpo, Opo, PassK, Rloo};
        for kind in [Grpo, Drgrpo, Rloo, Opo, PassK] {
            for rewards in [&[0.0; 4][..], &[1.0; 4], &[0.0], &[]] {
                for advantage in advantages(kind, rewards, 2) {
                    assert!(advantage.abs() < 1e-9, "{kind:?} {rewards:?}: {advantage}");
                }
            }
        }
    }

    #[test]
    fn more_than_the_group_is_never_drawn() {
        let found = advantages(AdvantageKind::PassK, &[1.0, 0.0], 9);
        assert!(found.iter().all(|advantage| advantage.is_finite()), "{found:?}");
    }
}
