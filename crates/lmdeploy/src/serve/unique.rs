//! [`Unique`]: JSON of any form in which no object has one name twice.
//!
//! What the second value of a name means depends on the reader (RFC 8259, 4): structs refuse it, maps take it silently
//! instead of the first one. A schema or a bias that was meant differently would change the answer without a word.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Maximum number of characters of a name that a message shows.
const SHOWN: usize = 60;

/// Keeps nothing of what it reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

/// Visits every value down to the leaves.
struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Unique;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Unique, A::Error> {
        while list.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Unique, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = object.next_key::<String>()? {
            if names.contains(&name) {
                let name: String = name.chars().take(SHOWN).collect();
                // In the words of serde's own check.
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            names.insert(name);
            object.next_value::<Unique>()?;
        }
        Ok(Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<String> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let error = serde_path_to_error::deserialize::<_, Unique>(&mut deserializer).err()?;
        Some(error.to_string())
    }

    #[test]
    fn names_may_return_in_other_objects() {
        for text in [
            "{}",
            "[null, true, -1, 18446744073709551615, 1.5, \"a\"]",
            "{\"a\": {\"a\": [{\"a\": 1}, {\"a\": 2}]}, \"b\": 1, \"A\": 2}",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_that_is_there_twice_is_told_with_its_place() {
        for (text, place) in [
            ("{\"a\": 1, \"b\": 2, \"a\": 1}", "duplicate field `a`"),
            ("{\"a\": [0, {\"b\": 1, \"b\": \"x\"}]}", "a[1]: duplicate field `b`"),
            ("{\"a\": {\"seed\": 1, \"se\\u0065d\": 2}}", "a: duplicate field `seed`"),
        ] {
            let told = told(text).expect("refused");
            assert!(told.starts_with(place), "{told}");
        }
        let long = "n".repeat(1000);
        let told = told(&format!("{{\"{long}\": 1, \"{long}\": 1}}")).expect("refused");
        assert!(told.len() < 150, "{told}");
    }
}
