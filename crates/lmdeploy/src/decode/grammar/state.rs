//! [`GrammarState`]: a grammar on its way through one text.

use internlm_model::TokenId;
use llguidance::Matcher;
use toktrie::SimpleVob;

use super::compile::first_line;

/// Where a text is in its grammar.
pub(crate) struct GrammarState {
    matcher: Matcher,
    eos: Vec<TokenId>,
    /// The ids that may follow, once they are known.
    mask: Option<SimpleVob>,
    /// Why the grammar cannot continue; then nothing may follow.
    failure: Option<String>,
}

impl GrammarState {
    /// The start of a text, or wherever `matcher` is.
    pub(super) fn new(matcher: Matcher, eos: Vec<TokenId>) -> Self {
        Self { matcher, eos, mask: None, failure: None }
    }

    /// Computes which ids may follow, if that is not known yet. May run beside the forward pass.
    pub(crate) fn prepare(&mut self) {
        if self.mask.is_none() && self.failure.is_none() {
            match self.matcher.compute_mask_or_eos() {
                Ok(mask) => self.mask = Some(mask),
                Err(error) => self.failure = Some(first_line(&error.to_string())),
            }
        }
    }

    /// Gives ids that may not follow a probability of zero; all of them once the grammar has failed.
    ///
    /// # Shapes
    /// - row: `[vocab]`, or longer: ids that the vocabulary lacks may not follow
    pub(crate) fn allow(&mut self, row: &mut [f32]) {
        self.prepare();
        let Some(mask) = &self.mask else {
            row.fill(f32::NEG_INFINITY);
            return;
        };
        let known = mask.len().min(row.len());
        let (row, padding) = row.split_at_mut(known);
        padding.fill(f32::NEG_INFINITY);
        for (values, word) in row.chunks_mut(32).zip(mask.as_slice()) {
            match *word {
                u32::MAX => {}
                0 => values.fill(f32::NEG_INFINITY),
                bits => forbid_unset(values, bits),
            }
        }
    }

    /// Whether an id may follow; none once the grammar has failed.
    pub(crate) fn allows(&mut self, id: TokenId) -> bool {
        self.prepare();
        self.mask.as_ref().is_some_and(|mask| id.index() < mask.len() && mask.is_allowed(id.0))
    }

    /// Takes the next id of the text.
    ///
    /// # Errors
    /// The grammar does not allow it, or has failed; in llguidance's words.
    pub(crate) fn accept(&mut self, id: TokenId) -> Result<(), String> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.mask = None;
        if self.is_finished() {
            let ends = self.eos.contains(&id);
            return if ends { Ok(()) } else { Err(format!("found id {}, expected the end", id.0)) };
        }
        self.matcher.consume_token(id.0).map_err(|error| {
            let failure = first_line(&error.to_string());
            self.failure = Some(failure.clone());
            failure
        })
    }

    /// Whether the text is complete and nothing but its end can follow.
    pub(crate) fn is_finished(&self) -> bool {
        self.failure.is_none() && self.matcher.is_stopped() && self.matcher.stop_reason().is_ok()
    }
}

/// The values whose bit is not set.
fn forbid_unset(values: &mut [f32], bits: u32) {
    for (bit, value) in values.iter_mut().enumerate() {
        if bits >> bit & 1 == 0 {
            *value = f32::NEG_INFINITY;
        }
    }
}
