//! Which texts each format takes, and what is refused.

use serde_json::json;

use super::super::Asked;
use super::super::tests::takes;
use super::*;

const PLACE: &str = "response_format.format";

#[track_caller]
fn check(format: &Value, taken: &[&str], refused: &[&str]) {
    let rules = structural(format, PLACE).unwrap_or_else(|error| panic!("{format}: {error}"));
    let asked = Asked { place: "response_format".to_owned(), source: GrammarSource::Rules(rules) };
    for text in taken {
        assert!(takes(&asked, text), "{format} takes {text:?}");
    }
    for text in refused {
        assert!(!takes(&asked, text), "{format} does not take {text:?}");
    }
}

fn tag(begin: &str, content: &Value, end: &str) -> Value {
    json!({"type": "tag", "begin": begin, "content": content, "end": end})
}

fn integer() -> Value {
    json!({"type": "json_schema", "json_schema": {"type": "integer"}})
}

#[test]
fn simple_formats() {
    check(&json!({"type": "const_string", "value": "a @[0]\n"}), &["a @[0]\n"], &["a", "a @[0]\nb", ""]);
    check(&integer(), &["3", "-12"], &["", "x", "3.5"]);
    check(&json!({"type": "regex", "pattern": "a+|b"}), &["aa", "b"], &["ab", ""]);
    check(&json!({"type": "grammar", "grammar": "root ::= \"a\" | \"b\""}), &["a", "b"], &["ab", ""]);
    check(&json!({"type": "any_text"}), &["", "x\n<y>"], &[]);
    check(&json!({"type": "any_text", "excludes": ["<y>"]}), &["", "x <y"], &["x <y>"]);
}

#[test]
fn formats_inside_of_formats() {
    let text = |value: &str| json!({"type": "const_string", "value": value});
    let either = json!({"type": "or", "elements": [text("a"), integer()]});
    check(&either, &["a", "12"], &["", "a1", "b"]);
    let optional = json!({"type": "optional", "content": text("a")});
    check(&json!({"type": "sequence", "elements": [optional, integer()]}), &["a1", "1"], &["a", "aa1"]);
    check(&json!({"type": "plus", "content": text("a")}), &["a", "aaa"], &["", "b"]);
    check(&json!({"type": "star", "content": text("a")}), &["", "aa"], &["b"]);
    let ends = json!({"type": "tag", "begin": "<", "content": integer(), "end": ["/>", ">"]});
    check(&ends, &["<1>", "<1/>"], &["<1", "1>", "<a>"]);
}

#[test]
fn reasoning_in_front_of_json() {
    let think = tag("<think>", &json!({"type": "any_text"}), "</think>");
    let format = json!({"type": "sequence", "elements": [
        {"type": "optional", "content": think}, integer()]});
    check(&format, &["7", "<think>3 or 4?</think>7", "<think></think>7"], &["<think>7", "</think>7", "hm 7"]);
    let rest = json!({"type": "sequence", "elements": [integer(), {"type": "any_text"}]});
    check(&rest, &["7", "7 of them"], &["of", ""]);
}

#[test]
fn triggers_begin_tags_in_free_text() {
    let triggered = |fields: &Value| {
        let mut format = json!({"type": "triggered_tags", "triggers": ["<f="],
            "tags": [tag("<f=a>", &integer(), "</f>"), tag("<f=b>", &json!({"type": "any_text"}), "</f>")]});
        for (name, value) in fields.as_object().into_iter().flatten() {
            format[name] = value.clone();
        }
        format
    };
    check(
        &triggered(&json!({})),
        &["", "free", "x <f=a>3</f> y <f=b>a < b</f>", "a < b"],
        &["<f=c>", "<f=a>x</f>", "<f=b>x", "<f="],
    );
    check(&triggered(&json!({"excludes": ["<x>"]})), &["a <f=a>1</f>"], &["<x>", "<f=a>1</f><x>"]);
    check(
        &triggered(&json!({"at_least_one": true})),
        &["<f=a>1</f>", "<f=a>1</f> and <f=a>2</f> so"],
        &["", "x <f=a>1</f>"],
    );
    check(
        &triggered(&json!({"stop_after_first": true})),
        &["", "free", "x <f=a>1</f>"],
        &["<f=a>1</f><f=a>1</f>", "<f=a>1</f> x"],
    );
    let only = triggered(&json!({"at_least_one": true, "stop_after_first": true}));
    check(&only, &["<f=a>1</f>"], &["", "x<f=a>1</f>", "<f=a>1</f>x"]);
}

#[test]
fn separators_join_tags() {
    let separated = |at_least_one: bool, stop_after_first: bool| {
        json!({"type": "tags_with_separator", "separator": ", ", "tags": [tag("[", &integer(), "]")],
            "at_least_one": at_least_one, "stop_after_first": stop_after_first})
    };
    check(&separated(false, false), &["", "[1]", "[1], [2], [3]"], &["[1][2]", "[1], ", "x"]);
    check(&separated(true, false), &["[1]", "[1], [2]"], &[""]);
    check(&separated(false, true), &["", "[1]"], &["[1], [2]"]);
    check(&separated(true, true), &["[1]"], &["", "[1], [2]"]);
}

#[test]
fn what_is_not_supported_is_refused_at_its_place() {
    let any = || json!({"type": "any_text"});
    for (format, expected) in [
        (json!("any_text"), "response_format.format: found \"any_text\", expected an object"),
        (json!({}), "response_format.format.type: found nothing, expected `const_string`, "),
        (json!({"type": "token", "token": 3}), "response_format.format.type: found `token`, expected"),
        (json!({"type": "const_string"}), "response_format.format.value: found nothing"),
        (json!({"type": "or", "elements": []}), "response_format.format.elements: found a list"),
        (
            json!({"type": "sequence", "elements": [any(), integer()]}),
            "response_format.format.elements.0.type: found `any_text`, expected free text only as",
        ),
        (
            json!({"type": "tag", "begin": "<", "content": any(), "end": ["a", "b"]}),
            "response_format.format.end: found a list, expected one text behind `any_text`",
        ),
        (
            json!({"type": "json_schema", "json_schema": {}, "style": "qwen_xml"}),
            "response_format.format.style: found `qwen_xml`, expected `json`",
        ),
        (
            json!({"type": "any_text", "max_tokens": 3}),
            "response_format.format.max_tokens: found 3, expected the field to be absent",
        ),
        (
            json!({"type": "triggered_tags", "triggers": ["<a"], "tags": [tag("<b", &integer(), ">")]}),
            "response_format.format.tags.0.begin: found `<b`, expected exactly one of the `triggers`",
        ),
        (
            json!({"type": "triggered_tags", "triggers": ["<b", "<c"], "tags": [tag("<b", &integer(), ">")]}),
            "response_format.format.triggers: found a list, expected only starts",
        ),
    ] {
        let error = structural(&format, PLACE).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with(expected), "{format}: {error}");
    }
}
