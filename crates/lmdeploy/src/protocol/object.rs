//! [`object`]: a field that is a JSON object. Serde's structs would take a list of their values in order as well.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Reads an object or null, which is `None`.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(Object(PhantomData))
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = Option<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::{ChatRequest, CompletionRequest, StreamOptions};

    fn chat(options: &str) -> Result<ChatRequest, String> {
        let body = format!("{{\"messages\": [], \"stream_options\": {options}}}");
        serde_json::from_str(&body).map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_is_read_by_its_names_and_not_by_its_places() {
        let options = Some(StreamOptions { include_usage: true });
        assert_eq!(chat("{\"include_usage\": true}").expect("a request").stream_options, options);
        assert_eq!(chat("null").expect("a request").stream_options, None);
        for list in ["[true]", "[]", "true", "\"include_usage\""] {
            let error = chat(list).expect_err(list);
            assert!(error.contains("expected a JSON object"), "{list}: {error}");
            let body = format!("{{\"prompt\": \"\", \"stream_options\": {list}}}");
            assert!(serde_json::from_str::<CompletionRequest>(&body).is_err(), "{list}");
        }
    }
}
