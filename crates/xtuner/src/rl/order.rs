//! [`PromptOrder`]: which prompts a round asks, as a pure function of the round.

use std::ops::Range;

use internlm_kit::rng::CounterRng;

/// A seeded order of the prompts, another one in each pass over them; some are held out.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptOrder {
    rng: CounterRng,
    train: Vec<usize>,
    valid: Vec<usize>,
    per_round: usize,
}

impl PromptOrder {
    /// The order of `prompts` prompts under `seed`, of which `valid` are held out and a round asks `per_round`.
    #[must_use]
    pub fn new(seed: u64, prompts: usize, valid: usize, per_round: usize) -> Self {
        let mut held_out = CounterRng::new(seed, "held-out prompts").permutation(prompts);
        let mut train = held_out.split_off(valid.min(prompts));
        held_out.sort_unstable();
        train.sort_unstable();
        Self { rng: CounterRng::new(seed, "prompts"), train, valid: held_out, per_round }
    }

    /// The prompts of round `round` (from 0), by number. The end of one pass and the beginning of the next share a
    /// round.
    #[must_use]
    pub fn round(&self, round: u64) -> Vec<usize> {
        let first = round * self.per_round as u64;
        let asked: Range<u64> = first..first + self.per_round as u64;
        let count = self.train.len() as u64;
        let mut pass: Option<(u64, Vec<usize>)> = None;
        let mut chosen = Vec::with_capacity(self.per_round);
        for place in asked.filter(|_| count > 0) {
            let number = place / count;
            if pass.as_ref().is_none_or(|(known, _)| *known != number) {
                pass = Some((number, self.rng.split(number).permutation(self.train.len())));
            }
            let order = pass.as_ref().map(|(_, order)| order[(place % count) as usize]);
            chosen.extend(order.map(|index| self.train[index]));
        }
        chosen
    }

    /// The prompts that are never learned from, by number.
    #[must_use]
    pub fn valid(&self) -> &[usize] {
        &self.valid
    }

    /// Number of rounds that one pass over the prompts takes; a fraction counts.
    #[must_use]
    pub fn rounds_per_epoch(&self) -> f64 {
        self.train.len() as f64 / self.per_round as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_asks_every_prompt_once_in_its_own_order() {
        let order = PromptOrder::new(3, 10, 3, 4);
        let asked: Vec<usize> = (0..7).flat_map(|round| order.round(round)).collect();
        assert_eq!(asked.len(), 28);
        let mut sorted: Vec<Vec<usize>> = asked.chunks(7).map(<[usize]>::to_vec).collect();
        assert!(sorted[0] != sorted[1], "{sorted:?}");
        sorted.iter_mut().for_each(|pass| pass.sort_unstable());
        assert!(sorted.iter().all(|pass| *pass == sorted[0]));
        assert!(order.valid().len() == 3 && order.valid().iter().all(|prompt| !sorted[0].contains(prompt)));
        assert_eq!(
            (order.rounds_per_epoch(), order.round(5)),
            (1.75, PromptOrder::new(3, 10, 3, 4).round(5))
        );
    }

    #[test]
    fn without_prompts_to_learn_from_nothing_is_asked() {
        assert!(PromptOrder::new(3, 2, 5, 4).round(0).is_empty());
    }
}
