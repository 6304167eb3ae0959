//! The scanner against `serde_json`.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// JSON values as text, with white space between their parts.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "\\PC{0,8}|[\\x00-\\x1f\"\\\\]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,4}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn values_are_written_as_serde_writes_them(value in json()) {
        let pretty = serde_json::to_string_pretty(&value).expect("has string keys");
        prop_assert_eq!(compact(&pretty), Some(value.to_string()));
    }

    #[test]
    fn what_is_whole_is_json_and_what_is_wrong_is_not(
        text in "([\\[\\]{},:\"a\\\\ ]|true|null|-|0|1|\\.|e|\\\\u00|d83d|\\\\ude00){0,12}",
    ) {
        let parsed = serde_json::from_str::<Value>(&text);
        // The scanner reads numbers that no float holds.
        prop_assume!(!parsed.as_ref().is_err_and(|error| error.to_string().contains("out of range")));
        prop_assert_eq!(compact(&text).is_some(), parsed.is_ok(), "{}", text);
    }

    #[test]
    fn a_value_ends_where_it_ends(value in json(), beyond in "[,}\\] \n]") {
        let text = value.to_string();
        let (mut scanner, mut written) = (JsonScanner::new(), String::new());
        let scans: Vec<Scan> = text.chars().map(|character| scanner.push(character, &mut written)).collect();
        let (last, others) = scans.split_last().expect("not empty");
        prop_assert!(others.iter().all(|scan| *scan == Scan::Part));
        prop_assert_eq!(*last, if value.is_number() { Scan::Part } else { Scan::Last });
        let behind = beyond.chars().next().expect("one character");
        prop_assert_eq!(scanner.push(behind, &mut written), Scan::Beyond);
        prop_assert_eq!(written, text);
    }
}

#[test]
fn line_ends_inside_of_texts_become_escapes() {
    assert_eq!(compact("{ \"a\" : \"x\ny\tz\" }").as_deref(), Some(r#"{"a":"x\ny\tz"}"#));
    assert_eq!(quoted("a\"\\\n\u{1}é"), r#""a\"\\\n\u0001é""#);
}

#[test]
fn half_pairs_deep_nesting_and_loose_ends_are_wrong() {
    assert!(compact(r#""\ud83d\ude00""#).is_some());
    let pairs = [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\u0041""#];
    for text in pairs.into_iter().chain(["01", "1.", "-", "[1,]", "{\"a\":1,}", "nul", "", "1 2"]) {
        assert_eq!(compact(text), None, "{text}");
    }
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(compact(&nested(MAX_DEPTH)).is_some());
    assert_eq!(compact(&nested(MAX_DEPTH + 1)), None);
}
