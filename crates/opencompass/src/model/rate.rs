//! Limits on requests and tokens per minute, shared by everything in this process that uses one key of a server.
//!
//! Each limit is a leaky bucket: a request moves the time at which the bucket is empty again, and waits while that time
//! is too far ahead. So a minute never has more than its limit, and after a pause up to one second's share may start at
//! once. What the server refuses all the same is retried by the client, with growing pauses and jitter.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::{EvaluatedModelConfig, Request, ScoredText};

/// How far a bucket may be ahead of time: what may start at once.
const AHEAD: Duration = Duration::from_secs(1);
/// Number of UTF-8 bytes of a token, roughly, where nobody has counted them.
const BYTES_PER_TOKEN: usize = 4;

/// The limits of one key of a server.
#[derive(Debug)]
pub(super) struct RateLimit {
    requests: Option<Duration>,
    tokens: Option<Duration>,
    empty: Mutex<Empty>,
}

/// When each bucket is empty again.
#[derive(Debug)]
struct Empty {
    requests: Instant,
    tokens: Instant,
}

/// The limits by address and key. They live as long as a model uses them.
static LIMITS: LazyLock<Mutex<BTreeMap<String, Weak<RateLimit>>>> = LazyLock::new(Mutex::default);

impl RateLimit {
    fn new(requests_per_minute: Option<u32>, tokens_per_minute: Option<u32>) -> Self {
        let each = |limit: Option<u32>| limit.map(|limit| Duration::from_secs(60) / limit.max(1));
        let now = Instant::now();
        Self {
            requests: each(requests_per_minute),
            tokens: each(tokens_per_minute),
            empty: Mutex::new(Empty { requests: now, tokens: now }),
        }
    }

    /// Returns the limits of a model, which it shares with all models of the same address, key and limits; none if it
    /// has none.
    pub(super) fn of(config: &EvaluatedModelConfig) -> Option<Arc<Self>> {
        let (requests, tokens) = (config.requests_per_minute, config.tokens_per_minute);
        if requests.is_none() && tokens.is_none() {
            return None;
        }
        let place = format!("{:?} {:?} {requests:?} {tokens:?}", config.base_url, config.api_key);
        let mut limits = LIMITS.lock().unwrap_or_else(PoisonError::into_inner);
        limits.retain(|_, limit| limit.strong_count() > 0);
        if let Some(limit) = limits.get(&place).and_then(Weak::upgrade) {
            return Some(limit);
        }
        let limit = Arc::new(Self::new(requests, tokens));
        limits.insert(place, Arc::downgrade(&limit));
        Some(limit)
    }

    /// Waits until a request may be sent.
    pub(super) async fn wait(&self, request: &Request) {
        let pause = self.take(tokens_of(request), Instant::now());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    /// Takes the share of a request and returns how long it has to wait.
    fn take(&self, tokens: usize, now: Instant) -> Duration {
        let mut empty = self.empty.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pause = Duration::ZERO;
        if let Some(each) = self.requests {
            pause = pause.max(fill(&mut empty.requests, each, now));
        }
        if let Some(each) = self.tokens {
            let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
            pause = pause.max(fill(&mut empty.tokens, each.saturating_mul(tokens), now));
        }
        pause
    }
}

/// Adds a share to a bucket and returns how long its owner has to wait.
fn fill(empty: &mut Instant, share: Duration, now: Instant) -> Duration {
    let start = (*empty).max(now);
    *empty = start + share;
    // Whoever finds the bucket nearly empty may go at once.
    start.duration_since(now).saturating_sub(AHEAD)
}

/// The number of tokens of prompt and answer, roughly.
fn tokens_of(request: &Request) -> usize {
    let bytes = |bytes: usize| bytes / BYTES_PER_TOKEN + 1;
    let text = |text: &ScoredText| match text {
        ScoredText::Text(text) => bytes(text.len()),
        ScoredText::Ids(ids) => ids.len(),
    };
    match request {
        Request::Complete { prompt, sampling } => {
            bytes(prompt.len()) + sampling.max_tokens.unwrap_or(0) as usize
        }
        Request::Chat { messages, sampling, .. } | Request::Agent { messages, sampling, .. } => {
            let prompt: usize = messages.iter().map(|message| message.text().len()).sum();
            bytes(prompt) + sampling.max_tokens.unwrap_or(0) as usize
        }
        Request::Score { text: scored, .. } | Request::Tokens { text: scored } => text(scored),
        Request::Choices { prompt, .. } => text(prompt) + 1,
        Request::Embed { texts } => texts.iter().map(|text| bytes(text.len())).sum(),
        Request::Run { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_than_its_limit() {
        let limit = RateLimit::new(Some(60), Some(6000));
        let now = Instant::now();
        let pauses: Vec<u64> = (0..5).map(|_| limit.take(10, now).as_secs()).collect();
        // One request per second; the second one finds the bucket nearly empty.
        assert_eq!(pauses, [0, 0, 1, 2, 3]);
        // 100 tokens per second: a request of 500 tokens holds up the next one.
        let limit = RateLimit::new(None, Some(6000));
        assert_eq!((limit.take(500, now).as_secs(), limit.take(1, now).as_secs()), (0, 4));
        // After a pause nothing has to wait.
        assert_eq!(limit.take(1, now + Duration::from_secs(60)), Duration::ZERO);
    }

    #[test]
    fn models_with_one_key_share_their_limits() {
        let config = |key: &str, limit: Option<u32>| {
            let mut config = EvaluatedModelConfig::from_argument("http://rate.test").expect("an address");
            config.api_key = Some(key.to_owned());
            config.requests_per_minute = limit;
            config
        };
        assert!(RateLimit::of(&config("a", None)).is_none());
        let first = RateLimit::of(&config("a", Some(9))).expect("a limit");
        let same = RateLimit::of(&config("a", Some(9))).expect("a limit");
        let other = RateLimit::of(&config("b", Some(9))).expect("a limit");
        assert!(Arc::ptr_eq(&first, &same) && !Arc::ptr_eq(&first, &other));
    }
}
