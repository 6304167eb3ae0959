//! What a toolkit remembers between the calls of one session.

use std::sync::{Mutex, PoisonError};

/// Maximum number of sessions that are remembered; the one that was used longest ago is forgotten first.
const SESSIONS: usize = 256;

/// A value for each session, which begins as the default.
#[derive(Debug, Default)]
pub(in crate::action) struct Sessions<T> {
    /// The session that was used last is at the end.
    values: Mutex<Vec<(String, T)>>,
}

impl<T: Default> Sessions<T> {
    /// Lets `work` read and change the value of a session.
    pub(in crate::action) fn with<R>(&self, session: &str, work: impl FnOnce(&mut T) -> R) -> R {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let place = values.iter().position(|(name, _)| name == session);
        let mut entry = match place {
            Some(place) => values.remove(place),
            None => (session.to_owned(), T::default()),
        };
        let result = work(&mut entry.1);
        values.push(entry);
        if values.len() > SESSIONS {
            values.remove(0);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_session_is_forgotten() {
        let sessions = Sessions::<u32>::default();
        sessions.with("first", |value| *value = 1);
        for number in 0..SESSIONS - 1 {
            sessions.with(&number.to_string(), |value| *value = 2);
        }
        assert_eq!(sessions.with("first", |value| *value), 1);
        sessions.with("one more", |value| *value = 3);
        assert_eq!(sessions.with("0", |value| *value), 0);
        assert_eq!(sessions.with("first", |value| *value), 1);
    }
}
