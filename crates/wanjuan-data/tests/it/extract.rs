//! Extraction: what stays, what goes, and what must not crash.

use wanjuan_data::extract::{ExtractConfig, Mode, TextFormat, extract_html};

fn text(html: &str) -> String {
    extract_html(html.as_bytes(), None, &ExtractConfig::default()).text
}

fn markdown(html: &str) -> String {
    let config = ExtractConfig::default().with_format(TextFormat::Markdown);
    extract_html(html.as_bytes(), None, &config).text
}

const PROSE: &str = "The quick brown fox jumps over the lazy dog, and then it sleeps for a while in the shade. \
                     Nobody knows why it does so, but every day it comes back to the same place.";

#[test]
fn text_forms() {
    let cases: &[(&str, &str, &str)] = &[
        ("<p>a  b\n c</p><p>d</p>", "a b c\n\nd", "a b c\n\nd"),
        ("<h2>Head</h2><p>x<br>y</p>", "Head\n\nx\ny", "## Head\n\nx\ny"),
        (
            "<p>Do:</p><ul><li>one<li>two<ol><li>deep</ol></ul><p>end",
            "Do:\n\none\ntwo\ndeep\n\nend",
            "Do:\n\n- one\n- two\n  1. deep\n\nend",
        ),
        (
            "<table><tr><th>a<th>b<tr><td>1<td><b>2</b> x</table>",
            "a\tb\n1\t2 x",
            "| a | b |\n| --- | --- |\n| 1 | **2** x |",
        ),
        (
            "<p>Code:<pre><code class='language-rust'>fn f() {\n    let  x = 1;\n\n\t\ty\n}\n</code></pre>",
            "Code:\n\nfn f() {\n    let  x = 1;\n\n\t\ty\n}",
            "Code:\n\n```rust\nfn f() {\n    let  x = 1;\n\n\t\ty\n}\n```",
        ),
        ("<p>see <code>x</code>, <em>now</em></p>", "see x, now", "see `x`, *now*"),
        ("<p>a<img src=/i.png>b", "ab", "a![](/i.png)b"),
        (
            "<p>so <math><mi>x</mi><annotation encoding='application/x-tex'>x^2</annotation></math>.",
            "so $x^2$.",
            "so $x^2$.",
        ),
        ("<h1>T<a class=anchor href=#t>§</a></h1><p>x", "T\n\nx", "# T\n\nx"),
        ("<table><tr><td><p>one</p><p>two</p></td></tr></table>", "one\n\ntwo", "one\n\ntwo"),
        ("<p>x<svg>y</svg><title>not shown</title><noembed>nor this</noembed> z", "x z", "x z"),
    ];
    for (html, plain, marked) in cases {
        assert_eq!(text(html), *plain, "text of {html}");
        assert_eq!(markdown(html), *marked, "markdown of {html}");
    }
}

#[test]
fn boilerplate_goes() {
    let page = format!(
        "<body class='has-sidebar'><header role=banner><a href=/>Site</a></header>\
         <div class='nav-bar'><a href=/a>Menu A</a> <a href=/b>Menu B</a></div>\
         <article><h1>Foxes</h1><p>{PROSE}</p><p>{PROSE}</p>\
         <ul class=x><li><a href=/1>Read this</a><li><a href=/2>And that</a></ul></article>\
         <aside>Buy it</aside><div id='comments'>First!</div><footer>Imprint</footer>\
         <p style='display: none'>tracking</p><script>alert(1)</script>"
    );
    let expected = format!("Foxes\n\n{PROSE}\n\n{PROSE}");
    assert_eq!(text(&page), expected);
}

#[test]
fn a_page_that_calls_everything_menu_is_still_read() {
    let page = format!("<body><div class=menu><p>{PROSE}</p><p>{PROSE}</p></div></body>");
    assert_eq!(text(&page), format!("{PROSE}\n\n{PROSE}"));
}

#[test]
fn pages_without_content_are_empty() {
    for html in ["", "   ", "<nav><a href=/>Home</a></nav>", "<script>x</script>", "\0\0\0"] {
        assert_eq!(text(html).trim_matches('\u{fffd}'), "", "{html:?}");
    }
}

#[test]
fn modes_differ_in_what_they_trust() {
    let page = format!(
        "<main><p>{PROSE}</p><p>{PROSE}</p><div class='related'><p>Another story, told elsewhere.</p></div></main>"
    );
    let of = |mode| extract_html(page.as_bytes(), None, &ExtractConfig::default().with_mode(mode)).text;
    assert!(!of(Mode::Balanced).contains("Another story"));
    assert!(of(Mode::Recall).contains("Another story"));
}

#[test]
fn comments_go_by_the_mode() {
    let story: String = (0..14).map(|n| format!("<p>Part {n}. {PROSE}</p>")).collect();
    let page = format!(
        "<title>Foxes</title><nav><a href=/>Home</a></nav><article><h1>Foxes</h1>{story}</article>\
         <section class=comments><h2>Comments</h2><div class=comment><p>I saw one of them, too: {PROSE}</p></div></section>\
         <footer>Imprint</footer>"
    );
    let of = |mode| extract_html(page.as_bytes(), None, &ExtractConfig::default().with_mode(mode)).text;
    for mode in [Mode::Precision, Mode::Balanced, Mode::Recall] {
        assert!(of(mode).contains("Part 0.") && of(mode).contains("Part 13."), "{mode:?}: {}", of(mode));
        assert!(!of(mode).contains("Imprint"), "{mode:?}");
    }
    assert!(!of(Mode::Precision).contains("I saw one"));
    assert!(of(Mode::Recall).contains("I saw one"));
}

#[test]
fn excluded_elements_are_left_out() {
    let config = ExtractConfig::default().with_excluded_elements(["#gone", ".src", "i.note"]);
    let html = "<p>a<b class='src x'>1</b><i class=note>2</i><b class=note>3</b></p><p id=gone>4</p>";
    assert_eq!(extract_html(html.as_bytes(), None, &config).text, "a3");
}

#[test]
fn hostile_pages_end_quickly() {
    let deep = "<div>".repeat(100_000) + PROSE;
    assert_eq!(text(&deep), PROSE);
    let misnested = "<b><i>".repeat(50_000) + PROSE;
    assert_eq!(text(&misnested), PROSE);
    let unclosed_paragraphs = "<div><p>Word and another word.</div>".repeat(3_000);
    assert_eq!(text(&unclosed_paragraphs).lines().filter(|line| !line.is_empty()).count(), 3_000);
    let spans = format!("<table><tr><td colspan=9007199254740991 rowspan=65535>{PROSE}</table>");
    assert_eq!(text(&spans), PROSE);
    let unclosed = "<b><i><u><a href=x>".repeat(500) + PROSE;
    assert!(text(&unclosed).contains("quick brown fox"));
    let long_line = format!("<p>{}", "word ".repeat(400_000));
    assert_eq!(text(&long_line).len(), 400_000 * 5 - 1);
}
