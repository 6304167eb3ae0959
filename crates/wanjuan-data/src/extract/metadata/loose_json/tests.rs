//! Scripts with every slip that publishers make, and any other text.

use serde_json::json;

use super::*;

#[test]
fn slips_do_not_cost_the_block() {
    let cases = [
        ("{\"a\":\"x\",}", json!({"a": "x"})),
        ("{,\"a\":\"x\",,\"b\":[1,,2,],}", json!({"a": "x", "b": [1, 2]})),
        ("{\"a\":\"two\nlines\"}", json!({"a": "two\nlines"})),
        ("{\"a\":\"tab\there\"}", json!({"a": "tab\there"})),
        (
            r#"{"a":"it\'s \d\/\x","b":"\u00e9\ud83d\ude00\ud83d\uzz"}"#,
            json!({"a": "it's d/x", "b": "é😀\u{fffd}uzz"}),
        ),
        (
            r#"{"a":"Ein "neues" Haus","b":"She said "no""}"#,
            json!({"a": "Ein \"neues\" Haus", "b": "She said \"no\""}),
        ),
        ("{'a':'it's','b':“c”}", json!({"a": "it's", "b": "c"})),
        ("{a:1,@type:\"Article\"}", json!({"a": 1, "@type": "Article"})),
        (
            "{\"a\":+1,\"b\":.5,\"c\":01,\"d\":1.,\"e\":-2e1}",
            json!({"a": 1, "b": 0.5, "c": 1, "d": 1.0, "e": -20.0}),
        ),
        (
            "{\"a\":NaN,\"b\":-Infinity,\"c\":undefined,\"d\":null,\"e\":true,}",
            json!({"a": null, "b": null, "c": null, "d": null, "e": true}),
        ),
        ("{\"a\":\"x\" \"b\":\"y\"\n\"c\":[\"p\" \"q\"]}", json!({"a": "x", "b": "y", "c": ["p", "q"]})),
        (
            "/* one */ {\"a\":\"x\", // two\n\"b\":\"http://y\" /* three */}",
            json!({"a": "x", "b": "http://y"}),
        ),
        ("{\"a\":{\"b\":\"x\"", json!({"a": {"b": "x"}})),
        ("{\"a\":[\"x\",\"cut of", json!({"a": ["x"]})),
        ("{\"a\":[\"x\"}", json!({"a": ["x"]})),
        ("{\"a\":\"x\"]}}", json!({"a": "x"})),
        ("{\"a\":John Doe,\"b\":\"x\"}", json!({"a": null, "b": "x"})),
        ("{\"a\" \"b\":\"x\"}", json!({"b": "x"})),
        ("{\"a\":\"x\",\"a\":\"y\",}", json!({"a": "y"})),
    ];
    for (script, expected) in cases {
        assert_eq!(read_all(script), [expected], "{script}");
    }
}

#[test]
fn wrappers_are_passed_over() {
    for script in [
        "{\"a\":\"x\"}",
        " \u{feff}\n{\"a\":\"x\"}\n",
        "<!--\n{\"a\":\"x\"}\n-->",
        "<![CDATA[ {\"a\":\"x\"} ]]>",
        "//<![CDATA[\n{\"a\":\"x\"}\n//]]>",
        "// <![CDATA[ {\"a\":\"x\"} //]]>",
        "/*<![CDATA[*/ {\"a\":\"x\"} /*]]>*/",
        "var it's = {\"a\":\"x\"};",
        "{\"a\":\"x\"}</p>",
        "{\"a\":\"x\"\u{0}}",
    ] {
        assert_eq!(read_all(script), [json!({"a": "x"})], "{script}");
    }
}

#[test]
fn values_in_a_row_are_all_read() {
    let expected = [json!({"a": "x"}), json!(["y"])];
    for script in ["{\"a\":\"x\"}[\"y\"]", "{\"a\":\"x\"},[\"y\"],", "{\"a\":\"x\"};\n[\"y\"];"] {
        assert_eq!(read_all(script), expected, "{script}");
    }
}

#[test]
fn texts_without_values_have_none() {
    for script in
        ["", " ", "}", "\"a\"", "7 up", "a:b", "/* {\"a\":1} */", "/* {\"a\":1}", "// {\"a\":1}", "<!-- -->"]
    {
        let found = read_all(script);
        assert!(found.iter().all(|value| !value.is_object() && !value.is_array()), "{script}: {found:?}");
    }
}

#[test]
fn nesting_is_limited() {
    for script in ["[".repeat(100_000), "{\"a\":[".repeat(100_000), "{\"a\":".repeat(100_000) + "1"] {
        assert_eq!(read_all(&script).len(), 1);
    }
}

proptest::proptest! {
    /// Any text can be read.
    #[test]
    fn any_text_is_read(script in r#"[a"'{}\[\]:,/*<>!\\u0-9.\n“”é-]{0,60}"#) {
        read_all(&script);
    }

    /// Valid JSON that a slip made invalid keeps its values.
    #[test]
    fn a_slip_changes_nothing(texts in proptest::collection::vec(r#"[a-zé \\/"'.:;-]{0,12}"#, 1..6), place in 0..3_usize) {
        let valid = json!({"list": texts, "object": {"text": texts[0]}, "last": true});
        let text = valid.to_string();
        let broken = match place {
            0 => format!("{},}}", &text[..text.len() - 1]),
            1 => format!("<!-- {text}\n// end\n-->"),
            _ => format!("{{,{}", &text[1..]),
        };
        proptest::prop_assert_eq!(read_all(&broken), [valid]);
    }

    /// A script that is cut anywhere keeps the members before the cut.
    #[test]
    fn a_cut_script_keeps_its_head(cut in 13..60_usize) {
        let text = r#"{"name":"Ada","list":[{"a":"b"},{"c":"d"}],"text":"end","x":1}"#;
        let found = read_all(&text[..cut]);
        proptest::prop_assert_eq!(&found[0]["name"], &json!("Ada"));
    }
}
