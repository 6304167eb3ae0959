//! Messages of Jupyter's protocol 5.3 and their frames on the wire.
//!
//! `identities..., <IDS|MSG>, signature, header, parent header, metadata, content, buffers...`; the signature is
//! the HMAC-SHA256 of the four JSON texts (<https://jupyter-client.readthedocs.io/en/stable/messaging.html>).

use serde_json::{Value, json};

use crate::action::hmac::hmac_sha256;

/// Ends the identities of a message.
const DELIMITER: &[u8] = b"<IDS|MSG>";
/// The version of the protocol that the headers name.
const VERSION: &str = "5.3";

/// Signs and numbers the messages of one connection file.
#[derive(Debug)]
pub(super) struct Wire {
    key: String,
    session: String,
    sent: u64,
}

/// A message of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Received {
    /// What kind of message it is, such as `stream`.
    pub(super) kind: String,
    /// The number of the request that it belongs to; empty when it belongs to none.
    pub(super) parent: String,
    pub(super) content: Value,
}

impl Wire {
    pub(super) fn new(key: &str, session: &str) -> Self {
        Self { key: key.to_owned(), session: session.to_owned(), sent: 0 }
    }

    /// A copy that reads messages in another thread.
    pub(super) fn reader(&self) -> Self {
        Self::new(&self.key, &self.session)
    }

    /// The frames of a request and its number, which the replies carry.
    pub(super) fn request(&mut self, kind: &str, content: &Value) -> (Vec<Vec<u8>>, String) {
        self.sent += 1;
        let number = format!("{}-{}", self.session, self.sent);
        let header = json!({
            "msg_id": number, "session": self.session, "username": "lagent", "msg_type": kind, "version": VERSION,
            // Kernels want a date and do nothing with it.
            "date": "2000-01-01T00:00:00.000000Z",
        });
        let parts = [header.to_string(), "{}".to_owned(), "{}".to_owned(), content.to_string()]
            .map(String::into_bytes);
        let signature = self.signature(&parts);
        let frames = [DELIMITER.to_vec(), signature.into_bytes()].into_iter().chain(parts).collect();
        (frames, number)
    }

    /// Reads the frames of a message; `None` for one that is damaged or not signed with the key.
    pub(super) fn read(&self, frames: &[Vec<u8>]) -> Option<Received> {
        let start = frames.iter().position(|frame| frame == DELIMITER)?;
        let [signature, parts @ ..] = frames.get(start + 1..start + 6)? else { return None };
        if self.signature(parts).as_bytes() != signature {
            return None;
        }
        let mut read = parts.iter().map(|part| serde_json::from_slice::<Value>(part).ok());
        let (header, parent, _metadata, content) =
            (read.next()??, read.next()??, read.next()??, read.next()??);
        let kind = header.get("msg_type")?.as_str()?.to_owned();
        let parent = parent.get("msg_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Received { kind, parent, content })
    }

    fn signature(&self, parts: &[Vec<u8>]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        hmac_sha256(self.key.as_bytes(), &parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_only_when_it_is_whole_and_signed() {
        let mut wire = Wire::new("key", "s");
        let (mut frames, number) = wire.request("execute_request", &json!({"code": "1"}));
        assert_eq!((number.as_str(), frames.len()), ("s-1", 6));
        frames.insert(0, b"topic".to_vec());
        let read = wire.read(&frames).expect("is signed");
        assert_eq!((read.kind.as_str(), read.parent.as_str()), ("execute_request", ""));
        assert_eq!(read.content, json!({"code": "1"}));
        assert_eq!(Wire::new("other", "s").read(&frames), None);
        assert_eq!(wire.read(&frames[..6]), None);
        frames[6] = b"{}".to_vec();
        assert_eq!(wire.read(&frames), None);
    }
}
