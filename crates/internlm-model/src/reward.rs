//! Reward models: a value head on the trunk of a language model, and scores of conversations (upstream's
//! `InternLM2ForRewardModel.get_score`).
//!
//! The score of a conversation is the value at its last token, the reward token, which is appended where it is absent.
//! A model that was trained with a system prompt for each domain (InternLM2's report, conditional reward model) keeps
//! these prompts in `config.json`.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use serde_json::{Value, json};

use crate::attend::Causal;
use crate::config::{Family, ModelConfig};
use crate::decoder::Decoder;
use crate::linear::Linear;
use crate::parameter::numbers;
use crate::{Error, Result, TokenId};

/// InternLM2's `[UNUSED_TOKEN_130]`, whose position carries the score when the config names no other.
pub const REWARD_TOKEN: TokenId = TokenId(92_527);

/// The key of `config.json` with the system prompt of each domain.
const DOMAINS: &str = "reward_domains";

/// The token at whose position a reward model of this config gives its score.
#[must_use]
pub fn reward_token(config: &ModelConfig) -> TokenId {
    config.reward_token_id.unwrap_or(REWARD_TOKEN)
}

/// The system prompt of each domain that a conditional reward model was trained with; empty for other models.
///
/// # Errors
/// A value of `reward_domains` in `config.json` that is not an object of texts.
pub fn domain_prompts(config: &ModelConfig) -> Result<BTreeMap<String, String>> {
    let Some(value) = config.extra.get(DOMAINS) else { return Ok(BTreeMap::new()) };
    serde_json::from_value(value.clone())
        .map_err(|error| Error::argument(DOMAINS, error, "an object of domains and their system prompts"))
}

impl Decoder {
    /// The same trunk as a reward model, whose score is at `token`: the output matrix gives way to a value head of
    /// zeros; a value head that is already there stays. `domains` are written into the config; see [`domain_prompts`].
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use internlm_model::{Decoder, ModelConfig, ModelSize, TokenId, device, reward};
    ///
    /// let size = ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 40 };
    /// let device = device::parse("cpu")?;
    /// let decoder = Decoder::init(&ModelConfig::new(size), 42, &device);
    /// let model = decoder.with_value_head(TokenId(39), &BTreeMap::new());
    /// assert_eq!(reward::scores(&model, &[vec![TokenId(5)]], &device)?, [0.0]);
    /// # Ok::<(), internlm_model::Error>(())
    /// ```
    #[must_use]
    pub fn with_value_head(mut self, token: TokenId, domains: &BTreeMap<String, String>) -> Self {
        let mut config = self.config().clone();
        if config.family != Family::InternLm2Reward {
            let device = self.tok_embeddings.weight.device();
            self.output = Some(Linear::dense(Tensor::zeros([1, config.hidden], &device), None));
            config.family = Family::InternLm2Reward;
            // transformers would take the embedding for the head.
            config.tied = false;
        }
        config.reward_token_id = Some(token);
        let code = json!({
            "AutoConfig": "configuration_internlm2.InternLM2Config",
            "AutoModel": "modeling_internlm2.InternLM2ForRewardModel",
        });
        config.extra.insert("auto_map".to_owned(), code);
        config.extra.shift_remove(DOMAINS);
        if !domains.is_empty() {
            let prompts =
                domains.iter().map(|(domain, prompt)| (domain.clone(), Value::from(prompt.as_str())));
            config.extra.insert(DOMAINS.to_owned(), prompts.collect());
        }
        self.with_config(config)
    }
}

/// The score of each conversation, higher is better; no unit. The reward token is appended where it is not the last.
///
/// # Errors
/// A model without a value head, ids outside of the vocabulary.
pub fn scores(decoder: &Decoder, conversations: &[Vec<TokenId>], device: &Device) -> Result<Vec<f32>> {
    let config = decoder.config();
    if config.family != Family::InternLm2Reward {
        return Err(Error::argument("model family", config.family.name(), "internlm2-reward"));
    }
    let token = reward_token(config);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelSize;

    fn language_model() -> Decoder {
        let size = ModelSize { hidden: 16, layers: 1, heads: 2, inter: 24, vocab: 20 };
        Decoder::init(&ModelConfig::new(size).with_tied_output(), 3, &Device::flex())
    }

    #[test]
    fn a_value_head_begins_at_zero_and_is_kept_afterwards() {
        let domains = BTreeMap::from([("code".to_owned(), "Judge code.".to_owned())]);
        let mut model = language_model().with_value_head(TokenId(19), &domains);
        let conversations = [vec![TokenId(4), TokenId(5)], vec![TokenId(7)]];
        let scores = |model: &Decoder| scores(model, &conversations, &Device::flex()).expect("scores");
        assert_eq!((scores(&model), model.logits_width()), (vec![0.0; 2], 1));
        let (name, mut head) = model.parameters_mut().pop().expect("a value head");
        assert_eq!(name, "v_head.weight");
        head.set(vec![0.5; 16]);

        let folder = tempfile::tempdir().expect("a temporary folder");
        model.save(folder.path()).expect("saves");
        let loaded = Decoder::load(folder.path(), &Device::flex()).expect("loads");
        assert_eq!(scores(&loaded), scores(&model));
        assert_eq!(domain_prompts(loaded.config()).expect("prompts"), domains);
        assert_eq!(reward_token(loaded.config()), TokenId(19));
        let again = loaded.with_value_head(TokenId(19), &BTreeMap::new());
        assert_eq!(scores(&again), scores(&model), "a head that is there stays");
        assert!(domain_prompts(again.config()).expect("none").is_empty());
    }

    #[test]
    fn the_folder_says_what_upstreams_code_reads() {
        let json = language_model().with_value_head(TokenId(19), &BTreeMap::new()).config().to_hf_json();
        assert_eq!(json["architectures"], json!(["InternLM2ForRewardModel"]));
        assert_eq!((&json["reward_token_id"], &json["tie_word_embeddings"]), (&json!(19), &json!(false)));
        assert_eq!(json["auto_map"]["AutoModel"], "modeling_internlm2.InternLM2ForRewardModel");
        assert!(json["auto_map"].get("AutoModelForCausalLM").is_none());
    }
}
