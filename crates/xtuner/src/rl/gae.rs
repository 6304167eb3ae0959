//! Generalized advantage estimation over the tokens of one answer (Schulman et al., 2016).
//!
//! With the reward r and the value V at each token: `delta_t = r_t + gamma V_{t+1} - V_t`,
//! `A_t = delta_t + gamma lambda A_{t+1}`; behind the last token the value is 0. What the critic should have said is
//! `A_t + V_t`.

/// Discounts of later rewards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gae {
    /// Weight of the next token's value against this one's; 1 does not discount.
    pub gamma: f64,
    /// Weight of later errors: 0 trusts the critic, 1 the rewards.
    pub lambda: f64,
}

impl Gae {
    /// The advantage at each token, from the rewards and values at the same tokens.
    ///
    /// # Panics
    /// When there is not one value per reward.
    ///
    /// ```
    /// use xtuner::rl::Gae;
    ///
    /// let gae = Gae { gamma: 1.0, lambda: 1.0 };
    /// assert_eq!(gae.advantages(&[0.0, 0.0, 1.0], &[0.5, 0.5, 0.5]), [0.5, 0.5, 0.5]);
    /// ```
    #[must_use]
    pub fn advantages(&self, rewards: &[f64], values: &[f64]) -> Vec<f64> {
        assert_eq!(rewards.len(), values.len(), "every token has a reward and a value");
        let mut advantages = vec![0.0; rewards.len()];
        let (mut next_value, mut next_advantage) = (0.0, 0.0);
        for token in (0..rewards.len()).rev() {
            let error = rewards[token] + self.gamma * next_value - values[token];
            next_advantage = error + self.gamma * self.lambda * next_advantage;
            advantages[token] = next_advantage;
            next_value = values[token];
        }
        advantages
    }
}

/// The reward of each token of an answer: minus `weight` times the distance of its log-probability to that of the
/// reference, and the score of the whole answer at its last token.
///
/// # Panics
/// When there is not one reference per token.
#[must_use]
pub fn token_rewards(log_probs: &[f64], references: &[f64], weight: f64, score: f64) -> Vec<f64> {
    assert_eq!(log_probs.len(), references.len(), "every token has a reference");
    let mut rewards: Vec<f64> = (log_probs.iter().zip(references))
        .map(|(log_prob, reference)| -weight * (log_prob - reference))
        .collect();
    if let Some(last) = rewards.last_mut() {
        *last += score;
    }
    rewards
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of the definition, without the recursion.
    fn direct(gae: Gae, rewards: &[f64], values: &[f64], token: usize) -> f64 {
        let value = |token: usize| values.get(token).copied().unwrap_or(0.0);
        (token..rewards.len())
            .map(|later| {
                let error = rewards[later] + gae.gamma * value(later + 1) - value(later);
                (gae.gamma * gae.lambda).powi((later - token) as i32) * error
            })
            .sum()
    }

    #[test]
    fn the_recursion_is_the_sum() {
        let (rewards, values) = ([0.1, -0.2, 0.0, 1.5], [0.4, 0.3, -0.2, 0.9]);
        for (gamma, lambda) in [(1.0, 0.99), (0.9, 0.5), (1.0, 0.0), (1.0, 1.0)] {
            let gae = Gae { gamma, lambda };
            for (token, found) in gae.advantages(&rewards, &values).into_iter().enumerate() {
                let expected = direct(gae, &rewards, &values, token);
                assert!((found - expected).abs() < 1e-12, "{gae:?} {token}: {found} {expected}");
            }
        }
        assert!(Gae { gamma: 1.0, lambda: 0.9 }.advantages(&[], &[]).is_empty());
    }

    #[test]
    fn the_score_is_the_reward_of_the_last_token() {
        let rewards = token_rewards(&[-1.0, -2.0], &[-1.5, -2.0], 0.01, 3.0);
        assert!((rewards[0] + 0.005).abs() < 1e-12 && rewards[1] == 3.0, "{rewards:?}");
        assert!(token_rewards(&[], &[], 0.01, 3.0).is_empty());
    }
}
