//! [`ResponseStore`]: the latest responses, in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};

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
///     let response = ResponseObject { id: id.to_owned(), ..ResponseObject::default() };
///     store.put(response, vec![ChatMessage::user("hi")], Vec::new());
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
    /// The same input as items, without the output.
    input: Vec<Map<String, Value>>,
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

    /// Keeps a response with its conversation and the items of its input, of which each has a name. One that is larger
    /// than the whole store is not kept.
    pub fn put(
        &self,
        response: ResponseObject,
        conversation: Vec<ChatMessage>,
        input: Vec<Map<String, Value>>,
    ) {
        let bytes = size(&response) + size(&conversation) + size(&input);
        if bytes > self.max_bytes {
            tracing::warn!(id = response.id, bytes, "a response is too large to be kept");
            return;
        }
        let mut entries = self.lock();
        entries.list.push_back(Entry { response, conversation, input, bytes });
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

    /// The items that a response was asked with, the oldest one first; those of the responses that it continues are in
    /// front of its own.
    #[must_use]
    pub fn input_items(&self, id: &str) -> Option<Vec<Map<String, Value>>> {
        self.find(id, |entry| entry.input.clone())
    }

    /// The items of a whole conversation: those that a response was asked with, and what it says.
    #[must_use]
    pub fn all_items(&self, id: &str) -> Option<Vec<Map<String, Value>>> {
        self.find(id, |entry| {
            let output = entry.response.output.iter().filter_map(written);
            entry.input.iter().cloned().chain(output).collect()
        })
    }

    /// An item that a response was asked with or says, by the item's id.
    #[must_use]
    pub fn item(&self, id: &str) -> Option<Map<String, Value>> {
        let entries = self.lock();
        let mut said = entries.list.iter().flat_map(|entry| &entry.response.output);
        let mut asked = entries.list.iter().flat_map(|entry| &entry.input);
        let named = |item: &&Map<String, Value>| item.get("id").is_some_and(|name| name == id);
        said.find(|item| item.id() == id).and_then(written).or_else(|| asked.find(named).cloned())
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

/// An item as clients see it.
fn written(item: &OutputItem) -> Option<Map<String, Value>> {
    match serde_json::to_value(item) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

/// Length of a value as JSON.
fn size(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::protocol::responses::MessageItem;

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
                sizes.push(size(&response(id)) + size(&conversation) + size(&json!([])));
                store.put(response(id), conversation, Vec::new());
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
    fn items_are_found_by_name() {
        let said = OutputItem::Message(MessageItem { id: "msg_2".to_owned(), ..MessageItem::default() });
        let asked = Map::from_iter([("id".to_owned(), json!("msg_1")), ("role".to_owned(), json!("user"))]);
        let store = ResponseStore::default();
        store.put(ResponseObject { output: vec![said], ..response(1) }, Vec::new(), vec![asked.clone()]);
        assert_eq!(store.item("msg_1"), Some(asked.clone()));
        assert_eq!(store.item("msg_2").and_then(|item| item.get("role").cloned()), Some(json!("user")));
        assert_eq!(store.item("msg_3"), None);
        assert_eq!(store.input_items("resp_1"), Some(vec![asked]));
        let names = |items: Vec<Map<String, Value>>| items.iter().map(|item| item["id"].clone()).collect();
        let names: Option<Vec<Value>> = store.all_items("resp_1").map(names);
        assert_eq!(names, Some(vec![json!("msg_1"), json!("msg_2")]));
        assert_eq!((store.input_items("resp_2"), store.all_items("resp_2")), (None, None));
    }

    #[test]
    fn what_is_removed_or_too_large_is_not_there() {
        let store = ResponseStore::new(10, 2_000);
        store.put(response(1), Vec::new(), Vec::new());
        store.put(response(2), vec![ChatMessage::user("a".repeat(2_000))], Vec::new());
        assert!(store.get("resp_1").is_some(), "nothing was removed for what does not fit");
        assert!(store.get("resp_2").is_none());
        assert!(store.remove("resp_1") && !store.remove("resp_1"));
        assert_eq!((store.get("resp_1"), store.lock().bytes), (None, 0));
    }
}
