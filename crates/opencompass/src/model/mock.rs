//! A rule in place of a model, for tests and for trying a dataset file without a server.

use std::sync::Arc;

use internlm_kit::hash::sha256;

use super::{
    Answer, Answering, ChatMessage, Ending, EvaluatedModelConfig, MockRule, Model, Profile, Request,
    ScoredText,
};
use crate::Result;

/// A function from requests to answers.
type Rule = Arc<dyn Fn(&Request) -> Result<Answer> + Send + Sync>;

/// A model that answers by a rule.
///
/// The rules of run files give every byte the same probability, so every text has exactly 8 bits per byte.
///
/// ```
/// use opencompass::model::{Answer, MockModel, Model};
/// let model = MockModel::new("yes", |_| Ok(Answer::text("yes")));
/// assert_eq!(model.profile().name, "yes");
/// ```
#[derive(Clone)]
pub struct MockModel {
    profile: Profile,
    rule: Rule,
}

impl MockModel {
    /// Creates a model called `name` that answers by `rule`. It has 2,048 tokens of context and log-probabilities.
    pub fn new(name: &str, rule: impl Fn(&Request) -> Result<Answer> + Send + Sync + 'static) -> Self {
        let profile = Profile::new(name, format!("mock:{name}"), 2048);
        Self { profile, rule: Arc::new(rule) }
    }

    /// Changes the profile, for instance to play a model without log-probabilities.
    #[must_use]
    pub fn with_profile(self, change: impl FnOnce(&mut Profile)) -> Self {
        let mut profile = self.profile;
        change(&mut profile);
        Self { profile, ..self }
    }

    /// Creates the mock model of a run file.
    #[must_use]
    pub fn from_config(config: &EvaluatedModelConfig) -> Self {
        let rule = config.rule.clone().unwrap_or(MockRule::Echo);
        let identity = format!("mock:{rule:?}");
        Self::new(&config.name, move |request| Ok(follow(&rule, request))).with_profile(|profile| {
            profile.identity = identity;
            profile.max_seq_len = config.max_seq_len.unwrap_or(profile.max_seq_len);
            profile.protocol = config.protocol;
            profile.meta_template = config.meta_template.clone();
            profile.temperature = config.temperature;
            if config.log_probs == Some(false) {
                profile.log_probs = Err("model.log-probs is false".to_owned());
            }
        })
    }
}

/// Computes the answer of a rule to one request.
fn follow(rule: &MockRule, request: &Request) -> Answer {
    let prompt = match request {
        Request::Score { text, from } => return uniform(text, *from),
        Request::Complete { prompt, .. } => prompt.clone(),
        Request::Chat { messages, .. } | Request::Agent { messages, .. } => {
            messages.last().map(ChatMessage::text).unwrap_or_default()
        }
        Request::Tokens { text } => return uniform_tokens(text),
        Request::Choices { choices, .. } => {
            return Answer::Choices { log_probs: vec![-(choices.len() as f64).ln(); choices.len()] };
        }
        Request::Embed { texts } => {
            return Answer::Vectors { vectors: texts.iter().map(|text| letters(text)).collect() };
        }
        Request::Run { .. } => {
            return Answer::Ran { ending: Ending::Exit(0), stdout: String::new(), stderr: String::new() };
        }
    };
    let text = match rule {
        MockRule::Constant { text } => text.clone(),
        MockRule::Echo => prompt.lines().last().unwrap_or_default().to_owned(),
        MockRule::Choose { texts } => {
            let hash = u64::from_str_radix(&sha256(prompt.as_bytes())[..15], 16).expect("hexadecimal digits");
            texts.get(hash as usize % texts.len().max(1)).cloned().unwrap_or_default()
        }
    };
    Answer::text(text)
}

/// Scores a text as if every byte were one token of probability 1/256, after a `<s>` that costs nothing. The first
/// `from` tokens are only context.
fn uniform(text: &ScoredText, from: usize) -> Answer {
    let tokens = match text {
        ScoredText::Text(text) => text.len() + 1,
        ScoredText::Ids(ids) => ids.len(),
    };
    let scored = tokens.saturating_sub(from.max(1));
    Answer::Scored { tokens, log_prob: -(scored as f64) * 256_f64.ln(), unscored_bytes: 0 }
}

/// Scores every byte of a text like [`uniform`].
fn uniform_tokens(text: &ScoredText) -> Answer {
    let texts: Vec<String> = match text {
        ScoredText::Text(text) => text.bytes().map(|byte| char::from(byte).to_string()).collect(),
        ScoredText::Ids(ids) => ids.iter().skip(1).map(ToString::to_string).collect(),
    };
    let log_probs = std::iter::once(None).chain(texts.iter().map(|_| Some(-256_f64.ln()))).collect();
    Answer::Tokens { log_probs, texts: std::iter::once("<s>".to_owned()).chain(texts).collect() }
}

/// Counts the letters of a text: a vector that is the same for the same words in any order.
fn letters(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; 27];
    for letter in text.bytes().map(|byte| byte.to_ascii_lowercase()) {
        vector[if letter.is_ascii_lowercase() { usize::from(letter - b'a') } else { 26 }] += 1.0;
    }
    vector
}

impl Model for MockModel {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(async move { (self.rule)(request) })
    }
}
