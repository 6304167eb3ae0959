//! [`score_ids`]: the field `logprob_token_ids`, checked.

use internlm_model::TokenId;

use super::bounds::expected;
use crate::{Error, Result};

/// The name of the field.
const FIELD: &str = "logprob_token_ids";
/// Maximum number of ids whose log-probabilities are returned at each place, as vLLM limits it.
const MAX_IDS: usize = 128;

/// The ids whose log-probabilities are returned at each place, all of them below `vocab`; without any, the most likely
/// ones are. `missing` is what the request does not say and the field needs.
pub(super) fn score_ids(asked: Option<&[u32]>, vocab: usize, missing: Option<&str>) -> Result<Vec<TokenId>> {
    let ids = asked.unwrap_or_default();
    if let Some(missing) = missing.filter(|_| !ids.is_empty()) {
        return Err(Error::field(FIELD, format!("expected {missing} with it")));
    }
    if ids.len() > MAX_IDS {
        return Err(expected(FIELD, Some(format!("{} ids", ids.len())), &format!("at most {MAX_IDS} ids")));
    }
    match ids.iter().find(|id| **id as usize >= vocab) {
        Some(id) => {
            Err(expected(FIELD, Some(id), &format!("ids below {vocab}: others are out of vocabulary")))
        }
        None => Ok(ids.iter().copied().map(TokenId).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_vocabulary_and_come_with_log_probabilities() {
        let checked = |ids: &[u32], missing| score_ids(Some(ids), 300, missing).map_err(|e| e.to_string());
        assert!(score_ids(None, 300, Some("`logprobs`")).expect("nothing").is_empty());
        assert_eq!(checked(&[], Some("`logprobs`")), Ok(Vec::new()));
        assert_eq!(checked(&[299, 0], None), Ok(vec![TokenId(299), TokenId(0)]));
        assert!(checked(&[7; 128], None).is_ok());
        for (checked, message) in [
            (checked(&[7], Some("`logprobs`")), "expected `logprobs` with it"),
            (checked(&[7; 129], None), "found 129 ids, expected at most 128 ids"),
            (checked(&[7, 300], None), "found 300, expected ids below 300: others are out of vocabulary"),
        ] {
            assert_eq!(checked, Err(format!("logprob_token_ids: {message}")));
        }
    }
}
