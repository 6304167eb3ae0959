//! Scores of reward models: the value head on the last token of a conversation (upstream's
//! `InternLM2ForRewardModel.get_score`).

use burn::tensor::Device;

use crate::attend::Causal;
use crate::config::Family;
use crate::decoder::Decoder;
use crate::parameter::numbers;
use crate::{Error, Result, TokenId};

/// InternLM2's `[UNUSED_TOKEN_130]`, whose position carries the score when the config names no other.
const REWARD_TOKEN: TokenId = TokenId(92_527);

/// The score of each conversation, higher is better; no unit. The reward token is appended where it is not the last.
///
/// # Errors
/// A model without a value head, ids outside of the vocabulary.
pub fn scores(decoder: &Decoder, conversations: &[Vec<TokenId>], device: &Device) -> Result<Vec<f32>> {
    let config = decoder.config();
    if config.family != Family::InternLm2Reward {
        return Err(Error::argument("model family", config.family.name(), "internlm2-reward"));
    }
    let token = config.reward_token_id.unwrap_or(REWARD_TOKEN);
    let (mut row, mut cumulative) = (Vec::new(), vec![0]);
    for ids in conversations {
        row.extend_from_slice(ids);
        if ids.last() != Some(&token) {
            row.push(token);
        }
        cumulative.push(row.len());
    }
    let hidden = decoder.forward(decoder.ids(&row, device)?, &mut Causal::packed(&cumulative));
    let values = numbers(decoder.logits(hidden));
    Ok(cumulative[1..].iter().map(|end| values[end - 1]).collect())
}
