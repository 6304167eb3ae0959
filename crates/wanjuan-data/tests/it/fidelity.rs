//! Small pages with the text and markdown they must give: code, tables, lists, formulas, white space.

use std::fmt::Write as _;
use std::path::Path;

use wanjuan_data::extract::{Dom, ExtractConfig, Links, TextFormat, render_all};

/// A page and what it must give in each form; `None` where that is not looked at.
#[derive(Default)]
struct Case {
    name: String,
    html: String,
    text: String,
    markdown: Option<String>,
    links: Option<String>,
}

/// Reads the form described in `tests/fidelity/README.md`.
fn cases(file: &str) -> Vec<Case> {
    let file = file.replace('⇥', "\t");
    let parts = file.strip_prefix("=== ").expect("a file begins with a case").split("\n=== ");
    parts
        .map(|part| {
            let (name, rest) = part.split_once('\n').expect("a case has lines");
            let mut sections = rest.split("\n--- ");
            let html = sections.next().expect("a case has a page").to_owned();
            let mut case = Case { name: name.to_owned(), html, ..Case::default() };
            for section in sections {
                let (form, expected) = section.split_once('\n').unwrap_or((section, ""));
                let expected = expected.trim_matches('\n').to_owned();
                match form {
                    "text" => case.text = expected,
                    "markdown" => case.markdown = Some(expected),
                    "links" => case.links = Some(expected),
                    _ => panic!("{name}: unknown section {form}"),
                }
            }
            case
        })
        .collect()
}

fn failures(case: &Case) -> String {
    let dom = Dom::parse(&case.html);
    let mut report = String::new();
    let mut check = |form: &str, format, links, expected: &str| {
        let config = ExtractConfig::default().with_format(format).with_links(links);
        let found = render_all(&dom, &config);
        if found != expected {
            let _ = write!(report, "\n{} ({form})\nexpected\n{expected}\nfound\n{found}\n", case.name);
        }
    };
    let markdown = case.markdown.as_ref().unwrap_or(&case.text);
    check("text", TextFormat::Text, Links::Inline, &case.text);
    check("markdown", TextFormat::Markdown, Links::None, markdown);
    if let Some(links) = &case.links {
        check("links", TextFormat::Markdown, Links::Inline, links);
    }
    report
}

#[test]
fn every_case_gives_its_text_and_markdown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fidelity");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    let all: Vec<Case> =
        files.iter().flat_map(|path| cases(&std::fs::read_to_string(path).expect("reads"))).collect();
    let failed: Vec<String> = all.iter().map(failures).filter(|report| !report.is_empty()).collect();
    assert!(failed.is_empty(), "{} of {} cases fail\n{}", failed.len(), all.len(), failed.concat());
    assert!(all.len() >= 150, "only {} cases", all.len());
}

/// Pages built to make a renderer slow or its output huge: nesting, wide tables, spans, marks, wrappers.
#[test]
fn hostile_structures_stay_in_bounds() {
    let nested = |open: &str| open.repeat(30_000) + "x";
    let pages = [
        nested("<dl><dd>a<br>"),
        nested("<ul><li value=-9223372036854775808>a"),
        nested("<blockquote>a<br>"),
        nested("<q>a<br>"),
        nested("<sup><sub>1"),
        nested("<mjx-container>"),
        nested("<span class=katex>"),
        format!("<math>{}</math>", nested("<msqrt><mi>a</mi>")),
        format!("<math>{}", "<mfrac><mi>a</mi>".repeat(30_000)),
        nested("<ruby>a<rt>b"),
        nested("<h1>a<br>"),
        nested("<details><summary>a"),
        nested("<noscript><img src=a>"),
        nested("<p style='white-space:pre'>a\n"),
        "<table><tr><td>a".repeat(3_000),
        "<pre><code><table><tr><td>a".repeat(3_000),
        format!("<table><tr>{}{}", "<td rowspan=9999>a".repeat(20_000), "<tr><td>b".repeat(20_000)),
        format!("<table><tr>{}{}", "<td>a<td>b".repeat(2_000), "<tr><td>b".repeat(20_000)),
        "<table><tr><td colspan=9007199254740991>a<td>b</table>".repeat(5_000),
        format!("<b><i><s><q><a href=/x>{}", "a<br>".repeat(20_000)),
        format!("<code>{}</code>", "`a ".repeat(30_000)),
        format!("<pre>{}</pre>", "`\n".repeat(30_000)),
    ];
    for page in &pages {
        let dom = Dom::parse(page);
        for format in [TextFormat::Text, TextFormat::Markdown] {
            let config = ExtractConfig::default().with_format(format).with_links(Links::Inline);
            let length = render_all(&dom, &config).len();
            let start = page.get(..60).unwrap_or(page);
            assert!(length < 50 * page.len(), "{start}: {length} bytes of {} ({format:?})", page.len());
        }
    }
}
