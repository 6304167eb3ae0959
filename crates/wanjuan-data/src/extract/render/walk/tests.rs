//! Text and markdown of small pages, and properties of every rendering.

use proptest::prelude::*;

use super::*;
use crate::extract::config::{Links, TextFormat};
use crate::extract::sample::{markup, words};

fn render_as(html: &str, format: TextFormat) -> String {
    let dom = Dom::parse(html);
    let config = ExtractConfig::default().with_format(format).with_links(Links::Inline);
    dom.body().map_or_else(String::new, |body| render(&dom, |_| true, body, &config))
}

fn text(html: &str) -> String {
    render_as(html, TextFormat::Text)
}

fn markdown(html: &str) -> String {
    render_as(html, TextFormat::Markdown)
}

#[test]
fn every_role_in_both_forms() {
    let cases = [
        ("", "", ""),
        ("<p>a</p><p>b</p>", "a\n\nb", "a\n\nb"),
        ("<div>a</div><div>b</div>", "a\nb", "a\nb"),
        ("<h1>a</h1><h3>b</h3>c", "a\n\nb\n\nc", "# a\n\n### b\n\nc"),
        ("a<br>b<br><br>c", "a\nb\n\nc", "a\nb\n\nc"),
        ("<p>a</p><hr><p>b</p>", "a\n\nb", "a\n\n---\n\nb"),
        ("<hr><p>a</p><hr>", "a", "a"),
        ("<pre>a\n  b</pre>", "a\n  b", "```\na\n  b\n```"),
        ("<ul><li>a<li>b</ul>", "a\nb", "- a\n- b"),
        ("<ol start=9><li>a<li>b</ol>", "a\nb", "9. a\n10. b"),
        ("<ol reversed><li>a<li>b</ol>", "a\nb", "2. a\n1. b"),
        ("<menu><li>a</menu>", "a", "- a"),
        ("<dl><dt>a<dd>b</dl>", "a\nb", "a\n: b"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "a\n\nb", "> a\n>\n> b"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a\tb\nc\td", "| a | b |\n| --- | --- |\n| c | d |"),
        ("<a href=/x>a</a>", "a", "[a](/x)"),
        ("<a href='#x'>a</a><a>b</a><a href='javascript:x()'>c</a>", "abc", "abc"),
        ("<a href='/x y'>a</a>", "a", "[a](</x y>)"),
        ("<code>a</code><kbd>b</kbd>", "ab", "`a``b`"),
        ("<b>a</b> <i>b</i> <s>c</s>", "a b c", "**a** *b* ~~c~~"),
        ("<b>a</b><b>b</b>", "ab", "**ab**"),
        ("<b> a </b>b", "a b", "**a** b"),
        ("<b></b>a", "a", "a"),
        ("H<sub>2</sub>O, 10<sup>6</sup>", "H₂O, 10⁶", "H₂O, 10⁶"),
        ("x<sub>ab</sub>", "xab", "xab"),
        ("a<sup><a href=#n>1</a></sup>", "a[1]", "a[1]"),
        ("<q>a <q>b</q></q>", "“a ‘b’”", "“a ‘b’”"),
        ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "漢(kan)", "漢(kan)"),
        ("<img src=/i.png alt='an  [image]'>", "", "![an image](/i.png)"),
        ("<img src=/i.png width=1 height=1>", "", ""),
        ("<img src='data:x' data-src=/j.png>", "", "![](/j.png)"),
        ("<p>a<script>b</script><template>c</template>d", "ad", "ad"),
        ("<math><mi>x</mi></math>", "$x$", "$x$"),
        ("a<math display=block><mi>x</mi></math>b", "a\n\n$$x$$\n\nb", "a\n\n$$x$$\n\nb"),
        ("<h2>a<a href=#x>#</a></h2>", "a", "## a"),
        ("<span style='display:block'>a</span>b", "a\nb", "a\nb"),
        ("<span style='display:inline-block'>a</span><span>b</span>", "a b", "a b"),
        ("<p style='white-space:pre'>a\nb</p>", "a\nb", "a\nb"),
        ("a&nbsp;b &shy;c", "a b c", "a b c"),
        ("汉\n字 a\nb", "汉字 a b", "汉字 a b"),
        ("<details><summary>a</summary>b</details>", "a\nb", "a\nb"),
    ];
    for (html, plain, marked) in cases {
        assert_eq!(text(html), plain, "text of {html}");
        assert_eq!(markdown(html), marked, "markdown of {html}");
    }
}

#[test]
fn what_is_not_kept_is_left_out_with_everything_below() {
    let dom = Dom::parse("<div>a<p>b <i>c</i></p>d</div>");
    let config = ExtractConfig::default();
    let body = dom.body().expect("a page has a body");
    let without = |tag: &str| render(&dom, |id| dom.tag(id) != Some(tag), body, &config);
    assert_eq!(without("p"), "a\nd");
    assert_eq!(without("i"), "a\n\nb\n\nd");
    assert_eq!(render(&dom, |id| dom.text(id) != Some("a"), body, &config), "b c\n\nd");
    assert_eq!(render(&dom, |_| false, body, &config), "");
}

#[test]
fn a_block_that_is_left_out_ends_the_line_before_it() {
    let cases = [
        ("a<div>x</div>b", "a\nb"),
        ("a<ul><li>x</ul> b", "a\nb"),
        ("<p>a <p class=x>x</p>b", "a\n\nb"),
        ("a<div hidden>x</div>b", "ab"),
        ("a<script>x</script>b", "ab"),
        ("<table><tr><td>a<div>x</div><td>b</table>", "a\tb"),
    ];
    for (html, expected) in cases {
        let dom = Dom::parse(html);
        let body = dom.body().expect("has a body");
        let is_x = |id| dom.text(id).is_none() && dom.text_below(id) == "x";
        assert_eq!(render(&dom, |id| !is_x(id), body, &ExtractConfig::default()), expected, "{html}");
    }
}

#[test]
fn nesting_beyond_the_stacks_has_no_effect() {
    let quotes = "<blockquote>".repeat(40) + "a" + &"</blockquote>".repeat(40) + "<p>b";
    assert_eq!(markdown(&quotes), format!("{}a\n\nb", "> ".repeat(12)));
    let marks = "<q>".repeat(40) + "a" + &"</q>".repeat(40) + "b";
    assert_eq!(text(&marks), format!("{}a{}b", "“‘".repeat(8), "’”".repeat(8)));
}

#[test]
fn tables_of_data_and_of_layout() {
    let long = "Long enough to be prose. ".repeat(20);
    let cases = [
        ("<table><tr><td>a<td>b</table>".to_owned(), "a\tb".to_owned()),
        ("<table role=presentation><tr><td>a<td>b</table>".to_owned(), "a\nb".to_owned()),
        ("<table><tr><td>a<tr><td>b</table>".to_owned(), "a\nb".to_owned()),
        (format!("<table><tr><td>a<td>{long}</table>"), format!("a\n{}", long.trim_end())),
        ("<table><tr><td><h2>a</h2><td>b</table>".to_owned(), "a\n\nb".to_owned()),
        ("<table><tr><td><table><tr><td>a<td>b</table><td>c</table>".to_owned(), "a\tb\n\nc".to_owned()),
        (
            "<table><tr><th>a<th>b<tr><td colspan=2>c<tr><td>d<td>e</table>".to_owned(),
            "a\tb\nc\nd\te".to_owned(),
        ),
        ("<table><tr><td rowspan=2>a<td>b<tr><td>c</table>".to_owned(), "a\tb\n\tc".to_owned()),
    ];
    for (html, expected) in cases {
        assert_eq!(text(&html), expected, "{html}");
    }
}

#[test]
fn lists_in_lists() {
    let html = "<ol><li>a<ul><li>b<li>c</ul><li>d</ol><p>e";
    assert_eq!(markdown(html), "1. a\n   - b\n   - c\n\n2. d\n\ne".replace("\n\n2.", "\n2."));
    assert_eq!(text(html), "a\nb\nc\nd\n\ne");
    assert_eq!(
        markdown("<ul><li><input type=checkbox checked>a<li><input type=checkbox>b</ul>"),
        "- [x] a\n- [ ] b"
    );
}

/// What holds for every rendering.
fn check_form(out: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!(out.trim_end(), out);
    prop_assert!(!out.contains('\r'), "{:?}", out);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No page makes the renderer panic, run away, or end in white space, and it always gives the same.
    #[test]
    fn renderings_are_sound(html in markup()) {
        for format in [TextFormat::Text, TextFormat::Markdown] {
            let out = render_as(&html, format);
            check_form(&out)?;
            prop_assert!(out.len() <= 60 * html.len() + 60, "{} bytes", out.len());
            prop_assert_eq!(render_as(&html, format), out);
        }
    }

    /// A page that is clean already comes out as it is, and rendering it again changes nothing.
    #[test]
    fn clean_pages_are_stable(paragraphs in prop::collection::vec(words(), 0..8)) {
        let page = |text: &str| text.split("\n\n").map(|one| format!("<p>{one}</p>")).collect::<String>();
        let once = text(&page(&paragraphs.join("\n\n")));
        prop_assert_eq!(&once, &paragraphs.join("\n\n"));
        prop_assert_eq!(text(&page(&once)), once.clone());
        prop_assert_eq!(markdown(&page(&once)), once);
    }

    /// Inline markup does not change the words of plain text.
    #[test]
    fn inline_markup_keeps_the_words(parts in prop::collection::vec((words(), 0..4_usize), 1..8)) {
        let tags = ["b", "i", "span", "font"];
        let html: String = parts.iter().map(|(words, tag)| format!("<{0}>{words}</{0}> ", tags[*tag])).collect();
        let expected: Vec<&str> = parts.iter().map(|(words, _)| words.as_str()).collect();
        prop_assert_eq!(text(&html), expected.join(" "));
    }

    /// White space of the source does not matter outside of `pre`.
    #[test]
    fn white_space_collapses(words in prop::collection::vec("[a-z]{1,6}", 1..10), space in "[ \n\t\u{a0}]{1,4}") {
        prop_assert_eq!(text(&format!("<p>{}</p>", words.join(&space))), words.join(" "));
        prop_assert_eq!(text(&format!("{space}<p>{space}{}{space}</p>{space}", words.join(" "))), words.join(" "));
    }

    /// Code keeps every byte between its first and last visible character.
    #[test]
    fn code_is_kept_byte_for_byte(code in "[a-z(][a-z \n\t(){};=]{0,40}[a-z)]") {
        prop_assert_eq!(text(&format!("<pre>{code}</pre>")), code.clone());
        prop_assert_eq!(markdown(&format!("<pre>{code}</pre>")), format!("```\n{code}\n```"));
    }

    /// A table of short cells has its cells between tabs, row by row.
    #[test]
    fn tables_of_short_cells(rows in prop::collection::vec(prop::collection::vec("[a-z]{1,5}", 3), 2..6)) {
        let row = |cells: &Vec<String>| format!("<tr>{}", cells.iter().map(|cell| format!("<td>{cell}")).collect::<String>());
        let html = format!("<table>{}</table>", rows.iter().map(row).collect::<String>());
        let expected: Vec<String> = rows.iter().map(|cells| cells.join("\t")).collect();
        prop_assert_eq!(text(&html), expected.join("\n"));
    }
}
