//! Tests of literals and calls of Python.

use super::*;

#[test]
fn values_are_read_as_python_reads_them() {
    let text = |text: &str| Python::Text(text.to_owned());
    for (source, expected) in [
        ("None", Python::None),
        (" -3 ", Python::Int(-3)),
        ("1_000", Python::Int(1000)),
        ("0x10", Python::Int(16)),
        ("1.5e-3", Python::Float(0.0015)),
        ("-0.5", Python::Float(-0.5)),
        ("2 * 3 + 1", Python::Int(7)),
        ("2 ** 10", Python::Int(1024)),
        ("1 / 2", Python::Float(0.5)),
        ("'it''s'", text("its")),
        (r#""a\n\u00e4\q""#, text("a\nä\\q")),
        (r"r'\d'", text("\\d")),
        ("'''a'b'''", text("a'b")),
        ("[1, True,]", Python::List(vec![Python::Int(1), Python::Bool(true)])),
        ("(1)", Python::Int(1)),
        ("(1,)", Python::Tuple(vec![Python::Int(1)])),
        ("1, 2", Python::Tuple(vec![Python::Int(1), Python::Int(2)])),
        ("{}", Python::Dict(Vec::new())),
        ("{'a': [1]}", Python::Dict(vec![(text("a"), Python::List(vec![Python::Int(1)]))])),
        ("{1, 2}", Python::Set(vec![Python::Int(1), Python::Int(2)])),
    ] {
        assert_eq!(literal(source), Ok(expected), "{source}");
    }
}

#[test]
fn calls_keep_their_keywords() {
    let call = parse("math.hypot(4, x=3, s='a', other=name)").expect("a call");
    let expected = Python::Call {
        name: "math.hypot".to_owned(),
        positional: 1,
        keywords: vec![
            ("x".to_owned(), Python::Int(3)),
            ("s".to_owned(), Python::Text("a".to_owned())),
            ("other".to_owned(), Python::Name("name".to_owned())),
        ],
    };
    assert_eq!(call, expected);
    assert!(literal("f(x=1)").is_err() && literal("[name]").is_err());
}

#[test]
fn broken_texts_are_errors_and_nothing_overflows() {
    for source in
        ["", "[1", "'a", "f(x=", "1 2", "{1: 2, 3}", "'a' + 1", "[1 2]", "1.2.3", "f(,)", "2 ** 9999"]
    {
        assert!(parse(source).is_err(), "{source}");
    }
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert_eq!(parse(&format!("{}1", "-".repeat(50_000))), Ok(Python::Int(1)));
    assert_eq!(parse("[1"), Err("found the end, expected `,` or `]`".to_owned()));
}
