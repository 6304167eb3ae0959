//! Documents made of tokens, as upstream makes them.

use internlm_model::TokenId;

use crate::needle::config::{NeedleConfig, Task};
use crate::needle::tokens::Tokens;

/// The texts of the haystack, each tokenized once.
pub(super) struct TokenizedTexts<'a> {
    tokens: &'a Tokens,
    texts: &'a [String],
    ids: Vec<Option<Vec<TokenId>>>,
}

impl<'a> TokenizedTexts<'a> {
    /// Keeps the texts; they are tokenized when they are needed.
    pub(super) fn new(texts: &'a [String], tokens: &'a Tokens) -> Self {
        Self { tokens, texts, ids: vec![None; texts.len()] }
    }

    /// Returns the first `count` tokens of the texts in an order. There are fewer if the texts are shorter.
    pub(super) fn first(&mut self, order: &[usize], count: usize) -> Vec<TokenId> {
        let (tokens, texts) = (self.tokens, self.texts);
        let mut found = Vec::new();
        for place in order {
            let ids = self.ids[*place].get_or_insert_with(|| tokens.ids(&texts[*place]));
            found.extend_from_slice(ids);
            if found.len() >= count {
                break;
            }
        }
        found.truncate(count);
        found
    }
}

/// Returns the number of tokens that the needles leave for the texts.
pub(super) fn body_length(config: &NeedleConfig, length: usize, needles: &[Vec<TokenId>]) -> usize {
    let hidden: usize = needles.iter().map(Vec::len).sum();
    length.saturating_sub(config.buffer).saturating_sub(hidden)
}

/// Puts the needles of a task between the tokens of the texts.
pub(super) fn with_needles(
    config: &NeedleConfig,
    body: Vec<TokenId>,
    needles: &[Vec<TokenId>],
    depth: u32,
) -> Vec<TokenId> {
    match config.task {
        Task::Parallel => at_depths(config, body, needles),
        _ => in_steps(config, body, needles, depth),
    }
}

/// `parallel`: a needle at each depth.
fn at_depths(config: &NeedleConfig, body: Vec<TokenId>, needles: &[Vec<TokenId>]) -> Vec<TokenId> {
    let total = body.len();
    let mut document = body;
    let mut inserted = 0;
    for (needle, depth) in needles.iter().zip(&config.depths) {
        insert(&mut document, share(total, *depth) as usize + inserted, needle);
        inserted += needle.len();
    }
    document
}

/// `single` and `multi`: the first needle at the depth and the others behind it. Upstream counts the lengths of earlier
/// needles twice, so that the gaps are wider than asked for.
fn in_steps(config: &NeedleConfig, body: Vec<TokenId>, needles: &[Vec<TokenId>], depth: u32) -> Vec<TokenId> {
    let total = body.len();
    let mut points: Vec<usize> = Vec::with_capacity(needles.len());
    let mut hidden = 0;
    for (index, needle) in needles.iter().enumerate() {
        let point = match index.checked_sub(1) {
            None => share(total, depth),
            Some(last) => (points[last] + needles[last].len()) as f64 + share(total, config.gap),
        };
        points.push((point as usize).min(total + hidden));
        hidden += needle.len();
    }
    let mut document = body;
    let mut inserted = 0;
    for (point, needle) in points.iter().zip(needles) {
        insert(&mut document, point + inserted, needle);
        inserted += needle.len();
    }
    document
}

/// A percentage of a number of tokens, in the order of Python's operations.
fn share(total: usize, percent: u32) -> f64 {
    total as f64 * (f64::from(percent) / 100.0)
}

/// Inserts tokens at a place, or at the end if the place is behind it.
fn insert(document: &mut Vec<TokenId>, place: usize, needle: &[TokenId]) {
    let place = place.min(document.len());
    document.splice(place..place, needle.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u32]) -> Vec<TokenId> {
        numbers.iter().copied().map(TokenId).collect()
    }

    #[test]
    fn needles_are_where_upstream_puts_them() {
        let body = || (0..10).map(TokenId).collect::<Vec<_>>();
        let needles = [ids(&[91, 92]), ids(&[93])];
        let mut config = NeedleConfig { gap: 10, depths: vec![0, 50], ..NeedleConfig::default() };
        config.task = Task::Multi;
        let document = with_needles(&config, body(), &needles, 20);
        // The second point is 2 + 2 + 1, and moves by another two.
        assert_eq!(document, ids(&[0, 1, 91, 92, 2, 3, 4, 93, 5, 6, 7, 8, 9]));
        assert_eq!(with_needles(&config, body(), &needles, 100)[10..], ids(&[91, 92, 93]));
        config.task = Task::Parallel;
        let document = with_needles(&config, body(), &needles, 0);
        assert_eq!(document, ids(&[91, 92, 0, 1, 2, 3, 4, 93, 5, 6, 7, 8, 9]));
        assert_eq!(body_length(&config, 600, &needles), 97);
        assert_eq!(body_length(&config, 100, &needles), 0);
    }
}
