//! [`ResponseStore`]: the latest responses, in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::protocol::ChatMessage;
use crate::protocol::responses::{OutputItem, ResponseObject};

/// Default maximum number of responses.
const MAX_RESPONSES: usize = 1024;
/// Default maximum size of all responses with their conversations, in bytes of JSON.
const MAX_BYTES: usize = 64 << 20;

/// Responses that clients may ask for again or continue. The oldest ones make room for new ones; a restart forgets all.
/// Clones are the same store.
///
/// ```
/// use lmdeploy::protocol::ChatMessage;
/// use lmdeploy::protocol::responses::ResponseObject;
/// use lmdeploy::respond::ResponseStore;
///
/// let store = ResponseStore::new(1, 10_000);
/// for id in ["resp_1", "resp_2"] {
///     store.put(ResponseObject { id: id.to_owned(), ..ResponseObject::default() }, vec![ChatMessage::user("hi")]);
/// }
/// assert!(store.get("resp_1").is_none(), "there is room for one");
/// assert_eq!(store.conversation("resp_2").map(|messages| messages.len()), Some(1));
/// ```
#[derive(Clone, Debug)]
pub struct ResponseStore {
    entries: Arc<Mutex<Entries>>,
    max_responses: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Entries {
    /// The oldest one first.
    list: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    response: ResponseObject,
    /// The input without its instructions, and the output.
    conversation: Vec<ChatMessage>,
    bytes: usize,
}

impl Default for ResponseStore {
    /// Room for 1024 responses of 64 MiB in all.
    fn default() -> Self {
        Self::new(MAX_RESPONSES, MAX_BYTES)
    }
}

impl ResponseStore {
    /// A store for at most `max_responses` responses, which with their conversations have at most `max_bytes` bytes as
    /// JSON.
    #[must_use]
    pub fn new(max_responses: usize, max_bytes: usize) -> Self {
        Self { entries: Arc::default(), max_responses, max_bytes }
    }

    /// Keeps a response with its conversation. One that is larger than the whole store is not kept.
    pub fn put(&self, response: ResponseObject, conversation: Vec<ChatMessage>) {
        let bytes = size(&response) + size(&conversation);
        if bytes > self.max_bytes {
            tracing::warn!(id = response.id, bytes, "a response is too large to be kept");
            return;
        }
        let mut entries = self.lock();
        entries.list.push_back(Entry { response, conversation, bytes });
        entries.bytes += bytes;
        while entries.list.len() > self.max_responses || entries.bytes > self.max_bytes {
            entries.remove(0);
        }
    }

    /// A response, by its id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<ResponseObject> {
        self.find(id, |entry| entry.response.clone())
    }

    /// The conversation that ended with a response, without the instructions of its request.
    #[must_use]
    pub fn conversation(&self, id: &str) -> Option<Vec<ChatMessage>> {
        self.find(id, |entry| entry.conversation.clone())
    }

    /// An item of a response, by the item's id.
    #[must_use]
    pub fn item(&self, id: &str) -> Option<OutputItem> {
        let entries = self.lock();
        let mut items = entries.list.iter().flat_map(|entry| &entry.response.output);
        items.find(|item| item.id() == id).cloned()
    }

    /// Forgets a response; whether it was there. Responses that continue it have its conversation and stay.
    #[must_use]
    pub fn remove(&self, id: &str) -> bool {
        let mut entries = self.lock();
        let place = entries.list.iter().position(|entry| entry.response.id == id);
        place.is_some_and(|place| entries.remove(place))
    }

    fn find<T>(&self, id: &str, read: impl Fn(&Entry) -> T) -> Option<T> {
        self.lock().list.iter().rev().find(|entry| entry.response.id == id).map(read)
    }

    /// A panic elsewhere cannot leave a response half written: every one is added as a whole.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Removes the response at a place, if there is one.
    fn remove(&mut self, place: usize) -> bool {
        let removed = self.list.remove(place);
        self.bytes -= removed.as_ref().map_or(0, |entry| entry.bytes);
        removed.is_some()
    }
}

/// Length of a value as JSON.
fn size(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn response(id: usize) -> ResponseObject {
        ResponseObject { id: format!("resp_{id}"), ..ResponseObject::default() }
    }

    proptest! {
        #[test]
        fn the_latest_responses_are_there_and_no_others(
            lengths in prop::collection::vec(0..400_usize, 1..40),
            max_responses in 1..8_usize,
            max_bytes in 2_000..4_000_usize,
        ) {
            let store = ResponseStore::new(max_responses, max_bytes);
            let mut sizes = Vec::new();
            for (id, length) in lengths.iter().enumerate() {
                let conversation = vec![ChatMessage::user("a".repeat(*length))];
                sizes.push(size(&response(id)) + size(&conversation));
                store.put(response(id), conversation);
                let mut left = max_bytes;
                let fits = |bytes: &&usize| {
                    let fits = **bytes <= left;
                    left -= if fits { **bytes } else { left };
                    fits
                };
                let kept = sizes.iter().rev().take(max_responses).take_while(fits).count();
                for other in 0..=id {
                    prop_assert_eq!(store.get(&format!("resp_{other}")).is_some(), other + kept > id);
                }
                prop_assert_eq!(store.lock().bytes, sizes[sizes.len() - kept..].iter().sum::<usize>());
            }
        }
    }

    #[test]
    fn what_is_removed_or_too_large_is_not_there() {
        let store = ResponseStore::new(10, 2_000);
        store.put(response(1), Vec::new());
        store.put(response(2), vec![ChatMessage::user("a".repeat(2_000))]);
        assert!(store.get("resp_1").is_some(), "nothing was removed for what does not fit");
        assert!(store.get("resp_2").is_none());
        assert!(store.remove("resp_1") && !store.remove("resp_1"));
        assert_eq!((store.get("resp_1"), store.lock().bytes), (None, 0));
    }
}
