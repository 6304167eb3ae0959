//! [`PromptCut`]: the fields `truncate_prompt_tokens` and `truncation_side`, checked and applied to prompts.

use internlm_model::TokenId;

use super::bounds::expected;
use crate::Result;
use crate::protocol::TruncationSide;

/// How prompts that are too long are cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct PromptCut {
    /// Maximum number of ids that are kept.
    most: usize,
    side: TruncationSide,
}

impl PromptCut {
    /// Checks the fields of a request; none when its prompts are not cut. `limit` is the context, in which -1 leaves room
    /// for an answer of `answer` tokens.
    pub(super) fn new(
        asked: Option<i32>,
        side: Option<TruncationSide>,
        limit: usize,
        answer: usize,
    ) -> Result<Option<Self>> {
        let most = match asked {
            None => return Ok(None),
            Some(-1) => limit.saturating_sub(answer),
            Some(most) => {
                let fits = usize::try_from(most).ok().filter(|most| (1..=limit).contains(most));
                let range = || format!("-1 or a whole number from 1 to {limit}, the context");
                fits.ok_or_else(|| expected("truncate_prompt_tokens", Some(most), &range()))?
            }
        };
        Ok(Some(Self { most, side: side.unwrap_or_default() }))
    }

    /// Whether something is cut off a prompt of `length` ids.
    pub(super) fn shortens(self, length: usize) -> bool {
        length > self.most
    }

    /// Cuts a prompt that is too long.
    pub(super) fn apply(self, ids: &mut Vec<TokenId>) {
        match self.side {
            TruncationSide::Left => drop(ids.drain(..ids.len().saturating_sub(self.most))),
            TruncationSide::Right => ids.truncate(self.most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(ids: &[u32]) -> Vec<TokenId> {
        ids.iter().copied().map(TokenId).collect()
    }

    #[test]
    fn longer_prompts_are_cut_on_one_side() {
        for (most, side, kept) in [
            (3, None, &[2, 3, 4][..]),
            (3, Some(TruncationSide::Left), &[2, 3, 4]),
            (3, Some(TruncationSide::Right), &[1, 2, 3]),
            (4, None, &[1, 2, 3, 4]),
            (9, Some(TruncationSide::Right), &[1, 2, 3, 4]),
            (-1, None, &[2, 3, 4]),
        ] {
            let limit = if most == -1 { 4 } else { 9 };
            let cut = PromptCut::new(Some(most), side, limit, 1).expect("fits").expect("asked for");
            let mut ids = numbers(&[1, 2, 3, 4]);
            assert_eq!(cut.shortens(ids.len()), kept.len() < 4);
            cut.apply(&mut ids);
            assert_eq!(ids, numbers(kept), "{most} of the {side:?}");
        }
    }

    #[test]
    fn only_lengths_within_the_context_are_taken() {
        let side = Some(TruncationSide::Right);
        assert_eq!(PromptCut::new(None, side, 9, 1).expect("nothing"), None, "a side alone cuts nothing");
        assert!(PromptCut::new(Some(9), None, 9, 1).is_ok());
        for asked in [-2, 0, 10] {
            let error = PromptCut::new(Some(asked), None, 9, 1).expect_err("out of range").to_string();
            let range = "expected -1 or a whole number from 1 to 9, the context";
            assert_eq!(error, format!("truncate_prompt_tokens: found {asked}, {range}"));
        }
    }
}
