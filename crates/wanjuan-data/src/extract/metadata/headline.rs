//! [`of`]: the headline in a heading, without the lines that publishers put above and below it.

use super::text::clean;
use crate::extract::dom::{Dom, NodeId, WalkEvent};

/// Parts of classes of lines beside a headline: above it, below it, and for the eye or the ear alone.
const BESIDE: &[&str] = &[
    "kicker",
    "eyebrow",
    "roofline",
    "topline",
    "overline",
    "dachzeile",
    "toptitle",
    "supertitle",
    "topic",
    "subtitle",
    "subline",
    "subhead",
    "sub-title",
    "sub-line",
    "sub-head",
    "colon",
    "headerlink",
    "comment",
    "sr-only",
    "visually-hidden",
    "screen-reader",
];

/// Parts of classes of other information, if they are not called titles.
const DETAILS: &[&str] = &["date", "meta", "section", "label", "categor"];

/// Maximum number of steps through a heading.
const MAX_STEPS: usize = 200;

/// The headline in a heading; all of its text if nothing else would be left.
pub(super) fn of(dom: &Dom, heading: NodeId) -> Option<String> {
    let headline = clean(&text(dom, heading, is_beside)?);
    headline.or_else(|| clean(&text(dom, heading, |_, _| false)?))
}

/// The text of a heading without some of its elements. `None` if the heading is too large to be one.
fn text(dom: &Dom, heading: NodeId, is_left_out: impl Fn(&Dom, NodeId) -> bool) -> Option<String> {
    let (mut text, mut is_whole) = (String::new(), true);
    let mut walk = dom.walk(heading);
    for _ in 0..MAX_STEPS {
        let Some(event) = walk.next() else {
            let sign = |c: char| !is_whole && (c.is_whitespace() || matches!(c, ':' | '|' | '–' | '-' | '/'));
            // The sign of a permanent link to the heading is not a part of it.
            let text = text.trim().trim_end_matches('¶').trim_matches(sign);
            return Some(text.strip_suffix(" #").unwrap_or(text).to_owned());
        };
        let WalkEvent::Enter(id) = event else { continue };
        if let Some(part) = dom.text(id) {
            text.push_str(part);
        } else if id != heading && is_left_out(dom, id) {
            walk.skip_children(id);
            text.push_str(if is_reading(dom, id) { "" } else { " " });
            is_whole = false;
        } else if matches!(dom.tag(id), Some("br" | "div" | "p")) {
            text.push(' ');
        }
    }
    None
}

/// Whether an element says how the characters before it are read.
fn is_reading(dom: &Dom, id: NodeId) -> bool {
    matches!(dom.tag(id), Some("rt" | "rp"))
}

/// Whether an element in a heading is beside the headline.
fn is_beside(dom: &Dom, id: NodeId) -> bool {
    let class = dom.attribute(id, "class").unwrap_or_default().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| class.contains(word));
    let title = has(&["title", "headline"]);
    matches!(dom.tag(id), Some("small" | "time" | "sup"))
        || is_reading(dom, id)
        || has(BESIDE)
        || (has(DETAILS) && !title)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headline(html: &str) -> Option<String> {
        let dom = Dom::parse(&format!("<h1>{html}</h1>"));
        let body = dom.body().expect("a page has a body");
        of(&dom, dom.children(body).next().expect("the heading"))
    }

    #[test]
    fn lines_beside_the_headline_are_left_out() {
        for (html, expected) in [
            ("Tides turn", Some("Tides turn")),
            ("Tides<br>turn", Some("Tides turn")),
            ("<span class=kicker>At sea</span>Tides turn", Some("Tides turn")),
            (
                "<span class='x__overline'>At sea</span><span class=x__colon>: </span><b>Tides</b> turn",
                Some("Tides turn"),
            ),
            (
                "<span class=headline>Tides turn</span> <span class=subheadline>Twice</span>",
                Some("Tides turn"),
            ),
            ("<small>At sea</small><br>Tides turn", Some("Tides turn")),
            ("<time>3 May</time> – Tides turn<a class=headerlink>¶</a>", Some("Tides turn")),
            ("<a class=section-title>Tides turn</a>", Some("Tides turn")),
            ("<span class=kicker>Tides turn</span>", Some("Tides turn")),
            ("<ruby>潮<rp>(<rt>しお<rp>)</ruby>汐", Some("潮汐")),
            ("Tides turn¶", Some("Tides turn")),
            ("Tides turn #", Some("Tides turn")),
            ("C#", Some("C#")),
            (" ", None),
        ] {
            assert_eq!(headline(html).as_deref(), expected, "{html}");
        }
        assert_eq!(headline(&"<b>x</b>".repeat(100)), None);
    }
}
