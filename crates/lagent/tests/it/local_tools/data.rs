//! Round trips of mathematics, documents, data and translation.

use serde_json::{Value, json};

use super::{Bench, has, measured};

/// A folder that exists where any fonts are installed.
const FONTS: &str = "/usr/share/fonts/truetype";

#[test]
fn algebra_is_exact() {
    let bench = Bench::new();
    for (name, parameter, expression, expected) in [
        ("Calculator", "expression", "2^100", "1267650600228229401496703205376"),
        ("maxima", "commands", "integrate(x^2, x); 2^100/3", "x^3/3\n1267650600228229401496703205376/3"),
        ("sympy", "expression", "solve(x**2 - 2, x)", "[-sqrt(2), sqrt(2)]"),
        ("sympy", "expression", "Rational(1, 3) + Rational(1, 4)", "7/12"),
    ] {
        if let Some(found) = bench.text(name, json!({parameter: expression})) {
            assert_eq!(found, expected, "{name}");
            measured(name, "equal");
        }
    }
    if let Some(found) = bench.text("qalc", json!({"expression": "60 mph to km/h"})) {
        assert!(found.contains("96.56064"), "{found}");
        measured("qalc", "equal");
    }
    if let Some(message) = bench.failure("maxima", json!({"commands": "1/0;"})) {
        assert!(message.contains("undefined: 0 to a negative exponent"), "{message}");
    }
    if let Some(message) = bench.failure("sympy", json!({"expression": "1 +"})) {
        assert!(message.starts_with("sympy ended with exit code 1"), "{message}");
    }
}

#[test]
fn a_translation_comes_back() {
    let bench = Bench::new();
    let there = json!({"text": "The house is red.", "source": "en", "target": "es"});
    let Some(spanish) = bench.text("Translation", there) else { return };
    assert!(spanish.contains("casa") && spanish.contains("roja"), "{spanish}");
    let back = json!({"text": spanish, "source": "es", "target": "en"});
    assert_eq!(bench.text("Translation", back).as_deref(), Some("The house is red."));
    measured("Translation", "equal");
    let missing = json!({"text": "x", "source": "en", "target": "zz"});
    let value = bench.tool("Translation").call(&missing);
    assert!(value.for_model().starts_with("unavailable: needs apertium-eng-zz"), "{}", value.for_model());
}

#[test]
fn markup_and_office_documents_keep_their_text() {
    let bench = Bench::new();
    let markdown = "# Title\n\nSome *plain* words.\n";
    let convert = |to: &str| json!({"from": "markdown", "to": to, "text": markdown});
    let Some(html) = bench.text("pandoc", convert("html")) else { return };
    assert_eq!(html, "<h1 id=\"title\">Title</h1>\n<p>Some <em>plain</em> words.</p>");
    let Some(document) = bench.text("pandoc", convert("docx")) else { return };
    let back = bench.text("pandoc", json!({"from": "docx", "to": "markdown", "path": document}));
    assert_eq!(back.as_deref(), Some("# Title\n\nSome *plain* words."));
    measured("pandoc", "equal");
    let Some(pdf) = bench.text("office_convert", json!({"path": document, "format": "pdf"})) else { return };
    assert!(std::fs::read(&pdf).expect("is there").starts_with(b"%PDF"));
    let Some(text) = bench.text("pdf_to_text", json!({"path": pdf})) else { return };
    assert!(text.contains("Title") && text.contains("Some plain words."), "{text}");
    measured("office_convert", "all words");
}

#[test]
fn the_text_of_a_pdf_comes_back() {
    if !has(FONTS, "fonts") {
        return;
    }
    let bench = Bench::new();
    let source = "<svg xmlns='http://www.w3.org/2000/svg' width='400' height='80'>\
                  <text x='10' y='40' font-size='20'>Exactly these words</text></svg>";
    let Some(pdf) = bench.text("svg", json!({"source": source, "format": "pdf"})) else { return };
    let Some(text) = bench.text("pdf_to_text", json!({"path": pdf, "first_page": 1, "last_page": 1})) else {
        return;
    };
    assert_eq!(text.trim(), "Exactly these words");
    measured("pdf_to_text", "equal");
}

#[test]
fn a_database_answers_and_does_not_change() {
    let bench = Bench::new();
    bench.write("empty.db", "");
    let script = "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, 'ä');";
    let make = json!({"path": "empty.db", "sql": script, "mode": "write"});
    let Some(value) = bench.call("sqlite_query", make) else { return };
    let made = value.result.last().expect("the copy").content.clone();
    assert_eq!(std::fs::read(bench.folder.path().join("empty.db")).expect("is there"), b"");
    let rows = bench.text("sqlite_query", json!({"path": made, "sql": "SELECT * FROM t ORDER BY a DESC"}));
    let rows: Value = serde_json::from_str(&rows.expect("rows")).expect("JSON");
    assert_eq!(rows, json!([{"a": 2, "b": "ä"}, {"a": 1, "b": "x"}]));
    measured("sqlite_query", "2 of 2");
    let message = bench.failure("sqlite_query", json!({"path": made, "sql": "DELETE FROM t"}));
    assert!(message.expect("refused").contains("readonly"));
    let message = bench.failure("sqlite_query", json!({"path": made, "sql": "ATTACH '/tmp/x.db' AS y"}));
    assert!(message.expect("refused").contains("safe mode"));
    assert_eq!(
        bench.text("sqlite_query", json!({"path": made, "sql": "SELECT 1 WHERE 0"})).as_deref(),
        Some("[]")
    );
}

#[test]
fn tables_and_json_are_queried() {
    let bench = Bench::new();
    bench.write("t.csv", "\u{feff}name,\"price, EUR\"\r\na,9\r\nb,10\r\n\"c \"\"d\"\"\",0.5\r\n");
    let query =
        json!({"path": "t.csv", "sql": "SELECT name, \"price, EUR\" AS price FROM data ORDER BY price"});
    if let Some(rows) = bench.text("csv_query", query) {
        let rows: Value = serde_json::from_str(&rows).expect("JSON");
        let expected = json!([
            {"name": "c \"d\"", "price": 0.5}, {"name": "a", "price": 9}, {"name": "b", "price": 10}
        ]);
        assert_eq!(rows, expected);
        measured("csv_query", "3 of 3");
    }
    if let Some(message) =
        bench.failure("csv_query", json!({"path": "t.csv", "sql": "SELECT weight FROM data"}))
    {
        assert!(message.contains("no such column"), "{message}");
    }
    let filter = json!({"filter": ".a | add", "json": "{\"a\": [1, 2]}"});
    if let Some(found) = bench.text("jq", filter) {
        assert_eq!(found, "3");
        measured("jq", "equal");
    }
    bench.write("x.json", "{\"a\": \"b\"}");
    if let Some(found) = bench.text("jq", json!({"filter": ".a", "path": "x.json"})) {
        assert_eq!(found, "\"b\"");
    }
    if let Some(message) = bench.failure("jq", json!({"filter": ".a |", "json": "{}"})) {
        assert!(message.starts_with("jq ended with exit code 3"), "{message}");
    }
}
