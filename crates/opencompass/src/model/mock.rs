//! A rule instead of a model: for tests, and to try a dataset file without a server.

use std::sync::Arc;

use internlm_kit::atomic::sha256;

use super::{Answer, Answering, MockRule, Model, ModelConfig, Profile, Request, ScoredText};
use crate::Result;

/// A function from requests to answers.
type Rule = Arc<dyn Fn(&Request) -> Result<Answer> + Send + Sync>;

/// A model that follows a rule.
///
/// Its log-probabilities, unless the rule gives others, are those of a uniform distribution over bytes: every
/// text has exactly 8 bits per byte.
///
/// ```
/// use opencompass::model::{Answer, MockModel, Model};
/// let model = MockModel::new("yes", |_| Ok(Answer::Reply { text: "yes".into(), calls: vec![] }));
/// assert_eq!(model.profile().name, "yes");
/// ```
#[derive(Clone)]
pub struct MockModel {
    profile: Profile,
    rule: Rule,
}

impl MockModel {
    /// A model called `name` that follows `rule`.
    pub fn new(name: &str, rule: impl Fn(&Request) -> Result<Answer> + Send + Sync + 'static) -> Self {
        let profile = Profile {
            name: name.to_owned(),
            identity: format!("mock:{name}"),
            max_seq_len: 2048,
            protocol: super::Protocol::Chat,
            log_probs: Ok(()),
            meta_template: None,
            tokenizer: None,
        };
        Self { profile, rule: Arc::new(rule) }
    }

    /// The same rule behind another profile.
    #[must_use]
    pub fn with_profile(self, change: impl FnOnce(&mut Profile)) -> Self {
        let mut profile = self.profile;
        change(&mut profile);
        Self { profile, ..self }
    }

    /// The model of a run file.
    #[must_use]
    pub fn from_config(config: &ModelConfig) -> Self {
        let rule = config.rule.clone().unwrap_or(MockRule::Echo);
        let identity = format!("mock:{rule:?}");
        Self::new(&config.name, move |request| Ok(follow(&rule, request))).with_profile(|profile| {
            profile.identity = identity;
            profile.max_seq_len = config.max_seq_len.unwrap_or(profile.max_seq_len);
            profile.protocol = config.protocol;
            profile.meta_template = config.meta_template.clone();
            if config.log_probs == Some(false) {
                profile.log_probs = Err("model.log-probs is false".to_owned());
            }
        })
    }
}

/// The answer of a rule to one request.
fn follow(rule: &MockRule, request: &Request) -> Answer {
    let prompt = match request {
        Request::Score { text } => return uniform(text),
        Request::Complete { prompt, .. } => prompt.as_str(),
        Request::Chat { messages, .. } => messages.last().map_or("", |message| message.content.as_str()),
    };
    let text = match rule {
        MockRule::Constant { text } => text.clone(),
        MockRule::Echo => prompt.lines().last().unwrap_or_default().to_owned(),
        MockRule::Choose { texts } => {
            let hash = u64::from_str_radix(&sha256(prompt.as_bytes())[..15], 16).expect("hexadecimal digits");
            texts.get(hash as usize % texts.len().max(1)).cloned().unwrap_or_default()
        }
    };
    Answer::Reply { text, calls: Vec::new() }
}

/// Every byte is one token of probability 1/256, after a `<s>` that costs nothing.
fn uniform(text: &ScoredText) -> Answer {
    let scored = match text {
        ScoredText::Text(text) => text.len(),
        ScoredText::Ids(ids) => ids.len().saturating_sub(1),
    };
    Answer::Scored { tokens: scored + 1, log_prob: -(scored as f64) * 256_f64.ln(), unscored_bytes: 0 }
}

impl Model for MockModel {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(async move { (self.rule)(request) })
    }
}
