//! [`Retries`]: whether a request is sent again after an error, and after which pause.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::ClientConfig;
use crate::Error;

/// Pause before the first retry when the server does not ask for another one; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Maximum pause that the doubling comes to.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// What one call has left of retries and of time to wait.
#[derive(Clone, Debug)]
pub(super) struct Retries {
    left: u32,
    wait: Duration,
    pause: Duration,
}

impl Retries {
    pub(super) fn new(config: &ClientConfig) -> Self {
        Self { left: config.retries, wait: config.max_wait, pause: FIRST_PAUSE }
    }

    /// The pause before the request is sent again; none when `error` is the answer of the call.
    pub(super) fn after(&mut self, error: &Error) -> Option<Duration> {
        self.spread(error, random())
    }

    /// Clients that were refused together must not come back together, so the pause of a server grows by up to a
    /// quarter and one of our own shrinks by up to a half; `share` in [0, 1) says by how much.
    fn spread(&mut self, error: &Error, share: f64) -> Option<Duration> {
        let asked = match error {
            // Nothing was sent, so nothing can happen twice.
            Error::Unreachable { .. } => None,
            Error::Status { status: 429 | 503, retry_after, .. } => retry_after.map(Duration::from_secs),
            _ => return None,
        };
        self.left = self.left.checked_sub(1)?;
        let pause = match asked {
            Some(asked) if asked > self.wait => return None,
            Some(asked) => asked.saturating_add(asked.mul_f64(share / 4.0)).min(self.wait),
            None => {
                let full = self.pause;
                self.pause = (full * 2).min(MAX_PAUSE);
                full.mul_f64(1.0 - share / 2.0)
            }
        };
        self.wait = self.wait.checked_sub(pause)?;
        Some(pause)
    }
}

/// A number in [0, 1) that differs between processes and calls.
fn random() -> f64 {
    let bits = RandomState::new().hash_one(());
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, retry_after: Option<u64>) -> Error {
        Error::Status {
            url: String::new(),
            status,
            message: String::new(),
            retry_after,
            detail: Box::default(),
        }
    }

    fn unreachable() -> Error {
        Error::Unreachable { url: String::new(), message: String::new() }
    }

    #[test]
    fn only_refusals_for_a_while_and_failed_connections_are_retried() {
        let connection = Error::Connection { url: String::new(), message: String::new() };
        let answer = Error::Answer { url: String::new(), message: String::new() };
        for error in [status(400, Some(0)), status(500, None), status(504, None), connection, answer] {
            assert_eq!(Retries::new(&ClientConfig::default()).after(&error), None, "{error:?}");
        }
        for error in [status(429, None), status(503, Some(1)), unreachable()] {
            assert!(Retries::new(&ClientConfig::default()).after(&error).is_some(), "{error:?}");
            let once = ClientConfig::default().with_retries(0);
            assert_eq!(Retries::new(&once).after(&error), None, "{error:?}");
        }
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_are_spread() {
        let config = ClientConfig::default().with_retries(9).with_max_wait(Duration::from_secs(3600));
        let mut many = Retries::new(&config);
        let pauses: Vec<u128> =
            (0..9).filter_map(|_| many.spread(&unreachable(), 0.0)).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(many.spread(&unreachable(), 0.0), None, "no retries are left");
        let spread = |error: &Error| Retries::new(&config).spread(error, 0.5);
        assert_eq!(spread(&unreachable()), Some(Duration::from_micros(187_500)));
        assert_eq!(spread(&status(429, Some(8))), Some(Duration::from_secs(9)));
        assert!((0..100).map(|_| random()).all(|share| (0.0..1.0).contains(&share)));
    }

    #[test]
    fn no_call_waits_longer_than_its_limit() {
        let mut short = Retries::new(&ClientConfig::default().with_max_wait(Duration::from_secs(10)));
        assert_eq!(short.spread(&status(429, Some(8)), 0.9), Some(Duration::from_millis(9800)));
        assert_eq!(short.spread(&status(429, Some(1)), 0.0), None, "too little is left");
        let mut long = Retries::new(&ClientConfig::default().with_max_wait(Duration::MAX));
        assert!(long.spread(&status(429, Some(u64::MAX)), 0.9).is_some(), "nothing overflows");
    }
}
