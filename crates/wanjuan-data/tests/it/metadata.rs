//! Metadata of pages: each field from each source, in its order, and nothing invented.

use std::fs;
use std::process::Command;

use wanjuan_data::extract::{Extract, ExtractConfig, Metadata, extract_html};
use wanjuan_data::{Capture, Document, Stage, Verdict};

fn metadata(html: &str) -> Metadata {
    extract_html(html.as_bytes(), None, &ExtractConfig::default()).metadata
}

const ARTICLE: &str = r#"<script type="application/ld+json">
    <![CDATA[ [{"@context":"https://schema.org","@type":"BreadcrumbList","itemListElement":
      [{"@type":"NewsArticle","headline":"Another","author":"Nobody"}]},
     {"@type":"NewsArticle","headline":"Tides turn","datePublished":"2024-05-01T12:30:00+0200",
      "author":[{"@type":"Person","name":"Ada Lovelace"},{"@type":"Person","name":"Bo Kuhn"}],
      "publisher":{"@type":"Organization","name":"The Shore"},"inLanguage":"en-GB",
      "license":"https://creativecommons.org/licenses/by-sa/4.0/"}] ]]></script>"#;

#[test]
fn a_page_without_metadata_has_none() {
    for html in ["", "<p>Text.", "<title> </title><meta name=author content=' '><meta property=og:title>"] {
        assert_eq!(metadata(html), Metadata::default(), "{html}");
    }
}

#[test]
fn json_ld_of_the_article_wins() {
    let found = metadata(&format!(
        "<html><title>Tides turn | The Shore</title><meta property=og:title content=Other>\
         <meta name=author content=Other><meta name=date content=2020-01-01>\
         <meta property=og:site_name content=Other>{ARTICLE}<p>Text."
    ));
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    assert_eq!(text(&found.title), "Tides turn");
    assert_eq!(text(&found.author), "Ada Lovelace, Bo Kuhn");
    assert_eq!(text(&found.date), "2024-05-01T12:30:00+02:00");
    assert_eq!((text(&found.site), text(&found.language)), ("The Shore".into(), "en-GB".into()));
    assert_eq!(text(&found.license), "CC BY-SA 4.0");
}

#[test]
fn titles() {
    let cases = [
        ("<title>Tides turn at noon | Shore</title>", Some("Tides turn at noon")),
        ("<title>Shore: Tides turn</title><meta property=og:site_name content=Shore>", Some("Tides turn")),
        ("<title>News - Tides - a tale - Shore</title><h1>Tides - a tale</h1>", Some("Tides - a tale")),
        ("<title>Tides</title><meta name=DC.Title content=Turning>", Some("Turning")),
        ("<meta property='dc:title og:title' content=Both>", Some("Both")),
        ("<body><h1>Only a heading</h1>", Some("Only a heading")),
        ("<div itemprop=headline>Microdata</div>", Some("Microdata")),
        ("<svg><title>Icon</title></svg><p>Text.", Some("Icon")),
    ];
    for (html, expected) in cases {
        assert_eq!(metadata(html).title.as_deref(), expected, "{html}");
    }
}

#[test]
fn authors() {
    let cases = [
        ("<meta name=author content='By Ada Lovelace'>", Some("Ada Lovelace")),
        ("<meta name=citation_author content=Ada><meta name=citation_author content=Bo>", Some("Ada, Bo")),
        ("<meta property=article:author content=https://example.org/ada>", None),
        ("<p>by <a rel=author href=/ada>Ada Lovelace</a>", Some("Ada Lovelace")),
        (
            "<span itemprop=author itemscope><b>Ed.</b> <i itemprop=name>Ada Lovelace</i></span>",
            Some("Ada Lovelace"),
        ),
        (
            "<div class=post-author><img class=author-image><span class=author__name>Ada</span> Editor</div>",
            Some("Ada"),
        ),
        ("<div class=byline>Von Ada Lovelace | 3. Mai 2024</div>", Some("Ada Lovelace")),
        ("<div class=byline>3 May 2024</div>", None),
        ("<div id=comments><span class=author>Reader</span></div>", None),
        ("<div class=related-posts><a rel=author>Somebody</a></div>", None),
    ];
    for (html, expected) in cases {
        assert_eq!(metadata(html).author.as_deref(), expected, "{html}");
    }
}

#[test]
fn dates() {
    let cases = [
        ("<meta property=article:published_time content=2024-05-01T08:00:00Z>", Some("2024-05-01T08:00:00Z")),
        ("<meta itemprop=datePublished content='May 1, 2024'>", Some("2024-05-01")),
        ("<time datetime=2024-05-01>yesterday</time>", Some("2024-05-01")),
        ("<span class=entry-date>1. Mai 2024</span>", Some("2024-05-01")),
        ("<html lang=de><span class=date>5/6/2024</span>", Some("2024-06-05")),
        ("<html lang=en><span class=date>5/6/2024</span>", Some("2024-05-06")),
        ("<title>Tides | Shore</title><h1>Tides</h1><p>Kiel, 1. Mai 2024</p>", Some("2024-05-01")),
        ("<title>Tides | Shore</title><p>Today: 1. Mai 2024</p>", None),
        ("<link rel=canonical href=https://example.org/2024/05/01/tides>", Some("2024-05-01")),
        ("<div class=comment><time datetime=2024-05-01></time></div>", None),
        ("<time datetime=P3D>3 days</time><span class=date>99.99.2024</span>", None),
    ];
    for (html, expected) in cases {
        assert_eq!(metadata(html).date.as_deref(), expected, "{html}");
    }
}

#[test]
fn licenses() {
    let by = "https://creativecommons.org/licenses/by/4.0/";
    let cases = [
        (format!("<a rel=license href={by}>"), Some("CC BY 4.0")),
        ("<meta name=dc.rights content='All rights reserved'>".to_owned(), Some("All rights reserved")),
        ("<meta name=dc.rights content='The Shore Ltd'>".to_owned(), None),
        (format!("<footer><a href={by}deed.de>"), Some("CC BY 4.0")),
        (format!("<a href={by}>x</a><a href={}>", by.replace("by/", "by-nc/")), None),
        (format!("<figure><figcaption>Photo: <a href={by}>"), None),
        ("<a rel=license href=https://example.org/terms>".to_owned(), Some("https://example.org/terms")),
    ];
    for (html, expected) in cases {
        assert_eq!(metadata(&html).license.as_deref(), expected, "{html}");
    }
}

#[test]
fn hostile_metadata_ends_quickly() {
    let nested = format!("<script type=application/ld+json>{}</script>", "{\"a\":[".repeat(50_000));
    let wide = format!(
        "<script type=application/ld+json>[{}]</script>",
        vec![r#"{"@type":"Thing","author":{"@id":"x"}}"#; 50_000].join(",")
    );
    let bylines = "<div class=author>".repeat(20_000) + "x";
    let metas = "<meta name='author a b c' content=x>".repeat(20_000);
    for html in [nested, wide, bylines, metas] {
        assert_eq!(metadata(&html).date, None);
    }
}

#[test]
fn the_license_reaches_the_document_and_the_verb() {
    let page = format!(
        "<html><title>Tides turn</title>{ARTICLE}<article><p>The tide turns twice a day.</p></article>"
    );
    let mut document = Document::new("d", "1", "");
    let bytes = page.clone().into_bytes();
    document.capture = Some(Capture { media_type: "text/html".to_owned(), charset: None, bytes });
    let Verdict::Keep(document) = Extract::default().apply(document) else { panic!("was dropped") };
    let line = serde_json::to_string(&document).expect("writes");
    let place = |key: &str| line.find(&format!("\"{key}\":")).expect("is written");
    assert!(line.contains("\"license\":\"CC BY-SA 4.0\""), "{line}");
    assert!(place("author") < place("site") && place("site") < place("license"), "{line}");
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("page.html"), page).expect("writes");
    fs::write(folder.path().join("list.tsv"), "key\tpage.html\n").expect("writes");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"));
    let arguments = ["extract", "--list", "list.tsv", "--out", "p.json", "--meta", "m.json"];
    let status = command.args(arguments).current_dir(folder.path()).env("INTERNLM_LOG", "off").status();
    assert!(status.expect("starts").success());
    let meta = fs::read_to_string(folder.path().join("m.json")).expect("reads");
    let meta: serde_json::Value = serde_json::from_str(&meta).expect("is JSON");
    assert_eq!(
        (&meta["key"]["license"], &meta["key"]["author"]),
        (&"CC BY-SA 4.0".into(), &"Ada Lovelace, Bo Kuhn".into())
    );
}
