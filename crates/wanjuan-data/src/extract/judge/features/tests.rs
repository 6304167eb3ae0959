//! Rows of features: each column by its name, on pages small enough to count by hand.

use proptest::prelude::*;

use super::*;
use crate::extract::dom::Dom;
use crate::extract::judge::columns::feature_names;
use crate::extract::judge::cutter::{Knowledge, cut};
use crate::extract::sample::markup;

/// All rows of a page.
fn rows(html: &str) -> Vec<Vec<f32>> {
    let blocks = cut(&Dom::parse(html), Knowledge::NOTHING);
    let mut features = Features::of(&blocks);
    let mut all = Vec::new();
    while let Some(rows) = features.next_rows() {
        assert_eq!(rows.first, all.len());
        all.extend(rows.values.chunks_exact(*WIDTH).map(<[f32]>::to_vec));
    }
    assert_eq!(all.len(), blocks.list.len());
    all
}

/// The values of a column, one per block.
fn column(rows: &[Vec<f32>], name: &str) -> Vec<f32> {
    let place = feature_names().iter().position(|one| one == name).expect("the column exists");
    rows.iter().map(|row| row[place]).collect()
}

fn ln(count: f32) -> f32 {
    (count + 1.0).ln()
}

const PROSE: &str = "Every fox in the wood sleeps for a while after noon, and so do I.";

#[test]
fn features_of_the_text() {
    let rows = rows("<title>Red fox</title><p>The <b>fox</b>, <a>a Red</a> fox.</p><p>汉字汉字。</p>");
    let first = |name: &str| column(&rows, name)[0];
    assert_eq!(first("text-characters"), ln(15.0));
    assert_eq!(first("text-words"), ln(5.0));
    assert_eq!(first("text-link-density"), 4.0 / 15.0);
    assert_eq!(first("text-links"), ln(1.0));
    assert_eq!(first("text-emphasis"), 3.0 / 15.0);
    assert_eq!(first("text-word-length"), 15.0 / 5.0);
    assert_eq!(first("text-sentence-ends"), ln(1.0));
    assert_eq!(first("text-sentence-ends-per-word"), 1.0 / 5.0);
    assert_eq!(first("text-commas-per-word"), 1.0 / 5.0);
    assert_eq!(first("text-capitalized"), 2.0 / 5.0);
    assert_eq!(first("text-title-share"), 3.0 / 5.0);
    assert_eq!(first("text-title-cover"), 3.0 / 2.0);
    assert_eq!(first("text-link-length"), 4.0);
    assert_eq!(column(&rows, "text-han"), [0.0, 4.0 / 5.0]);
    assert_eq!(column(&rows, "text-words")[1], ln(2.0));
}

#[test]
fn repeated_texts_are_counted() {
    let rows = rows("<p>Read more</p><p>Other words</p><p>read MORE</p><p>Read more</p>");
    assert_eq!(column(&rows, "text-repeats"), [ln(3.0), ln(1.0), ln(3.0), ln(3.0)]);
    assert_eq!(column(&rows, "text-repeats-before"), [0.0, 0.0, ln(1.0), ln(2.0)]);
}

#[test]
fn features_of_the_surroundings() {
    let page = "<nav><a>Home</a></nav><div class=comments><p>First</p><p style='display:none'>x</p></div>";
    let rows = rows(page);
    assert_eq!(column(&rows, "near-tag-nav"), [1.0, 32.0, 32.0]);
    assert_eq!(column(&rows, "near-tag-a"), [0.0, 32.0, 32.0]);
    assert_eq!(column(&rows, "near-word-comment"), [32.0, 1.0, 1.0]);
    assert_eq!(column(&rows, "near-tag-hidden"), [32.0, 32.0, 0.0]);
    assert_eq!(column(&rows, "near-tag-p"), [32.0, 0.0, 0.0]);
}

#[test]
fn features_of_the_containers() {
    let rows = rows("<div><p>abc</p><p>d</p></div><div><p>ef</p></div>");
    assert_eq!(column(&rows, "container-1-characters"), [ln(3.0), ln(1.0), ln(2.0)]);
    assert_eq!(column(&rows, "container-2-characters"), [ln(4.0), ln(4.0), ln(6.0)]);
    assert_eq!(column(&rows, "container-1-alike"), [ln(2.0), ln(2.0), ln(2.0)]);
    assert_eq!(column(&rows, "container-1-alike-before"), [0.0, ln(1.0), ln(1.0)]);
    assert_eq!(column(&rows, "container-2-blocks"), [ln(2.0), ln(2.0), ln(3.0)]);
    assert_eq!(column(&rows, "container-1-page-share"), [0.5, 1.0 / 6.0, 2.0 / 6.0]);
    assert_eq!(column(&rows, "container-2-block-size"), [ln(2.0), ln(2.0), ln(2.0)]);
}

#[test]
fn features_of_the_place() {
    let rows = rows(&format!("<p>Menu</p><h1>Foxes</h1><p>{PROSE}</p><p>a</p><h2>More</h2><p>b</p>"));
    assert_eq!(column(&rows, "place-block-position"), [0.0, 1.0 / 6.0, 2.0 / 6.0, 0.5, 4.0 / 6.0, 5.0 / 6.0]);
    assert_eq!(column(&rows, "place-after-h1"), [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(column(&rows, "place-blocks-since-h1"), [-1.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(column(&rows, "place-blocks-since-heading"), [50.0, 0.0, 1.0, 2.0, 0.0, 1.0]);
    assert_eq!(column(&rows, "place-heading-level"), [0.0, 1.0, 1.0, 1.0, 2.0, 2.0]);
    assert_eq!(column(&rows, "place-blocks-to-prose"), [2.0, 1.0, 50.0, 50.0, 50.0, 50.0]);
    assert_eq!(column(&rows, "place-blocks-since-prose"), [50.0, 50.0, 50.0, 1.0, 2.0, 3.0]);
    assert_eq!(column(&rows, "place-prose-nearness"), [2.0, 1.0, 50.0, 1.0, 2.0, 3.0]);
    assert_eq!(column(&rows, "place-prose-before"), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!(column(&rows, "place-prose-after"), [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(column(&rows, "place-h1-before"), [0.0, ln(1.0), ln(1.0), ln(1.0), ln(1.0), ln(1.0)]);
    assert_eq!(column(&rows, "place-previous-words")[..2], [-1.0, ln(1.0)]);
    assert_eq!(column(&rows, "place-next-2-words")[4..], [-1.0, -1.0]);
    assert_eq!(column(&rows, "place-path-blocks"), [ln(4.0), ln(1.0), ln(4.0), ln(4.0), ln(1.0), ln(4.0)]);
    assert_eq!(column(&rows, "place-up-to-h1"), [1.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
}

#[test]
fn a_page_without_heading_or_article_says_so() {
    let rows = rows("<p>a</p>");
    for (name, value) in [
        ("place-after-h1", -1.0),
        ("place-blocks-since-h1", 99.0),
        ("place-up-to-h1", -1.0),
        ("place-article-share", -1.0),
        ("place-article-prose", -1.0),
        ("page-before-comments", 1.0),
        ("page-articles", 0.0),
    ] {
        assert_eq!(column(&rows, name), [value], "{name}");
    }
}

#[test]
fn features_of_the_page_are_the_same_in_all_rows() {
    let page = "<title>Two words</title><meta property=og:type content=article>\
        <script type=application/ld+json>{\"@type\": \"NewsArticle\"}</script>\
        <article><p>$5 in 2024</p></article><ul><li><a>abcd</a></ul><div class=comment>x</div>";
    let rows = rows(page);
    let page = |name: &str| column(&rows, name);
    assert_eq!(page("page-title-words"), [2.0; 3]);
    assert_eq!(page("page-og-type"), [2.0; 3]);
    assert_eq!(page("page-kind-article"), [ln(1.0); 3]);
    assert_eq!(page("page-kind-product"), [0.0; 3]);
    assert_eq!(page("page-currencies"), [ln(1.0); 3]);
    assert_eq!(page("page-years"), [ln(1.0); 3]);
    assert_eq!(page("page-articles"), [ln(1.0); 3]);
    assert_eq!(page("page-characters"), [ln(13.0); 3]);
    assert_eq!(page("page-link-density"), [4.0 / 13.0; 3]);
    assert_eq!(page("page-list-share"), [4.0 / 13.0; 3]);
    assert_eq!(page("page-article-tags"), [8.0 / 13.0; 3]);
    assert_eq!(page("page-comment-words"), [1.0 / 13.0; 3]);
    assert_eq!(page("page-before-comments"), [12.0 / 13.0; 3]);
    assert_eq!(page("page-short-blocks"), [1.0; 3]);
}

#[test]
fn first_and_last_characters_have_classes() {
    for (c, class) in [
        ('.', 1.0),
        ('”', 1.0),
        ('…', 2.0),
        ('：', 3.0),
        ('–', 4.0),
        ('7', 5.0),
        ('ß', 6.0),
        ('Ä', 7.0),
        ('汉', 8.0),
        ('©', 9.0),
        ('|', 10.0),
        ('€', 10.0),
    ] {
        assert_eq!(character_class(c), class, "{c}");
    }
}

#[test]
fn long_pages_come_in_portions_that_fit_together() {
    let page: String = (0..ROWS * 2 + 7).map(|n| format!("<p>{n}</p>")).collect();
    let rows = rows(&page);
    let positions = column(&rows, "place-text-position");
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "running counts go on across portions");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Every value is a number, and a second reading gives the same.
    #[test]
    fn rows_are_finite_and_repeatable(html in markup()) {
        let blocks = cut(&Dom::parse(&html), Knowledge::NOTHING);
        let mut features = Features::of(&blocks);
        let mut first = Vec::new();
        while let Some(rows) = features.next_rows() {
            first.extend_from_slice(rows.values);
        }
        prop_assert!(first.iter().all(|value| value.is_finite()));
        prop_assert_eq!(first.len(), blocks.list.len() * *WIDTH);
        features.rewind();
        let mut second = Vec::new();
        while let Some(rows) = features.next_rows() {
            second.extend_from_slice(rows.values);
        }
        prop_assert_eq!(first, second);
    }

    /// Shares and densities are between 0 and 1, or -1 where they do not apply.
    #[test]
    fn shares_are_shares(html in markup()) {
        let names = feature_names();
        let shares = ["share", "density", "position", "han", "emphasis", "digits", "capitals", "prose-before"];
        for row in rows(&html) {
            for (name, value) in names.iter().zip(&row) {
                let is_share = shares.iter().any(|end| name.ends_with(end)) && !name.contains("title") && !name.starts_with("near");
                prop_assert!(!is_share || (0.0..=1.0).contains(value) || *value == -1.0, "{} {}", name, value);
            }
        }
    }
}
