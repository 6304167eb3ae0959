//! [`Limits`]: what a pass may ask for, checked before anything is computed.

use super::step::{LogitEntries, SeqStep};
use crate::{Error, Result};

/// The limits of an engine; a pass that respects them cannot fail on its input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max_batched_tokens: usize,
    pub(super) max_position: usize,
    pub(super) vocab: usize,
    pub(super) block_tokens: usize,
    pub(super) blocks: usize,
}

impl Limits {
    /// Refuses everything about the steps that could go wrong.
    pub(super) fn check(&self, steps: &[SeqStep<'_>], entries: LogitEntries) -> Result<()> {
        // The buffers of a pass are allocated for that many tokens.
        let tokens: usize = steps.iter().map(|step| step.tokens.len()).sum();
        if tokens > self.max_batched_tokens {
            let expected = format!("at most {}", self.max_batched_tokens);
            return Err(Error::argument("pass", format!("{tokens} tokens"), expected));
        }
        if let LogitEntries::Top(top) = entries
            && !(1..=self.vocab).contains(&top)
        {
            return Err(Error::argument("best entries", top, format!("1 to {}", self.vocab)));
        }
        steps.iter().enumerate().try_for_each(|(index, step)| self.check_step(index, step))
    }

    fn check_step(&self, index: usize, step: &SeqStep<'_>) -> Result<()> {
        // A position near the largest number must not wrap around and look small.
        let end = step.position.saturating_add(step.tokens.len());
        if step.tokens.is_empty() {
            return Err(Error::step(index, "no tokens", "at least one"));
        }
        if end > self.max_position {
            let expected = format!("at most the context's {}", self.max_position);
            return Err(Error::step(index, format!("{end} positions"), expected));
        }
        if let Some(token) = step.tokens.iter().find(|token| **token as usize >= self.vocab) {
            let expected = format!("ids below {}", self.vocab);
            return Err(Error::step(index, format!("token {token}"), expected));
        }
        // Attention reads all positions up to the end, so every block of them must be there.
        let needed = end.div_ceil(self.block_tokens);
        if step.blocks.len() < needed {
            let found = format!("{} blocks", step.blocks.len());
            return Err(Error::step(index, found, format!("{needed} for {end} positions")));
        }
        if let Some(block) = step.blocks.iter().find(|block| **block as usize >= self.blocks) {
            let expected = format!("blocks below {}", self.blocks);
            return Err(Error::step(index, format!("block {block}"), expected));
        }
        Ok(())
    }
}
