//! [`RestState`]: whether the engine sleeps, as its thread reports it.

use crate::engine::SleepPart;

/// What other threads can know of an engine's sleep.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::engine) struct RestState {
    /// Whether new requests are refused: it sleeps, or will do so when the running ones have ended.
    pub(in crate::engine) refuses: bool,
    /// What is released, in the order of waking.
    pub(in crate::engine) asleep: Vec<SleepPart>,
    /// Why it could not wake the last time.
    pub(in crate::engine) failure: Option<String>,
}

impl RestState {
    /// The state of an engine that takes no requests, in words; none for one that takes them.
    pub(super) fn message(&self) -> Option<String> {
        if !self.refuses {
            return None;
        }
        if self.asleep.is_empty() {
            return Some("it sleeps when the running requests have ended".to_owned());
        }
        let names: Vec<&str> = self.asleep.iter().map(|part| part.name()).collect();
        let names = names.join(", ");
        Some(match &self.failure {
            Some(failure) => format!("{names} could not be woken: {failure}"),
            None => format!("released: {names}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_says_what_is_released_and_why_it_stays_so() {
        let awake = RestState::default();
        assert_eq!(awake.message(), None);
        let tired = RestState { refuses: true, ..awake };
        assert_eq!(tired.message().as_deref(), Some("it sleeps when the running requests have ended"));
        let asleep = RestState { asleep: SleepPart::ALL.to_vec(), ..tired };
        assert_eq!(asleep.message().as_deref(), Some("released: weights, kv_cache"));
        let failed = RestState { failure: Some("no such file".to_owned()), ..asleep };
        let expected = "weights, kv_cache could not be woken: no such file";
        assert_eq!(failed.message().as_deref(), Some(expected));
    }
}
