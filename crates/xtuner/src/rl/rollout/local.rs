//! [`LocalRollout`]: answers from the decoder in this process, several at the same time.

use burn::tensor::{Int, Tensor, TensorData};
use internlm_model::TokenId;
use internlm_model::decoder::Decoder;
use internlm_model::parameter::numbers;
use internlm_model::sampling::sample;

use super::sequences::Sequences;
use super::{Finish, Rollout, RolloutAnswer, RolloutRequest};
use crate::{Error, Result};

/// A generator in this process. Its answers are a pure function of weights and requests.
///
/// ```
/// use internlm_model::sampling::SamplingConfig;
/// use internlm_model::{Decoder, ModelConfig, ModelSize, TokenId, device};
/// use xtuner::rl::{LocalRollout, Rollout, RolloutRequest};
///
/// let model = ModelConfig::new(ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 40 });
/// let decoder = Decoder::init(&model, 1, &device::parse("cpu")?);
/// let mut rollout = LocalRollout::new(8, 40);
/// rollout.update(&decoder)?;
/// let sampling = SamplingConfig::greedy().with_temperature(1.0);
/// let request = |seed| RolloutRequest {
///     prompt: vec![TokenId(1), TokenId(7)],
///     seed,
///     sampling: sampling.clone(),
///     max_tokens: 6,
///     stop_ids: vec![TokenId(2)],
/// };
/// let answers = rollout.answers(&[request(1), request(2), request(1)])?;
/// assert!(answers[0] == answers[2] && answers[0].ids.len() <= 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LocalRollout {
    decoder: Option<Decoder>,
    batch: usize,
    vocabulary: usize,
}

impl LocalRollout {
    /// A generator of `batch` answers at a time that never chooses ids from `vocabulary` on.
    #[must_use]
    pub fn new(batch: usize, vocabulary: usize) -> Self {
        Self { decoder: None, batch: batch.max(1), vocabulary }
    }
}

impl Rollout for LocalRollout {
    fn update(&mut self, decoder: &Decoder) -> Result<()> {
        self.decoder = Some(decoder.clone());
        Ok(())
    }

    fn answers(&mut self, requests: &[RolloutRequest]) -> Result<Vec<RolloutAnswer>> {
        let Some(decoder) = &self.decoder else {
            return Err(Error::mismatch("the rollout", "no weights", "an update before the first request"));
        };
        for request in requests {
            check(request, decoder)?;
        }
        let mut answers = Vec::with_capacity(requests.len());
        for requests in requests.chunks(self.batch) {
            answers.extend(Batch::new(decoder, requests, self.vocabulary).run()?);
        }
        Ok(answers)
    }

    fn release(&mut self) -> Result<()> {
        // The optimizer changes weights in place when nobody else holds them.
        self.decoder = None;
        Ok(())
    }
}

/// Refuses what the model cannot continue.
fn check(request: &RolloutRequest, decoder: &Decoder) -> Result<()> {
    let (length, limit) = (request.prompt.len() + request.max_tokens, decoder.config().max_position);
    let problems = request.sampling.problems();
    let found = if request.prompt.is_empty() {
        "no tokens".to_owned()
    } else if request.max_tokens == 0 {
        "an answer of 0 tokens".to_owned()
    } else if length > limit {
        format!("{length} tokens of prompt and answer")
    } else if problems.is_empty() {
        return Ok(());
    } else {
        problems.join("; ")
    };
    Err(Error::mismatch("a rollout request", found, format!("1 to {limit} tokens and usual sampling")))
}

/// Answers that are generated side by side.
struct Batch<'a> {
    decoder: &'a Decoder,
    requests: &'a [RolloutRequest],
    vocabulary: usize,
    cache: Sequences,
    answers: Vec<Growing>,
}

/// An answer in progress.
struct Growing {
    /// Prompt and generated ids.
    history: Vec<TokenId>,
    prompt: usize,
    log_probs: Vec<f32>,
    finish: Option<Finish>,
}

impl<'a> Batch<'a> {
    fn new(decoder: &'a Decoder, requests: &'a [RolloutRequest], vocabulary: usize) -> Self {
        let growing = |request: &RolloutRequest| Growing {
            history: request.prompt.clone(),
            prompt: request.prompt.len(),
            log_probs: Vec::new(),
            finish: None,
        };
        let answers = requests.iter().map(growing).collect();
        let limits = requests.iter().map(|request| request.prompt.len() + request.max_tokens);
        Self { decoder, requests, vocabulary, cache: Sequences::new(limits), answers }
    }

    fn run(mut self) -> Result<Vec<RolloutAnswer>> {
        self.prefill()?;
        loop {
            let active: Vec<usize> = (self.answers.iter().enumerate())
                .filter(|(_, answer)| answer.finish.is_none())
                .map(|(number, _)| number)
                .collect();
            if active.is_empty() {
                break;
            }
            let row: Vec<(usize, Vec<TokenId>)> =
                active.iter().map(|number| (*number, self.answers[*number].last())).collect();
            for (number, logits) in active.into_iter().zip(self.logits(&row)?) {
                self.choose(number, &logits);
            }
        }
        let answer = |growing: Growing| RolloutAnswer {
            ids: growing.history[growing.prompt..].to_vec(),
            finish: growing.finish.unwrap_or(Finish::Length),
            log_probs: Some(growing.log_probs),
        };
        Ok(self.answers.into_iter().map(answer).collect())
    }

    /// Computes each different prompt once and chooses the first id of every answer.
    fn prefill(&mut self) -> Result<()> {
        let first = |number: usize| {
            let same = |other: &RolloutRequest| other.prompt == self.requests[number].prompt;
            self.requests.iter().position(same).unwrap_or(number)
        };
        let sources: Vec<usize> = (0..self.requests.len()).map(first).collect();
        let own = |number: &usize| sources[*number] == *number;
        let row: Vec<(usize, Vec<TokenId>)> = (0..self.requests.len())
            .filter(own)
            .map(|number| (number, self.requests[number].prompt.clone()))
            .collect();
        let computed = self.logits(&row)?;
        for (number, source) in sources.into_iter().enumerate() {
            if source != number {
                self.cache.copy(source, number);
            }
            let place = row.iter().position(|(own, _)| *own == source).unwrap_or(0);
            self.answers[number].choose(&self.requests[number], &computed[place], self.vocabulary);
        }
        // Only now: copies are made of sequences that may have ended with their first id.
        for number in 0..self.answers.len() {
            self.forget(number);
        }
        Ok(())
    }

    fn choose(&mut self, number: usize, logits: &[f32]) {
        self.answers[number].choose(&self.requests[number], logits, self.vocabulary);
        self.forget(number);
    }

    fn forget(&mut self, number: usize) {
        if self.answers[number].finish.is_some() {
            self.cache.drop_keys(number);
        }
    }

    /// Feeds ids of some sequences and gives the logits after the last id of each.
    fn logits(&mut self, row: &[(usize, Vec<TokenId>)]) -> Result<Vec<Vec<f32>>> {
        let device = self.decoder.tok_embeddings.weight.device().inner();
        let ids: Vec<TokenId> = row.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        let lengths: Vec<(usize, usize)> = row.iter().map(|(number, ids)| (*number, ids.len())).collect();
        let ids = self.decoder.ids(&ids, &device)?;
        self.cache.extend(&lengths);
        let hidden = self.decoder.forward(ids, &mut self.cache).inner();
        let ends = lengths.iter().scan(0_usize, |end, (_, tokens)| {
            *end += *tokens;
            Some(*end as i32 - 1)
        });
        let ends: Vec<i32> = ends.collect();
        let ends = Tensor::<1, Int>::from_data(TensorData::new(ends, [row.len()]), &device);
        let width = self.decoder.logits_width();
        let logits = numbers(self.decoder.logits(hidden.select(0, ends)));
        Ok(logits.chunks(width).map(<[f32]>::to_vec).collect())
    }
}

impl Growing {
    /// The id that the cache does not know yet.
    fn last(&self) -> Vec<TokenId> {
        self.history.last().copied().into_iter().collect()
    }

    /// Appends the id that the request chooses from `logits`.
    fn choose(&mut self, request: &RolloutRequest, logits: &[f32], vocabulary: usize) {
        let choices = &logits[..vocabulary.min(logits.len())];
        let position = (self.history.len() - self.prompt) as u64;
        let sampling = request.sampling.clone().with_seed(request.seed);
        let id = sample(choices, &self.history, &sampling, position);
        self.history.push(id);
        self.log_probs.push(log_prob(logits, id));
        if request.stop_ids.contains(&id) {
            self.finish = Some(Finish::Stop);
        } else if self.history.len() - self.prompt == request.max_tokens {
            self.finish = Some(Finish::Length);
        }
    }
}

/// `log softmax` of the logits at `id`.
fn log_prob(logits: &[f32], id: TokenId) -> f32 {
    let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum();
    (f64::from(logits[id.index()]) - largest - sum.ln()) as f32
}
