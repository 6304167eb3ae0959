//! [`grade`]: the loss of a group of examples by the config's formula, and the rewards that are logged.

use super::super::config::{PreferenceConfig, PreferenceLoss};
use super::super::example::ExampleKind;
use super::answer::{Compared, Score};
use super::term::Term;
use super::{difference, kto, odds, separate};

/// Loss and rewards of one example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Graded {
    /// The share of the example in the loss of its group.
    pub loss: f64,
    /// Derivative of the loss of the group by the log-probability of each answer.
    pub derivatives: [f64; 2],
    /// The reward of each answer: b times its score, which is P and N, or a mean over tokens.
    pub rewards: [f64; 2],
    /// What the reward of a single answer is compared with; 0 for pairs.
    pub reference_point: f64,
}

/// Grades examples that are read together: those of one row. Only `kto` and `kto-pair` depend on the group.
#[must_use]
pub fn grade(config: &PreferenceConfig, group: &[Compared]) -> Vec<Graded> {
    let score = Score::of(config.loss);
    let scores: Vec<[f64; 2]> =
        group.iter().map(|compared| compared.answers.map(|answer| score.value(&answer))).collect();
    let reference_point = match config.loss {
        PreferenceLoss::Kto => config.beta() * kto::reference_point(&scores),
        _ => 0.0,
    };
    let terms = terms(config, group, &scores).into_iter();
    let graded = terms.zip(group).zip(&scores).map(|((term, compared), scores)| {
        let slope = |index: usize| term.by[index] * score.slope(&compared.answers[index]);
        Graded {
            loss: term.loss,
            derivatives: [slope(0), slope(1)],
            rewards: scores.map(|score| config.beta() * score),
            reference_point,
        }
    });
    graded.collect()
}

fn terms(config: &PreferenceConfig, group: &[Compared], scores: &[[f64; 2]]) -> Vec<Term> {
    let (beta, smoothing) = (config.beta(), config.label_smoothing);
    let each = |loss: &dyn Fn([f64; 2]) -> Term| -> Vec<Term> { scores.iter().copied().map(loss).collect() };
    match config.loss {
        PreferenceLoss::Sigmoid | PreferenceLoss::Simpo => {
            let settings = [beta, config.margin(), smoothing];
            each(&|[chosen, rejected]| difference::smoothed(settings, chosen - rejected))
        }
        PreferenceLoss::Robust => {
            each(&|[chosen, rejected]| difference::robust(beta, smoothing, chosen - rejected))
        }
        PreferenceLoss::Hinge => each(&|[chosen, rejected]| difference::hinge(beta, chosen - rejected)),
        PreferenceLoss::Ipo => each(&|[chosen, rejected]| difference::ipo(beta, chosen - rejected)),
        PreferenceLoss::SppoHard => each(&|scores| separate::sppo_hard(beta, scores)),
        PreferenceLoss::NcaPair => each(&|scores| separate::nca_pair(beta, scores)),
        PreferenceLoss::Orpo => each(&|scores| odds::orpo(beta, scores)),
        PreferenceLoss::KtoPair => kto::pairs(beta, scores),
        PreferenceLoss::Kto => {
            let kinds: Vec<ExampleKind> = group.iter().map(|compared| compared.kind).collect();
            kto::singles(config, &kinds, scores)
        }
    }
}

#[cfg(test)]
mod tests;
