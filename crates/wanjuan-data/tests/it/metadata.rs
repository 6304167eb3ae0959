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
fn a_slip_in_json_ld_costs_only_what_cannot_be_read() {
    let block = r#"{"@type":"NewsArticle","headline":"Tides turn","datePublished":"2021-05-06",
        "author":{"@type":"Person","name":"Ada Lovelace"}}"#;
    let slips = [
        block.to_owned(),
        block.replace("Tides turn", "Tides\n\tturn").replace("}}", "},}"),
        block.replace("}}", "},\n}\n"),
        block.replace("Tides turn", r"Tides\ turn").replace(':', " : "),
        format!("{{\"@type\":\"WebSite\"}}\n{block}"),
        format!("{{\"@type\":\"WebSite\",\"position\":01,\"rating\":NaN}},{block},"),
        format!("/* one */ {} // two", block.replace("\"headline\"", "\"n\":+1,\"m\":.5,\"headline\"")),
        format!("<!--\n{block}\n-->"),
        format!("//<![CDATA[\n{block}\n//]]>"),
        format!("\u{feff}{block};"),
        block.replace('"', "'"),
        block.trim_end_matches('}').to_owned(),
    ];
    for slip in slips {
        let html = format!("<title>Other</title><script type=application/ld+json>{slip}</script><p>Text.");
        let found = metadata(&html);
        assert_eq!(found.title.as_deref(), Some("Tides turn"), "{slip}");
        assert_eq!(found.author.as_deref(), Some("Ada Lovelace"), "{slip}");
        assert_eq!(found.date.as_deref(), Some("2021-05-06"), "{slip}");
    }
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
        ("<meta property=og:title content='Tom &amp;amp; Bo&amp;#8217;s'>", Some("Tom & Bo’s")),
        (
            "<title>T</title><meta property=og:title content='Tides turn today'><h1>Tides turn</h1>",
            Some("Tides turn"),
        ),
        ("<title>Tides turn | Shore</title><h1><small>At sea</small>Tides turn</h1>", Some("Tides turn")),
        ("<meta property=og:title content='Tides turn'><nav><h1>Tides</h1></nav>", Some("Tides turn")),
        (
            "<link rel=canonical href=https://shore.example/a><title>Tides | Shore.example</title>",
            Some("Tides"),
        ),
        (
            "<title>Tides turn – The Shore</title><meta property=og:title content='The Shore'>\
             <meta property=og:site_name content='The Shore'>",
            Some("Tides turn"),
        ),
        (
            "<title>Tides | Shore</title><meta property=og:title content='How we read the sea’s tides – a log'>\
             <h1>How we read sea tides: a log</h1>",
            Some("How we read the sea’s tides – a log"),
        ),
        (
            "<title>Why tides turn - The Sea Book</title><h1>The Sea Book</h1><h2>Why Tides Turn</h2>",
            Some("Why Tides Turn"),
        ),
        ("<title>Tides turn | Shore</title>", Some("Tides turn")),
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
        ("<div class=with-sidebar><h1>Tides</h1><a rel=author>Ada Lovelace</a></div>", Some("Ada Lovelace")),
        ("<h1>Tides</h1><p>By <a href=/team/ada>Ada Lovelace</a></p>", Some("Ada Lovelace")),
        ("<h1>Tides</h1><p>Posted by Ada Lovelace on 3 May 2024</p>", Some("Ada Lovelace")),
        ("<h1>Tides</h1><p>By the sea</p>", None),
        ("<p><a href=/author/ada/>Ada Lovelace</a>", Some("Ada Lovelace")),
        ("<p><a href=/author/ada/>all posts</a>", None),
        (
            "<meta name=twitter:label1 content='Written by'><meta name=twitter:data1 content='Ada Lovelace'>",
            Some("Ada Lovelace"),
        ),
        ("<meta name=twitter:label1 content=Price><meta name=twitter:data1 content='Five pounds'>", None),
        (
            "<meta name=author content=Shore><meta property=og:site_name content=Shore><i class=byline>Ada</i>",
            Some("Ada"),
        ),
        ("<meta name=author content=Shore><meta property=og:site_name content=Shore>", Some("Shore")),
        ("<meta name=author content=admin><i class=byline>Ada Lovelace</i>", Some("Ada Lovelace")),
        ("<meta name=author content=ada.lovelace><i class=byline>Ada Lovelace</i>", Some("Ada Lovelace")),
        ("<i class=byline>Written by</i>", None),
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
        ("<span class=date>31.10.23</span>", Some("2023-10-31")),
        ("<span property=schema:dateCreated content=2024-05-01>gestern</span>", Some("2024-05-01")),
        ("<div class=sidebar-left><h1>Tides</h1><time datetime=2024-05-01></time></div>", Some("2024-05-01")),
        (
            "<h1>Tides</h1><p>01.05.2024 – The tide turns twice a day, as every child on the shore knows, and \
          still it is a wonder to everyone who sees it.</p>",
            Some("2024-05-01"),
        ),
    ];
    for (html, expected) in cases {
        assert_eq!(metadata(html).date.as_deref(), expected, "{html}");
    }
}

#[test]
fn the_date_beside_the_heading_counts_against_one_statement() {
    let page = |head: &str, beside: &str| {
        let html =
            format!("{head}<title>Tides | Shore</title><h1>Tides</h1>{beside}<p>They turn twice a day.");
        metadata(&html).date.unwrap_or_default()
    };
    let visible = "<p>3 May 2024</p>";
    let mere = "<meta name=date content=2024-05-09T08:00>";
    assert_eq!(page(mere, visible), "2024-05-03");
    assert_eq!(page(mere, "<p>9 May 2024</p>"), "2024-05-09T08:00:00", "the same day, and the time");
    assert_eq!(page(mere, "<p>Opened 3 May 2024</p>"), "2024-05-09T08:00:00", "more than a date");
    assert_eq!(
        page(mere, &format!("{}{visible}", "<p>Another text.</p>".repeat(9))),
        "2024-05-09T08:00:00",
        "far"
    );
    let published = "<meta property=article:published_time content=2024-05-09>";
    assert_eq!(page(published, visible), "2024-05-09", "one against one");
    assert_eq!(page(&format!("{published}<meta name=date content=2024-05-03>"), visible), "2024-05-03");
    assert_eq!(page(published, "<time datetime=2024-05-03>3 May 2024</time>"), "2024-05-03");
    let modified = "<meta property=article:modified_time content=2024-05-03>";
    assert_eq!(page(&format!("{published}{modified}"), visible), "2024-05-09", "the last change");
}

#[test]
fn the_first_date_counts_on_a_page_without_a_heading() {
    for (html, expected) in [
        (
            "<title>Tides</title><p>Since 1 May 2024 open.</p><p>Fri, 3 May 2024</p><p>4 May 2024</p>",
            Some("2024-05-03"),
        ),
        ("<title>Tides</title><h1>Tides</h1>TEXTS<p>3 May 2024</p>", None),
        ("<title>Tides</title><p>© 2024</p>", None),
        (
            "<link rel=canonical href=https://shore.example/2024/05/01/tides><p>3 May 2024</p>",
            Some("2024-05-01"),
        ),
    ] {
        let html = html.replace("TEXTS", &"<p>Another text.</p>".repeat(40));
        assert_eq!(metadata(&html).date.as_deref(), expected, "{html}");
    }
}

#[test]
fn placeholder_dates_leave_the_word_to_the_next_source() {
    let text = "<title>Tides | Shore</title><h1>Tides</h1><p>Published: 3 February 2020</p>";
    for placeholder in [
        "<meta name=date content=1970-01-01>",
        "<meta name=date content='Thu, 01 Jan 1970 00:00:00 GMT'>",
        "<meta property=article:published_time content=1969-12-31T19:00:00-05:00>",
        "<meta itemprop=datePublished content=0001-01-01T00:00:00Z>",
        "<time datetime=1970-01-01T01:00:00+01:00></time>",
        "<span itemprop=datePublished content=1900-01-01></span>",
        "<script type=application/ld+json>{\"@type\":\"Article\",\"datePublished\":\"9999-12-31\"}</script>",
        "<link rel=canonical href=https://shore.example/1970/01/01/tides>",
        "<meta name=date content=2099-01-01>",
    ] {
        let found = metadata(&format!("{placeholder}{text}"));
        assert_eq!(found.date.as_deref(), Some("2020-02-03"), "{placeholder}");
        assert_eq!(metadata(placeholder).date, None, "{placeholder}");
    }
}

#[test]
fn the_last_change_counts_where_no_publication_is_stated() {
    for (html, expected) in [
        ("<meta property=article:modified_time content=2024-05-02>", "2024-05-02"),
        ("<time class=updated datetime=2024-05-02>", "2024-05-02"),
        ("<time class=updated datetime=2024-05-02></time><time datetime=2024-05-01>", "2024-05-01"),
        (
            "<meta property=article:modified_time content=2024-05-02>\
             <meta property=article:published_time content=2024-05-01>",
            "2024-05-01",
        ),
    ] {
        assert_eq!(metadata(html).date.as_deref(), Some(expected), "{html}");
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
