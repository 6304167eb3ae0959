//! Headers and bodies that are taken, and those that are refused.

use super::*;
use crate::protocol::ChatRequest;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |&(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

fn refused(body: &str) -> String {
    parse::<ChatRequest>(body.as_bytes()).err().unwrap_or_else(|| panic!("{body}")).to_string()
}

#[test]
fn only_json_is_json() {
    for kind in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x"] {
        assert!(check(&headers(&[("content-type", kind)])).is_ok(), "{kind}");
    }
    for kind in ["", "text/plain", "application/jsonl", "application/x-www-form-urlencoded", "text/json"] {
        assert!(check(&headers(&[("content-type", kind)])).is_err(), "{kind}");
    }
    assert!(check(&HeaderMap::new()).is_err());
    let two = headers(&[("content-type", "application/json"), ("content-type", "text/plain")]);
    assert!(check(&two).is_err());
}

#[test]
fn codings_that_nothing_undoes_are_refused() {
    let coded = |name, value| check(&headers(&[("content-type", "application/json"), (name, value)]));
    assert!(coded("content-encoding", "identity").is_ok());
    assert!(coded("transfer-encoding", "Chunked").is_ok());
    for (name, value, told) in [
        ("content-encoding", "gzip", "content-encoding: found `gzip`, expected identity or no such header"),
        (
            "transfer-encoding",
            "gzip, chunked",
            "transfer-encoding: found `gzip, chunked`, expected chunked or no such header",
        ),
    ] {
        let Failure(error) = coded(name, value).expect_err("refused");
        assert_eq!(error.to_string(), told);
    }
}

#[test]
fn a_time_limit_is_a_number_of_seconds() {
    let timeout = |text| timeout(&headers(&[("x-request-timeout", text)]));
    for (text, seconds) in [("5", 5.0), (" 0.5", 0.5), ("1e3", 1000.0)] {
        assert_eq!(timeout(text).ok(), Some(Some(seconds)), "{text}");
    }
    for text in ["0", "-1", "nan", "inf", "soon", ""] {
        let Failure(error) = timeout(text).expect_err(text);
        let expected = format!("{TIMEOUT}: found `{text}`, expected a number of seconds above 0");
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(super::timeout(&HeaderMap::new()).ok(), Some(None));
}

#[test]
fn names_that_are_there_twice_are_told_wherever_they_are() {
    let chat = |fields: &str| refused(&format!("{{\"messages\": [], {fields}}}"));
    for (fields, told) in [
        ("\"seed\": 1, \"seed\": 1", "seed: found twice, expected once"),
        ("\"seed\": 1, \"seed\": \"a\"", "seed: found twice, expected once"),
        ("\"logit_bias\": {\"5\": 1, \"5\": 2}", "logit_bias.5: found twice, expected once"),
        ("\"unheard_of\": {\"a\": 1, \"a\": 2}", "unheard_of.a: found twice, expected once"),
        (
            "\"tools\": [{\"function\": {\"parameters\": {\"type\": \"object\", \"type\": \"string\"}}}]",
            "tools[0].function.parameters.type: found twice, expected once",
        ),
    ] {
        assert_eq!(chat(fields), told);
    }
}

#[test]
fn a_body_is_json_to_its_last_leaf() {
    let unknown = |value: &str| refused(&format!("{{\"messages\": [], \"unheard_of\": {value}}}"));
    for (value, told) in [
        ("NaN", "found no value"),
        ("-Infinity", "invalid number"),
        ("1e400", "number out of range"),
        ("\"\\ud800\"", "unexpected end of hex escape"),
        ("\"\u{1}\"", "control character"),
        (format!("{}{}", "[".repeat(127), "]".repeat(127)).as_str(), "nested more than 127 levels deep"),
        ("[".repeat(100_000).as_str(), "nested more than 127 levels deep"),
        ("{\"a\":".repeat(100_000).as_str(), "nested more than 127 levels deep"),
    ] {
        let found = unknown(value);
        assert!(found.starts_with("invalid JSON body: ") && found.contains(told), "{found}");
    }
    let nested = format!("{{\"messages\": [], \"x\": {}{}}}", "[".repeat(126), "]".repeat(126));
    assert!(parse::<ChatRequest>(nested.as_bytes()).is_ok());
}
