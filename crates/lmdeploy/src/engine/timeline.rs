//! [`Timelines`]: when what happened to each request, from which the engine's histograms are fed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::gauges::Ended;
use super::{End, Gauges, RequestId};

/// The times of all requests that have not ended. Times are those of [`Gauges::now`].
#[derive(Debug, Default)]
pub(super) struct Timelines {
    requests: BTreeMap<RequestId, Timeline>,
}

/// The times of one request.
#[derive(Clone, Copy, Debug)]
struct Timeline {
    prompt: usize,
    submitted: Duration,
    /// When it first held blocks, and how many tokens of its prompt were cached.
    admitted: Option<(Duration, usize)>,
    first_token: Option<Duration>,
    last_token: Duration,
}

impl Timelines {
    /// A request with `prompt` tokens was accepted.
    pub(super) fn submitted(&mut self, id: RequestId, prompt: usize, now: Duration) {
        let timeline =
            Timeline { prompt, submitted: now, admitted: None, first_token: None, last_token: now };
        self.requests.insert(id, timeline);
    }

    /// A request holds blocks for the first time; `cached` tokens of its prompt need not be computed.
    pub(super) fn admitted(&mut self, id: RequestId, cached: usize, gauges: &Gauges) {
        if let Some(timeline) = self.requests.get_mut(&id) {
            timeline.admitted.get_or_insert((gauges.now(), cached));
        }
    }

    /// The next token of a request is there.
    pub(super) fn token(&mut self, id: RequestId, gauges: &Gauges) {
        let now = gauges.now();
        let Some(timeline) = self.requests.get_mut(&id) else { return };
        match timeline.first_token {
            None => {
                timeline.first_token = Some(now);
                gauges.count_prompt(timeline.prompt, timeline.cached());
                gauges.first_token(now.saturating_sub(timeline.submitted));
            }
            Some(_) => gauges.next_token(now.saturating_sub(timeline.last_token)),
        }
        timeline.last_token = now;
    }

    /// A request is over, with `generated` tokens.
    pub(super) fn ended(&mut self, id: RequestId, end: &End, generated: usize, gauges: &Gauges) {
        let Some(timeline) = self.requests.remove(&id) else { return };
        if timeline.first_token.is_none() {
            gauges.count_prompt(timeline.prompt, timeline.cached());
        }
        gauges.ended(end, &timeline.end(generated, gauges.now()));
    }
}

impl Timeline {
    /// Number of the prompt's tokens that were cached.
    fn cached(self) -> usize {
        self.admitted.map_or(0, |(_, cached)| cached)
    }

    fn end(self, generated: usize, now: Duration) -> Ended {
        let admitted = self.admitted.map(|(at, _)| at);
        Ended {
            prompt: self.prompt,
            generated,
            cached: self.cached(),
            whole: now.saturating_sub(self.submitted),
            queued: admitted.map(|at| at.saturating_sub(self.submitted)),
            prefill: self.first_token.zip(admitted).map(|(first, at)| first.saturating_sub(at)),
            decode: self.first_token.map(|first| self.last_token.saturating_sub(first)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_life_is_cut_at_its_events() {
        let timeline = Timeline {
            prompt: 7,
            submitted: at(10),
            admitted: Some((at(30), 4)),
            first_token: Some(at(90)),
            last_token: at(190),
        };
        let expected = Ended {
            prompt: 7,
            generated: 5,
            cached: 4,
            whole: at(190),
            queued: Some(at(20)),
            prefill: Some(at(60)),
            decode: Some(at(100)),
        };
        assert_eq!(timeline.end(5, at(200)), expected);
        let never = Timeline { admitted: None, first_token: None, ..timeline };
        let ended = never.end(0, at(50));
        assert_eq!((ended.queued, ended.prefill, ended.decode), (None, None, None));
        assert_eq!((ended.whole, ended.cached), (at(40), 0));
    }

    #[test]
    fn each_request_ends_once_in_the_gauges() {
        let gauges = Gauges::new();
        let mut timelines = Timelines::default();
        timelines.submitted(RequestId(1), 3, gauges.now());
        timelines.admitted(RequestId(1), 2, &gauges);
        timelines.token(RequestId(1), &gauges);
        assert_eq!((gauges.prompt_tokens(), gauges.generated_tokens(), gauges.cached_tokens()), (3, 1, 2));
        timelines.token(RequestId(1), &gauges);
        timelines.submitted(RequestId(2), 4, gauges.now());
        timelines.ended(RequestId(2), &End::Length, 0, &gauges);
        timelines.ended(RequestId(1), &End::Length, 2, &gauges);
        timelines.ended(RequestId(1), &End::Length, 2, &gauges);
        timelines.token(RequestId(9), &gauges);
        assert_eq!((gauges.prompt_tokens(), gauges.generated_tokens(), gauges.cached_tokens()), (7, 2, 2));
        let counts = |name: &str| {
            let found = gauges.histograms().into_iter().find(|(found, ..)| *found == name);
            found.map(|(.., histogram)| histogram.count)
        };
        assert_eq!(counts("time_to_first_token_seconds"), Some(1));
        assert_eq!(counts("iter_token_latency"), Some(1));
        assert_eq!(counts("e2e_request_latency_seconds"), Some(2));
        assert_eq!(counts("no such name"), None);
    }
}
