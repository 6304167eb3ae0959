//! JSON objects that are read by the names of their fields only. Serde's structs would take a list of the values in
//! order as well, so that a request in the wrong shape could mean something else than its sender thinks.
//!
//! ```
//! #[derive(serde::Deserialize)]
//! struct Options { usage: bool }
//!
//! #[derive(serde::Deserialize)]
//! struct Request {
//!     #[serde(default, deserialize_with = "internlm_kit::by_name::optional")]
//!     options: Option<Options>,
//! }
//!
//! let read = |text: &str| serde_json::from_str::<Request>(text).map_err(|error| error.to_string());
//! assert!(read(r#"{"options": {"usage": true}}"#)?.options.is_some_and(|options| options.usage));
//! assert!(read(r#"{"options": null}"#)?.options.is_none());
//! assert!(read(r#"{"options": [true]}"#).is_err_and(|error| error.contains("expected a JSON object")));
//! # Ok::<(), String>(())
//! ```

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// Reads an object; null is an error.
///
/// # Errors
/// Anything else, and objects that are not a `T`.
pub fn required<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    ByName::deserialize(deserializer).map(|ByName(value)| value)
}

/// Reads an object or null.
///
/// # Errors
/// As [`required`].
pub fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<ByName<T>>::deserialize(deserializer)?.map(|ByName(value)| value))
}

/// Reads a list of objects.
///
/// # Errors
/// As [`required`], for each of them.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Vec::<ByName<T>>::deserialize(deserializer)?.into_iter().map(|ByName(value)| value).collect())
}

/// Reads a list of objects or null.
///
/// # Errors
/// As [`list`].
pub fn optional_list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let read = Option::<Vec<ByName<T>>>::deserialize(deserializer)?;
    Ok(read.map(|all| all.into_iter().map(|ByName(value)| value).collect()))
}

struct ByName<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByName<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Object(PhantomData)).map(Self)
    }
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
