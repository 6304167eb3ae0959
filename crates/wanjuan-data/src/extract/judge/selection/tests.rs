//! What is kept of fragments and pages, by mode, and which nodes go with it.

use proptest::prelude::*;

use super::*;
use crate::extract::dom::WalkEvent;
use crate::extract::sample::markup;

const PROSE: &str = "The quick brown fox jumps over the lazy dog, and then it sleeps for a while in the shade. \
                     Nobody knows why it does so, but every day it comes back to the same place.";

/// Texts of the kept blocks.
fn kept(html: &str, config: &ExtractConfig) -> Vec<String> {
    let dom = Dom::parse(html);
    let selection = Selection::of(&dom, config);
    let blocks = selection.blocks.list.iter().zip(&selection.kept).filter(|(_, kept)| **kept);
    let text =
        |block: &Block| selection.blocks.text(&dom, block).split_whitespace().collect::<Vec<_>>().join(" ");
    blocks.map(|(block, _)| text(block)).collect()
}

fn kept_in(html: &str, mode: Mode) -> Vec<String> {
    kept(html, &ExtractConfig::default().with_mode(mode))
}

/// A page that is too long for a fragment: a story of 14 parts, followed by `after`.
fn story(after: &str) -> String {
    let parts: String = (0..14).map(|n| format!("<p>Part {n}. {PROSE}</p>")).collect();
    format!(
        "<title>Foxes</title><nav><a href=/>Home</a></nav><article><h1>Foxes</h1>{parts}</article>{after}"
    )
}

#[test]
fn fragments_keep_what_is_visible() {
    let cases: &[(&str, &[&str])] = &[
        ("<p>a</p>", &["a"]),
        ("<p>a</p><p hidden>b</p>", &["a"]),
        ("<nav>a</nav><p>b</p>", &["b"]),
        ("<p>a</p><footer>b</footer><aside>c</aside>", &["a"]),
        ("<p>A text.</p><div class=share>b</div>", &["A text."]),
        ("<p>A longer text.</p><p><a>link link</a></p>", &["A longer text."]),
        ("<p>A text.</p><p><a>link</a> and much more text</p>", &["A text.", "link and much more text"]),
        // Names count only while they leave half of the text.
        ("<p>a</p><div class=share>longer than the rest</div>", &["a", "longer than the rest"]),
        ("<div class=menu>everything is a menu</div>", &["everything is a menu"]),
        ("<nav>only</nav>", &[]),
        ("", &[]),
    ];
    for (html, expected) in cases {
        assert_eq!(kept_in(html, Mode::Balanced), *expected, "{html}");
        assert_eq!(kept_in(html, Mode::Precision), *expected, "{html}");
    }
}

#[test]
fn recall_ignores_names_in_fragments() {
    let page = "<p>A text.</p><div class=share>b</div><p><a>link link</a></p><nav>c</nav>";
    assert_eq!(kept_in(page, Mode::Recall), ["A text.", "b", "link link"]);
}

#[test]
fn the_border_between_fragments_and_pages() {
    let page = |count: usize| (0..count).map(|n| format!("<p>{n}</p>")).collect::<String>();
    let fragment =
        |count| is_fragment(&Selection::of(&Dom::parse(&page(count)), &ExtractConfig::default()).blocks);
    assert!(fragment(0) && fragment(12) && !fragment(13));
}

#[test]
fn comments_depend_on_the_mode() {
    let comment = format!("I saw one of them. {PROSE}");
    let page = story(&format!("<div class=comments><p>{comment}</p><p>+1</p></div>"));
    assert!(!kept_in(&page, Mode::Precision).contains(&comment));
    let recall = kept_in(&page, Mode::Recall);
    assert!(recall.contains(&comment), "a comment that reads like sentences");
    for mode in [Mode::Precision, Mode::Balanced, Mode::Recall] {
        assert!(kept_in(&page, mode).iter().any(|text| text.starts_with("Part 7.")), "{mode:?}");
    }
}

#[test]
fn a_page_that_calls_its_content_comment_keeps_it() {
    let page = story("").replace("<article>", "<article class=comment>");
    for mode in [Mode::Precision, Mode::Recall] {
        let parts = kept_in(&page, mode).iter().filter(|text| text.starts_with("Part")).count();
        assert!(parts >= 13, "{mode:?}: {parts}");
    }
}

#[test]
fn selectors_exclude_elements() {
    let html = "<p class='a b' id=x>one</p><i class=a>two</i><p class=ab>three</p><div><b>four</b></div>";
    let cases: &[(&str, &[&str])] = &[
        ("#x", &["two", "three", "four"]),
        ("#y", &["one", "two", "three", "four"]),
        (".a", &["three", "four"]),
        (".b", &["two", "three", "four"]),
        ("p.a", &["two", "three", "four"]),
        ("i.a", &["one", "three", "four"]),
        ("div", &["one", "two", "three"]),
        ("b", &["one", "two", "three"]),
        (".", &[]),
    ];
    for (selector, expected) in cases {
        let config = ExtractConfig::default().with_mode(Mode::Recall).with_excluded_elements([*selector]);
        assert_eq!(kept(html, &config), *expected, "{selector}");
    }
}

#[test]
fn an_element_without_text_goes_with_what_is_around_it() {
    let dom = Dom::parse("<div><p>text</p><img id=kept></div><nav><a>menu</a><img id=dropped></nav>");
    let selection = Selection::of(&dom, &ExtractConfig::default());
    let shown = |name: &str| {
        let image = dom.walk(dom.root()).find_map(|event| match event {
            WalkEvent::Enter(id) if dom.attribute(id, "id") == Some(name) => Some(id),
            _ => None,
        });
        std::iter::successors(image, |id| dom.parent(*id)).all(|id| selection.keeps(id))
    };
    assert!(shown("kept") && !shown("dropped"));
}

#[test]
fn sources_of_formulas_are_kept_although_they_are_scripts() {
    let dom = Dom::parse("<p>so <script type='math/tex'>x</script><script>y</script></p>");
    let selection = Selection::of(&dom, &ExtractConfig::default());
    let scripts = dom.walk(dom.root()).filter_map(|event| match event {
        WalkEvent::Enter(id) if dom.tag(id) == Some("script") => Some(selection.keeps(id)),
        _ => None,
    });
    assert_eq!(scripts.collect::<Vec<_>>(), [true, false]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// The text of a dropped block cannot be reached from the body.
    #[test]
    fn nodes_of_dropped_blocks_are_dropped(html in markup()) {
        let dom = Dom::parse(&html);
        for mode in [Mode::Precision, Mode::Balanced, Mode::Recall] {
            let selection = Selection::of(&dom, &ExtractConfig::default().with_mode(mode));
            for (block, _) in selection.blocks.list.iter().zip(&selection.kept).filter(|(_, kept)| !**kept) {
                for node in selection.blocks.nodes(block) {
                    let mut way_up = std::iter::successors(Some(*node), |id| dom.parent(*id));
                    prop_assert!(!way_up.all(|id| selection.keeps(id)), "{}", html);
                }
            }
        }
    }

    /// On a page whose inline elements contain no blocks, the text of a kept block can be reached.
    #[test]
    fn nodes_of_kept_blocks_are_kept(
        parts in prop::collection::vec((prop::sample::select(&["p", "div", "nav", "h2", "li"][..]), crate::extract::sample::words()), 0..30),
    ) {
        let html: String = parts.iter().map(|(tag, words)| format!("<div><{tag}><b>{words}</b></{tag}></div>")).collect();
        let dom = Dom::parse(&html);
        let selection = Selection::of(&dom, &ExtractConfig::default());
        for (block, kept) in selection.blocks.list.iter().zip(&selection.kept) {
            for node in selection.blocks.nodes(block) {
                let mut way_up = std::iter::successors(Some(*node), |id| dom.parent(*id));
                prop_assert_eq!(way_up.all(|id| selection.keeps(id)), *kept, "{}", html);
            }
        }
    }

    /// In a fragment, recall keeps everything that the other modes keep.
    #[test]
    fn recall_keeps_most(html in markup()) {
        let dom = Dom::parse(&html);
        let of = |mode| Selection::of(&dom, &ExtractConfig::default().with_mode(mode));
        let (balanced, recall) = (of(Mode::Balanced), of(Mode::Recall));
        if is_fragment(&balanced.blocks) {
            prop_assert!(balanced.kept.iter().zip(&recall.kept).all(|(balanced, recall)| recall >= balanced));
        }
    }
}
