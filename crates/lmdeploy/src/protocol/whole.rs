//! [`whole`], [`wholes`] and their kind: fields that are whole numbers. JSON has one kind of number, so that `5.0` is the whole
//! number 5.

use std::fmt;
use std::marker::PhantomData;
use std::num::TryFromIntError;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// Floats from here on do not tell all whole numbers apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A type that holds some of the whole numbers.
pub(super) trait Whole: TryFrom<i128> {
    /// Its range, for messages.
    const RANGE: &'static str;
}

impl Whole for u32 {
    const RANGE: &'static str = "a whole number from 0 to 4294967295";
}

impl Whole for i32 {
    const RANGE: &'static str = "a whole number from -2147483648 to 2147483647";
}

impl Whole for i64 {
    const RANGE: &'static str = "a whole number from -9223372036854775808 to 9223372036854775807";
}

/// Reads a whole number or null, which is `None`.
pub(super) fn whole<'de, D: Deserializer<'de>, T: Whole>(deserializer: D) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(Number(PhantomData))
}

/// Reads a number of most likely ids, of which 0 and -1 are all of them.
pub(super) fn top_k<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(whole::<D, OrMinusOne<0>>(deserializer)?.map(|OrMinusOne(number)| number))
}

/// Reads a list of whole numbers.
pub(super) fn wholes<'de, D: Deserializer<'de>, T: Whole>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Vec::<Entry<T>>::deserialize(deserializer)?.into_iter().map(|Entry(number)| number).collect())
}

/// Reads a list of whole numbers or null, which is `None`.
pub(super) fn optional_wholes<'de, D: Deserializer<'de>, T: Whole>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    Ok(Option::<List<T>>::deserialize(deserializer)?.map(|List(numbers)| numbers))
}

/// Reads a list of lists of whole numbers.
pub(super) fn whole_lists<'de, D: Deserializer<'de>, T: Whole>(
    deserializer: D,
) -> Result<Vec<Vec<T>>, D::Error> {
    Ok(Vec::<List<T>>::deserialize(deserializer)?.into_iter().map(|List(numbers)| numbers).collect())
}

/// A number that other servers let clients turn off with -1, which is read as `OFF`.
struct OrMinusOne<const OFF: u32>(u32);

impl<const OFF: u32> TryFrom<i128> for OrMinusOne<OFF> {
    type Error = TryFromIntError;

    fn try_from(number: i128) -> Result<Self, TryFromIntError> {
        if number == -1 { Ok(Self(OFF)) } else { u32::try_from(number).map(Self) }
    }
}

impl<const OFF: u32> Whole for OrMinusOne<OFF> {
    const RANGE: &'static str = "a whole number from -1 to 4294967295";
}

/// One number of a list, in which null is not one.
struct Entry<T>(T);

impl<'de, T: Whole> Deserialize<'de> for Entry<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let missing = || D::Error::invalid_type(Unexpected::Unit, &T::RANGE);
        whole(deserializer)?.map(Self).ok_or_else(missing)
    }
}

struct List<T>(Vec<T>);

impl<'de, T: Whole> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        wholes(deserializer).map(Self)
    }
}

struct Number<T>(PhantomData<T>);

impl<'de, T: Whole> Visitor<'de> for Number<T> {
    type Value = Option<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(T::RANGE)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        T::try_from(number.into())
            .map(Some)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        T::try_from(number.into()).map(Some).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        let exact = number.fract() == 0.0 && number.abs() < EXACT;
        let read = exact.then(|| T::try_from(number as i128).ok()).flatten();
        read.map(Some).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::{ChatRequest, CompletionRequest, Prompt};

    fn read(fields: &str) -> Result<ChatRequest, String> {
        serde_json::from_str(&format!("{{\"messages\": [], {fields}}}")).map_err(|error| error.to_string())
    }

    #[test]
    fn five_and_five_point_zero_are_the_same_number() {
        for number in ["5", "5.0", "0.5e1"] {
            assert_eq!(read(&format!("\"max_tokens\": {number}")).expect("a request").max_tokens, Some(5));
        }
        let request = read("\"seed\": -1.0, \"priority\": null, \"top_k\": 4294967295").expect("a request");
        assert_eq!((request.seed, request.priority, request.top_k), (Some(-1), None, Some(u32::MAX)));
    }

    #[test]
    fn other_names_and_minus_one_are_read() {
        assert_eq!(read("\"n_predict\": 7").expect("a request").max_tokens, Some(7));
        assert_eq!(read("\"top_k\": -1").expect("a request").top_k, Some(0));
        assert_eq!(read("\"top_k\": null").expect("a request").top_k, None);
    }

    #[test]
    fn lists_hold_the_same_numbers() {
        assert_eq!(read("\"stop_token_ids\": [2.0, 7]").expect("a request").stop_token_ids, Some(vec![2, 7]));
        assert_eq!(read("\"stop_token_ids\": null").expect("a request").stop_token_ids, None);
        for (text, prompt) in [
            ("[1.0, 2]", Prompt::Ids(vec![1, 2])),
            ("[[1.0], [], [2e1]]", Prompt::IdLists(vec![vec![1], vec![], vec![20]])),
        ] {
            let request: CompletionRequest =
                serde_json::from_str(&format!("{{\"prompt\": {text}}}")).expect("a request");
            assert_eq!(request.prompt, prompt);
        }
        for text in ["[1.5]", "[null]", "[-1]", "[[1], [null]]", "[1, \"a\"]", "[[1], 2]"] {
            assert!(serde_json::from_str::<Prompt>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_refused_with_the_range() {
        for (fields, part) in [
            ("\"max_tokens\": 5.5", "5.5"),
            ("\"max_tokens\": -1", "from 0 to 4294967295"),
            ("\"top_k\": 4294967296", "from -1 to 4294967295"),
            ("\"n\": -1", "from 0 to 4294967295"),
            ("\"max_tokens\": 5, \"n_predict\": 5", "duplicate field `max_tokens`"),
            ("\"seed\": 9223372036854775808", "to 9223372036854775807"),
            ("\"seed\": 1e300", "to 9223372036854775807"),
            ("\"priority\": true", "from -2147483648"),
            ("\"stop_token_ids\": [null]", "from 0 to 4294967295"),
            ("\"stop_token_ids\": [1.5]", "from 0 to 4294967295"),
        ] {
            let error = read(fields).expect_err(fields);
            assert!(error.contains(part), "{fields}: {error}");
        }
    }
}
