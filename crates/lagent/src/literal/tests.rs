//! Literals with their values from Python's `ast.literal_eval` and `json.loads`.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::python_text::repr;

fn whole(text: &str) -> Option<Value> {
    read_literal(text).filter(|(_, rest)| rest.trim().is_empty()).map(|(value, _)| value)
}

#[test]
fn python_and_json_are_both_read() {
    for (text, expected) in [
        (r"{'expression': '12*34'}", json!({"expression": "12*34"})),
        (
            r#"{"a": true, 'b': None, "c": [1, 2.5, -3e2,],}"#,
            json!({"a": true, "b": null, "c": [1, 2.5, -300.0]}),
        ),
        ("{'code': 'a\nb'}", json!({"code": "a\nb"})),
        ("{\n  \"code\": \"x = 1\nprint(x)\"\n}", json!({"code": "x = 1\nprint(x)"})),
        ("{'code': '''it's\n\"two\" lines'''}", json!({"code": "it's\n\"two\" lines"})),
        (
            r#"{"a": "it's", 'b': 'say \'it\'', 'c': "\u00e4\x41\d"}"#,
            json!({"a": "it's", "b": "say 'it'", "c": "äA\\d"}),
        ),
        (r#"["\ud83d\ude00", '\U0001f600']"#, json!(["😀", "😀"])),
        ("((1, 2), (3), (4,), ())", json!([[1, 2], 3, [4], []])),
        (
            "[1_000, .5, 5., 0, -0.5, 12345678901234567890]",
            json!([1000, 0.5, 5.0, 0, -0.5, 12345678901234567890_u64]),
        ),
        (" { } ", json!({})),
        ("{a: 1, _b2: “it's”}", json!({"a": 1, "_b2": "it's"})),
        ("'a'", json!("a")),
    ] {
        assert_eq!(whole(text), Some(expected), "{text}");
    }
}

#[test]
fn what_neither_reads_is_refused() {
    for text in [
        "",
        "{",
        "{'a'}",
        "{'a': }",
        "{'a': 1 'b': 2}",
        "{a b: 1}",
        "{1, 2}",
        "['a",
        "'a\\",
        "[01]",
        "[1 2]",
        "[,]",
        "{'a': 12*34}",
        r"'\ud83d'",
        r"'\101'",
        "nan",
        "0x1f",
        "open('x')",
        "-",
        "'a''",
    ] {
        assert_eq!(whole(text), None, "{text}");
    }
    assert_eq!(whole(&"[".repeat(100_000)), None);
}

#[test]
fn the_text_behind_a_value_is_left() {
    let (value, rest) = read_literal("{'a': 1}\nThat is all.").expect("reads");
    assert_eq!((value, rest), (json!({"a": 1}), "\nThat is all."));
}

/// Values whose text the two languages write in different ways.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~äß大\n\t'\"\\\\]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z'\"]{0,5}", inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_either_language_prints_reads_back(value in value()) {
        prop_assert_eq!(whole(&value.to_string()), Some(value.clone()));
        prop_assert_eq!(whole(&repr(&value)), Some(value.clone()));
        prop_assert_eq!(whole(&format!("{value:#}")), Some(value));
    }

    #[test]
    fn no_text_panics(text in "[{}\\[\\]()'\",:\\\\a-z0-9 \n.+-]{0,40}") {
        let _ = read_literal(&text);
    }
}
