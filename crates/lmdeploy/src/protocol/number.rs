//! [`number`] and [`numbers`]: fields that are numbers of 32 bits, read so that a bound of their range stays a bound.
//!
//! JSON's numbers have more digits: 2.0000000000000004 is above 2, and the nearest number of 32 bits is 2. All bounds
//! are whole numbers, so that a number that would become a whole one becomes its neighbor instead.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer};

/// Reads a number or null, which is `None`.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f32>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.map(narrow))
}

/// Reads an object of numbers or null, which is `None`.
pub(super) fn numbers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, f32>>, D::Error> {
    let read = Option::<BTreeMap<String, f64>>::deserialize(deserializer)?;
    Ok(read.map(|read| read.into_iter().map(|(key, value)| (key, narrow(value))).collect()))
}

/// The nearest number of 32 bits, but a whole one only for a whole number.
fn narrow(number: f64) -> f32 {
    let nearest = number as f32;
    let wide = f64::from(nearest);
    if nearest.fract() != 0.0 || wide == number {
        nearest
    } else if number > wide {
        nearest.next_up()
    } else {
        nearest.next_down()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::ChatRequest;

    #[test]
    fn the_neighbors_of_a_bound_stay_on_their_side() {
        for bound in [-100.0_f64, -2.0, 0.0, 1.0, 2.0, 100.0] {
            let exact = bound as f32;
            assert_eq!(narrow(bound), exact);
            assert!(narrow(bound.next_up()) > exact && narrow(bound.next_down()) < exact, "{bound}");
        }
        assert_eq!((narrow(0.7), narrow(1e300)), (0.7, f32::INFINITY));
    }

    #[test]
    fn fields_are_read_from_json() {
        let text =
            r#"{"messages": [], "temperature": 2.0000000000000004, "top_p": null, "logit_bias": {"7": -1}}"#;
        let request: ChatRequest = serde_json::from_str(text).expect("a request");
        assert!(request.temperature.is_some_and(|temperature| temperature > 2.0));
        assert_eq!((request.top_p, request.logit_bias), (None, Some([("7".to_owned(), -1.0)].into())));
        for wrong in [r#""temperature": "hot""#, r#""logit_bias": [1]"#, r#""logit_bias": {"7": null}"#] {
            let body = format!("{{\"messages\": [], {wrong}}}");
            assert!(serde_json::from_str::<ChatRequest>(&body).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn numbers_of_32_bits_are_read_as_they_were_written(number in any::<f32>()) {
            if number.is_finite() {
                prop_assert_eq!(narrow(f64::from(number)), number);
            }
        }
    }
}
