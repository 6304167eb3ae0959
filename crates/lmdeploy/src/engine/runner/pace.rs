//! [`Pace`]: how many tokens of prompts fit into a step without readers of other answers noticing.

use std::time::Duration;

use crate::engine::Batch;
use crate::engine::plan::FIXED_TOKENS;

/// Time that prompts may add to a step, as a multiple of what the step takes without them: the gaps that readers see
/// grow to 2.5 times the usual ones.
const STRETCH: f64 = 1.5;
/// Weight of the newest measurement in an average.
const NEWEST: f64 = 0.3;
/// Steps that take less, in seconds, are not worth cutting: nobody sees such gaps.
const UNSEEN: f64 = 1e-3;

/// What steps have cost lately. Times are in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// Time of a decode, with its part of what every step costs: that of a step without prompts over the number of its
    /// sequences and [`FIXED_TOKENS`].
    decode: Option<f64>,
    /// Time of one token of a prompt.
    prompt: Option<f64>,
}

impl Pace {
    /// Takes the time that the executor needed for `batch`.
    pub(super) fn observe(&mut self, batch: &Batch, time: Duration) {
        let decodes = batch.steps.iter().filter(|step| step.tokens.len() == 1).count();
        let prompts = batch.tokens() - decodes;
        let (time, units) = (time.as_secs_f64(), (decodes + FIXED_TOKENS) as f64);
        if prompts == 0 {
            self.decode = average(self.decode, time / units);
        } else {
            let decodes = if decodes == 0 { 0.0 } else { self.decode.map_or(0.0, |decode| decode * units) };
            self.prompt = average(self.prompt, (time - decodes).max(0.0) / prompts as f64);
        }
    }

    /// Tokens of prompts per decode that a step may compute; no limit as long as nothing is known, or nobody waits long
    /// enough to see it.
    pub(super) fn share(&self) -> Option<f64> {
        let (decode, prompt) = (self.decode?, self.prompt?);
        (prompt > 0.0 && decode * (FIXED_TOKENS + 1) as f64 > UNSEEN).then(|| STRETCH * decode / prompt)
    }
}

fn average(old: Option<f64>, new: f64) -> Option<f64> {
    Some(old.map_or(new, |old| old + NEWEST * (new - old)))
}

#[cfg(test)]
mod tests {
    use internlm_model::TokenId;

    use super::*;
    use crate::engine::{LogitsWanted, RequestId, SequencePart};

    /// A batch with parts of so many tokens.
    fn batch(parts: &[usize]) -> Batch {
        let part = |(id, tokens): (usize, &usize)| SequencePart {
            id: RequestId(id as u64),
            tokens: vec![TokenId(1); *tokens],
            position: 0,
            rope_len: *tokens,
            blocks: Vec::new(),
            logits: LogitsWanted::Last,
        };
        Batch { steps: parts.iter().enumerate().map(part).collect(), ..Batch::default() }
    }

    #[test]
    fn prompts_get_one_and_a_half_times_the_time_of_the_decodes() {
        let mut pace = Pace::default();
        assert_eq!(pace.share(), None);
        pace.observe(&batch(&[100]), Duration::from_millis(200)); // 2 ms per token
        assert_eq!(pace.share(), None);
        pace.observe(&batch(&[1; 8]), Duration::from_millis(24)); // 2 ms per decode and fixed token
        let share = pace.share().expect("both are known");
        assert!((share - 1.5).abs() < 1e-9, "{share}");
        // Eight decodes and 18 tokens of prompts: 24 ms and 36 ms.
        let tokens = share * (8 + FIXED_TOKENS) as f64;
        assert!((tokens - 18.0).abs() < 1e-9, "{tokens}");
    }

    #[test]
    fn prompts_that_cost_more_get_fewer_tokens() {
        let mut pace = Pace::default();
        pace.observe(&batch(&[1; 8]), Duration::from_millis(24));
        pace.observe(&batch(&[1, 1, 1, 1, 1, 1, 1, 1, 10]), Duration::from_millis(64)); // 4 ms per token
        let share = pace.share().expect("both are known");
        assert!((share - 0.75).abs() < 1e-9, "{share}");
    }

    #[test]
    fn short_steps_are_not_cut() {
        let mut pace = Pace::default();
        pace.observe(&batch(&[100]), Duration::from_micros(200));
        pace.observe(&batch(&[1; 8]), Duration::from_micros(24));
        assert_eq!(pace.share(), None);
    }
}
