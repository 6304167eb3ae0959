//! [`PolicyObjective`] and [`ValueObjective`]: the losses of actor and critic over the rows of a step.
//!
//! Every label of an answer weighs 1 / (number of labels in all answers of the step), however the step is cut into
//! passes. Text of pre-training is added with a weight of its own, as the mean of -log p over its labels.

use internlm_train::{Error, Head, Objective, Pass, PassLoss, Result, Row};

use super::policy::{Clip, KlEstimator, is_clipped, kl_term, policy_term};

/// Settings of the actor's loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyLoss {
    /// Bounds of the ratio.
    pub clip: Clip,
    /// The estimator of the distance to the reference.
    pub kl: KlEstimator,
    /// Weight of that distance in the loss; 0 leaves it out.
    pub kl_weight: f64,
    /// Weight of the mean loss of the rows of text.
    pub text_weight: f64,
}

/// What the loss of an answer is made of; one number per label of its row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerTokens {
    /// Log-probabilities when the answer was generated, as the trainer computes them.
    pub old: Vec<f64>,
    /// How much better each token is than expected.
    pub advantages: Vec<f64>,
    /// Log-probabilities of the reference; empty without one.
    pub references: Vec<f64>,
    /// Factors of the loss, which stay out of the derivative; empty when all are 1.
    pub importance: Vec<f64>,
}

/// One row of a step of the actor.
#[derive(Clone, Debug, PartialEq)]
pub enum PolicyRow {
    /// A prompt with a generated answer, whose ids are the labels.
    Answer(AnswerTokens),
    /// Text of pre-training, whose ids are all labels.
    Text,
}

/// Sums over the rows of a step.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    answers: f64,
    text: f64,
    kl: f64,
    clipped: f64,
}

/// The actor's loss over the rows of one step.
#[derive(Clone, Debug)]
pub struct PolicyObjective {
    settings: PolicyLoss,
    rows: Vec<PolicyRow>,
    /// Number of tokens of each row.
    lengths: Vec<usize>,
    /// Number of labels in answers, and in text.
    labels: (f64, f64),
    tally: Tally,
}

impl PolicyObjective {
    /// The loss over `rows`, each of which is what the entry of the same number says.
    ///
    /// # Errors
    /// Numbers that do not fit the labels of their row.
    pub fn new(settings: PolicyLoss, rows: &[(Row, PolicyRow)]) -> Result<Self> {
        let mut labels = (0.0, 0.0);
        for (row, what) in rows {
            let count = row.targets();
            match what {
                PolicyRow::Text => labels.1 += count as f64,
                PolicyRow::Answer(tokens) => {
                    let sizes = [tokens.old.len(), tokens.advantages.len()];
                    let optional = [tokens.references.len(), tokens.importance.len()];
                    let wrong = sizes.into_iter().find(|size| *size != count);
                    let wrong = wrong.or(optional.into_iter().find(|size| *size != 0 && *size != count));
                    if let Some(size) = wrong {
                        let expected = format!("one for each of its {count} labels");
                        return Err(Error::mismatch("an answer", format!("{size} numbers"), expected));
                    }
                    labels.0 += count as f64;
                }
            }
        }
        Ok(Self {
            settings,
            rows: rows.iter().map(|(_, what)| what.clone()).collect(),
            lengths: rows.iter().map(|(row, _)| row.tokens()).collect(),
            labels,
            tally: Tally::default(),
        })
    }

    /// Adds the loss of one answer, given the log-probability at each label; gives the derivatives.
    fn answer(&self, tokens: &AnswerTokens, log_probs: &[f64], tally: &mut Tally) -> Vec<f64> {
        let PolicyLoss { clip, kl, kl_weight, .. } = self.settings;
        let mut derivatives = Vec::with_capacity(log_probs.len());
        for (index, log_prob) in log_probs.iter().copied().enumerate() {
            let (old, advantage) = (tokens.old[index], tokens.advantages[index]);
            let importance = tokens.importance.get(index).copied().unwrap_or(1.0);
            let term = policy_term(log_prob, old, advantage, &clip);
            let (mut loss, mut derivative) = (importance * term.loss, importance * term.derivative);
            if let Some(reference) = tokens.references.get(index).copied() {
                tally.kl += log_prob - reference;
                if kl_weight > 0.0 {
                    let distance = kl_term(kl, log_prob, reference);
                    loss += kl_weight * distance.loss;
                    derivative += kl_weight * distance.derivative;
                }
            }
            tally.clipped += f64::from(u8::from(is_clipped(log_prob, old, advantage, &clip)));
            tally.answers += loss;
            derivatives.push(derivative / self.labels.0);
        }
        derivatives
    }
}

/// The places of the labels in a range of a joined row.
fn label_places(row: &Row, start: usize, tokens: usize) -> Vec<usize> {
    (start..start + tokens).filter(|place| row.labels[*place].is_some()).collect()
}

/// Refuses rows that the objective was not made of.
fn check_rows(rows: &[Row], lengths: &[usize]) -> Result<()> {
    if rows.iter().map(Row::tokens).eq(lengths.iter().copied()) {
        return Ok(());
    }
    Err(Error::mismatch("a step", "other rows", "those that its objective was made of"))
}

impl Objective for PolicyObjective {
    fn head(&self) -> Head {
        Head::LogProbabilities
    }

    fn prepare(&mut self, _step: u64, rows: &[Row]) -> Result<()> {
        self.tally = Tally::default();
        check_rows(rows, &self.lengths)
    }

    fn loss(&mut self, pass: &Pass<'_>, outputs: &[f32]) -> Result<PassLoss> {
        let (mut start, mut tally) = (0, Tally::default());
        let mut gradient = vec![0.0; outputs.len()];
        for number in pass.rows.clone() {
            let places = label_places(pass.row, start, self.lengths[number]);
            let log_probs: Vec<f64> = places.iter().map(|place| f64::from(outputs[*place])).collect();
            let derivatives = match &self.rows[number] {
                PolicyRow::Answer(tokens) => self.answer(tokens, &log_probs, &mut tally),
                PolicyRow::Text => {
                    tally.text -= log_probs.iter().sum::<f64>();
                    vec![-self.settings.text_weight / self.labels.1; places.len()]
                }
            };
            for (place, derivative) in places.into_iter().zip(derivatives) {
                gradient[place] = derivative as f32;
            }
            start += self.lengths[number];
        }
        let share = |sum: f64, labels: f64| if labels > 0.0 { sum / labels } else { 0.0 };
        let text = self.settings.text_weight * share(tally.text, self.labels.1);
        let loss = share(tally.answers, self.labels.0) + text;
        self.tally.answers += tally.answers;
        self.tally.text += tally.text;
        self.tally.kl += tally.kl;
        self.tally.clipped += tally.clipped;
        Ok(PassLoss { loss, gradient })
    }

    fn measured(&mut self) -> Vec<(String, f64)> {
        let (answers, text) = (self.labels.0.max(1.0), self.labels.1);
        let mut measured = vec![
            ("policy_loss".to_owned(), self.tally.answers / answers),
            ("clipped".to_owned(), self.tally.clipped / answers),
        ];
        let compared = self
            .rows
            .iter()
            .filter(|row| matches!(row, PolicyRow::Answer(tokens) if !tokens.references.is_empty()));
        let compared = compared.count();
        if compared > 0 {
            // Nats per answer.
            measured.push(("kl".to_owned(), self.tally.kl / compared as f64));
        }
        if text > 0.0 {
            measured.push(("text_loss".to_owned(), self.tally.text / text));
        }
        measured
    }
}

/// The critic's loss: half the mean square of its error at the labels of the answers.
#[derive(Clone, Debug)]
pub struct ValueObjective {
    /// What the critic should have said at each label of each row.
    returns: Vec<Vec<f64>>,
    lengths: Vec<usize>,
    labels: f64,
    loss: f64,
}

impl ValueObjective {
    /// The loss over `rows`, with the returns at the labels of each.
    ///
    /// # Errors
    /// Returns that do not fit the labels of their row.
    pub fn new(rows: &[Row], returns: &[Vec<f64>]) -> Result<Self> {
        let fits = |(row, returns): (&Row, &Vec<f64>)| row.targets() == returns.len();
        if rows.len() != returns.len() || !rows.iter().zip(returns).all(fits) {
            return Err(Error::mismatch(
                "a step of the critic",
                "other returns",
                "one per label of each row",
            ));
        }
        Ok(Self {
            returns: returns.to_vec(),
            lengths: rows.iter().map(Row::tokens).collect(),
            labels: rows.iter().map(|row| row.targets() as f64).sum(),
            loss: 0.0,
        })
    }
}

impl Objective for ValueObjective {
    fn head(&self) -> Head {
        Head::Values
    }

    fn prepare(&mut self, _step: u64, rows: &[Row]) -> Result<()> {
        self.loss = 0.0;
        check_rows(rows, &self.lengths)
    }

    fn loss(&mut self, pass: &Pass<'_>, outputs: &[f32]) -> Result<PassLoss> {
        let (mut start, mut loss) = (0, 0.0);
        let mut gradient = vec![0.0; outputs.len()];
        for number in pass.rows.clone() {
            let places = label_places(pass.row, start, self.lengths[number]);
            for (place, expected) in places.into_iter().zip(&self.returns[number]) {
                let error = f64::from(outputs[place]) - expected;
                loss += 0.5 * error * error / self.labels;
                gradient[place] = (error / self.labels) as f32;
            }
            start += self.lengths[number];
        }
        self.loss += loss;
        Ok(PassLoss { loss, gradient })
    }

    fn measured(&mut self) -> Vec<(String, f64)> {
        vec![("critic_loss".to_owned(), self.loss)]
    }
}

#[cfg(test)]
mod tests;
