//! [`TokenNames`]: what log-probabilities call the ids that they are of.

use std::collections::BTreeMap;

use internlm_model::{TokenId, Tokenizer};

use crate::decode::{IdLogprob, TokenScores};
use crate::protocol::{PromptLogprob, PromptLogprobs, TokenLogprob, TopLogprob};

/// Names ids as one request wants them named.
#[derive(Clone, Debug)]
pub(super) struct TokenNames {
    tokenizer: Tokenizer,
    named_by: NamedBy,
}

/// What stands for an id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum NamedBy {
    /// Its text, which several ids may have.
    Text,
    /// Its number.
    Number,
}

impl TokenNames {
    /// Names for ids of `tokenizer`; `as_numbers` is the field `return_tokens_as_token_ids` of the request.
    pub(super) fn new(tokenizer: &Tokenizer, as_numbers: Option<bool>) -> Self {
        let named_by = if as_numbers == Some(true) { NamedBy::Number } else { NamedBy::Text };
        Self { tokenizer: tokenizer.clone(), named_by }
    }

    /// The tokenizer that has the ids.
    pub(super) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The name in completions: `bytes:\xe4\xbd` for a text with part of a character, as OpenAI writes it.
    pub(super) fn exact(&self, id: TokenId) -> String {
        if self.named_by == NamedBy::Number {
            return numbered(id);
        }
        let bytes = self.tokenizer.token_bytes(id);
        match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().fold("bytes:".to_owned(), |text, byte| text + &format!("\\x{byte:02x}")),
        }
    }

    /// The `count` most likely ids at one place of a completion, and the id that is there.
    pub(super) fn top(&self, scores: &TokenScores, count: usize) -> BTreeMap<String, f32> {
        let mut map = BTreeMap::new();
        for score in scores.top.iter().take(count).chain([&scores.chosen]) {
            // Two ids with the same bytes share a key; the more likely one comes first and stays.
            map.entry(self.exact(score.id)).or_insert(score.logprob);
        }
        map
    }

    /// One place of a chat answer. The bytes are those of the text whatever the name is.
    pub(super) fn token_logprob(&self, scores: &TokenScores) -> TokenLogprob {
        let top_logprobs = scores.top.iter().map(|&IdLogprob { id, logprob }| {
            let (token, bytes) = self.lossy(id);
            TopLogprob { token, logprob, bytes: Some(bytes) }
        });
        let (token, bytes) = self.lossy(scores.chosen.id);
        TokenLogprob {
            token,
            logprob: scores.chosen.logprob,
            bytes: Some(bytes),
            top_logprobs: top_logprobs.collect(),
        }
    }

    /// The places of a prompt, each with its id and the `count` most likely ones.
    pub(super) fn prompt_logprobs(&self, places: &[Option<TokenScores>], count: usize) -> PromptLogprobs {
        let place = |scores: &TokenScores| {
            let top = scores.top.iter().take(count).zip(1..);
            let ranked = top.chain([(&scores.chosen, scores.rank)]);
            ranked.map(|(score, rank)| (score.id.0, self.ranked(score, rank))).collect()
        };
        places.iter().map(|scores| scores.as_ref().map(place)).collect()
    }

    fn ranked(&self, score: &IdLogprob, rank: usize) -> PromptLogprob {
        let text = String::from_utf8_lossy(self.tokenizer.token_bytes(score.id)).into_owned();
        PromptLogprob { logprob: score.logprob, rank: Some(rank as u64), decoded_token: Some(text) }
    }

    /// The name in chats, and the bytes of the text.
    fn lossy(&self, id: TokenId) -> (String, Vec<u8>) {
        let bytes = self.tokenizer.token_bytes(id).to_vec();
        let name = match self.named_by {
            NamedBy::Text => String::from_utf8_lossy(&bytes).into_owned(),
            NamedBy::Number => numbered(id),
        };
        (name, bytes)
    }
}

/// vLLM's name of an id by its number.
fn numbered(id: TokenId) -> String {
    format!("token_id:{}", id.0)
}

#[cfg(test)]
mod tests {
    use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};

    use super::*;

    fn tokenizer() -> Tokenizer {
        let config = BpeTrainConfig::new(280).with_min_frequency(1);
        train_bpe(["abc".to_owned()].into_iter(), &config).expect("the vocabulary has room for all bytes")
    }

    /// Scores of the id of one text, with those of others as the most likely ones.
    fn scores(top: &[(&str, f32)], chosen: (&str, f32), rank: usize) -> TokenScores {
        let tokenizer = tokenizer();
        let score = |(text, logprob): (&str, f32)| IdLogprob { id: tokenizer.encode(text)[0], logprob };
        TokenScores { chosen: score(chosen), rank, top: top.iter().copied().map(score).collect() }
    }

    #[test]
    fn the_id_that_is_there_is_always_among_the_most_likely() {
        let names = TokenNames::new(&tokenizer(), None);
        let scores = scores(&[("a", -0.5), ("b", -1.0)], ("c", -3.0), 7);
        let keys = |count| names.top(&scores, count).into_keys().collect::<Vec<_>>();
        assert_eq!(keys(0), ["c"]);
        assert_eq!(keys(1), ["a", "c"]);
        assert_eq!(keys(2), ["a", "b", "c"]);
        let likely = TokenScores { chosen: scores.top[0], rank: 1, ..scores.clone() };
        assert_eq!(names.top(&likely, 1).len(), 1);
        let places = names.prompt_logprobs(&[None, Some(scores)], 1);
        assert_eq!(places[0], None);
        let ranks: Vec<_> = places[1].iter().flatten().map(|(_, score)| score.rank).collect();
        assert_eq!(ranks.len(), 2);
        assert!(ranks.contains(&Some(1)) && ranks.contains(&Some(7)), "{ranks:?}");
    }

    #[test]
    fn a_number_is_the_name_of_one_id() {
        let names = TokenNames::new(&tokenizer(), Some(true));
        let scores = scores(&[("a", -0.5)], ("a", -0.5), 1);
        let id = scores.chosen.id;
        let expected = format!("token_id:{}", id.0);
        assert_eq!(names.exact(id), expected);
        let place = names.token_logprob(&scores);
        assert_eq!((place.token, place.bytes), (expected.clone(), Some(b"a".to_vec())));
        assert_eq!(place.top_logprobs[0].token, expected);
    }
}
