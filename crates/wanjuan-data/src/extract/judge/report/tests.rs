//! Reasons, paths and scores as people read them.

use super::*;
use crate::extract::config::ExtractConfig;

fn reports(html: &str) -> Vec<BlockReport> {
    let dom = Dom::parse(html);
    report(&dom, &Selection::of(&dom, &ExtractConfig::default()))
}

#[test]
fn a_fragment_has_reasons_and_no_scores() {
    let found = reports(
        "<p>Kept  \n text.</p><nav><a>Menu</a></nav><div class='share cookie'>x</div><p><a>link</a></p>",
    );
    let lines: Vec<(&str, bool, &str)> =
        found.iter().map(|one| (one.text.as_str(), one.kept, one.reason.as_str())).collect();
    assert_eq!(
        lines,
        [
            ("Kept text.", true, ""),
            ("Menu", false, "inside nav"),
            ("x", false, "inside cookie, share"),
            ("link", false, "left out"),
        ]
    );
    assert!(found.iter().all(|one| one.score.is_none()));
}

#[test]
fn a_page_has_scores() {
    let page: String = (0..20).map(|n| format!("<p>{n}</p>")).collect();
    for one in reports(&page) {
        assert!(one.score.is_some_and(|score| (0.0..=1.0).contains(&score)));
        assert_eq!(one.reason, if one.kept { "" } else { "low score" });
    }
}

#[test]
fn paths_name_id_or_first_class() {
    let found = reports("<div id=main class=x><section class='b a'><p>text</p></section></div>");
    assert_eq!(found[0].path, "html>body>div#main>section.b>p");
}

#[test]
fn the_nearest_reasons_come_first_and_each_once() {
    let page = "<footer><aside><div class='sidebar'><nav class=nav><p>x</p></nav></div></aside></footer><p>A text.</p>";
    assert_eq!(reports(page)[0].reason, "inside nav, sidebar, aside");
}

#[test]
fn reasons_speak_of_tags_and_names_against_content() {
    for slot in [Slot::Article, Slot::NamedArticle, Slot::P, Slot::NamedBody, Slot::Main, Slot::Emphasis] {
        assert!(!TELLING.contains(&slot), "{slot:?}");
    }
    for (at, slot) in TELLING.iter().enumerate() {
        assert!(!TELLING[..at].contains(slot), "{slot:?} twice");
    }
}
