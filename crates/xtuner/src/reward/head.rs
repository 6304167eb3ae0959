//! A language model becomes a reward model: value head, reward token, and a method of tuning that trains the head.

use internlm_model::decoder::Decoder;
use internlm_model::reward::domain_prompts;
use internlm_model::{ModelConfig, TokenId, Tokenizer};
use internlm_train::BaseWeights;

use super::config::{RewardConfig, RewardTokenConfig};
use crate::config::{FinetuneConfig, Method};
use crate::setup::{self, Setup};
use crate::template::Template;
use crate::{Error, Result};

/// The module that gives the score.
const HEAD: &str = "v_head";
/// Special tokens that models keep for uses like this one.
const SPARE: [&str; 2] = ["[UNUSED_TOKEN_130]", "<|reserved_special_token_0|>"];

/// `config` with a method that trains the value head whole, whatever else it trains.
pub(crate) fn with_value_head_trained(config: &FinetuneConfig) -> FinetuneConfig {
    let mut config = config.clone();
    let modules = match config.model.method {
        // An empty list trains everything.
        Method::Full if config.model.trained.is_empty() => return config,
        Method::Full => &mut config.model.trained,
        _ => &mut config.lora.modules_to_save,
    };
    if !modules.iter().any(|module| module == HEAD) {
        modules.push(HEAD.to_owned());
    }
    config
}

/// `config` with a method that trains the value head, too, and its base model with a value head and that method applied.
/// System prompts of domains are those of `reward`; without any, a base that is a conditional reward model keeps its own.
///
/// # Errors
/// As [`setup::load`]; a reward token that is not in the vocabulary, and a vocabulary without a token that could be one.
pub(crate) fn load(config: &FinetuneConfig, reward: &RewardConfig) -> Result<(FinetuneConfig, Setup)> {
    let config = with_value_head_trained(config);
    let path = &config.model.path;
    let base = Decoder::load(path, &setup::device_of(&config)?)?;
    // What cannot be written at the end is refused at the start.
    base.check_save()?;
    let tokenizer = Tokenizer::load(path)?;
    let token = reward_token(reward.reward_token.as_ref(), base.config(), &tokenizer)?;
    let domains =
        if reward.domains.is_empty() { domain_prompts(base.config())? } else { reward.domains.clone() };
    let text = tokenizer.token(token).unwrap_or_default();
    tracing::info!(domains = domains.len(), id = token.0, "scores are read at the token `{text}`");
    let decoder = base.with_value_head(token, &domains);
    let model = decoder.config().clone();
    let setup = Setup {
        decoder: setup::tuned(decoder, &config)?,
        model,
        tokenizer,
        template: Template::load(path, config.dataset.template.as_deref())?,
        base: BaseWeights::read("model.path", path)?,
    };
    Ok((config, setup))
}

fn reward_token(
    chosen: Option<&RewardTokenConfig>,
    model: &ModelConfig,
    tokenizer: &Tokenizer,
) -> Result<TokenId> {
    let place = "objective.reward-token";
    let (token, found) = match chosen {
        Some(RewardTokenConfig::Id(id)) => (Some(TokenId(*id)), format!("the id {id}")),
        Some(RewardTokenConfig::Text(text)) => (tokenizer.special(text), format!("`{text}`")),
        None => {
            let spare = SPARE.iter().find_map(|text| tokenizer.special(text));
            let token = model.reward_token_id.or(spare).or_else(|| tokenizer.eos());
            (token.or_else(|| model.eos.first().copied()), "none".to_owned())
        }
    };
    let vocab = model.vocab;
    token.filter(|token| token.index() < vocab).ok_or_else(|| {
        let expected = format!("a special token of the model, or an id below {vocab}");
        Error::mismatch(place, found, expected)
    })
}
