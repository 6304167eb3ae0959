//! The arena and its walk, on pages by hand and on generated markup.

use proptest::prelude::*;

use super::*;
use crate::extract::sample::markup;

fn tags(dom: &Dom) -> String {
    let name = |id| dom.tag(id).or(dom.text(id)).unwrap_or("#").to_owned();
    let event = |event| match event {
        WalkEvent::Enter(id) => name(id),
        WalkEvent::Leave(id) => format!("/{}", dom.tag(id).unwrap_or("")),
    };
    dom.walk(dom.root()).map(event).collect::<Vec<_>>().join(" ")
}

/// The first element with a tag.
fn find(dom: &Dom, tag: &str) -> NodeId {
    let found = dom.walk(dom.root()).find_map(|event| match event {
        WalkEvent::Enter(id) if dom.tag(id) == Some(tag) => Some(id),
        _ => None,
    });
    found.expect("the tag is on the page")
}

#[test]
fn walk_enters_and_leaves_in_document_order() {
    let dom = Dom::parse("<p>a<b>b</b>c</p><p>d");
    assert_eq!(tags(&dom), "# html head /head body p a / b b / /b c / /p p d / /p /body /html /");
}

#[test]
fn skipped_children_are_not_visited_and_the_element_is_not_left() {
    let dom = Dom::parse("<div><p>a</p></div><i>b</i>");
    let mut seen = Vec::new();
    let mut walk = dom.walk(dom.root());
    while let Some(event) = walk.next() {
        match event {
            WalkEvent::Enter(id) => {
                seen.push(format!("<{}>", dom.tag(id).unwrap_or("")));
                if dom.tag(id) == Some("div") {
                    walk.skip_children(id);
                }
            }
            WalkEvent::Leave(id) => seen.push(format!("</{}>", dom.tag(id).unwrap_or(""))),
        }
    }
    assert_eq!(seen.concat(), "<><html><head></head><body><div><i><></></i></body></html></>");
}

#[test]
fn skipping_the_root_ends_the_walk() {
    let dom = Dom::parse("<p>a</p><p>b</p>");
    let paragraph = find(&dom, "p");
    let mut walk = dom.walk(paragraph);
    assert_eq!(walk.next(), Some(WalkEvent::Enter(paragraph)));
    walk.skip_children(paragraph);
    assert_eq!(walk.next(), None);
}

#[test]
fn a_walk_stays_below_its_root() {
    let dom = Dom::parse("<ul><li>a<li>b</ul><p>c");
    let list = find(&dom, "ul");
    assert_eq!(dom.text_below(list), "ab");
    assert_eq!(dom.walk(list).last(), Some(WalkEvent::Leave(list)));
}

#[test]
fn misnested_tags_are_repaired_in_place() {
    let dom = Dom::parse("<table>before<tr><td>x</table><b><p>y</b>z</p>");
    assert_eq!(dom.text_below(dom.root()), "beforexyz");
}

#[test]
fn deep_nesting_needs_no_stack() {
    let html = "<i>".repeat(20_000) + "deep";
    let dom = Dom::parse(&html);
    assert_eq!(dom.text_below(dom.root()), "deep");
}

#[test]
fn elements_tell_their_attributes_and_meaning() {
    let dom = Dom::parse("<H2 ID=x class='a b' data-n>t</H2>");
    let heading = find(&dom, "h2");
    assert_eq!(dom.role(heading), Role::Heading(2));
    assert_eq!(dom.attribute(heading, "id"), Some("x"));
    assert_eq!(dom.attribute(heading, "data-n"), Some(""));
    assert_eq!(dom.attribute(heading, "href"), None);
    let all: Vec<(&str, &str)> = dom.attributes(heading).map(|(name, value)| (&**name, value)).collect();
    assert_eq!(all, [("id", "x"), ("class", "a b"), ("data-n", "")]);
    let text = dom.children(heading).next().expect("the text");
    assert_eq!((dom.text(text), dom.tag(text), dom.role(text)), (Some("t"), None, Role::Inline));
    assert_eq!((dom.attribute(text, "id"), dom.attributes(text).count()), (None, 0));
    assert!(dom.meaning(text).is_none() && dom.local_name(text).is_none());
}

#[test]
fn only_a_page_of_frames_has_no_body() {
    assert!(Dom::parse("").body().is_some());
    assert!(Dom::parse("<p>a").body().is_some_and(|body| !Dom::parse("").is_empty() && body.index() > 0));
    assert!(Dom::parse("<frameset><frame></frameset>").body().is_none());
}

#[test]
fn the_content_of_a_template_is_not_on_the_page() {
    assert_eq!(
        tags(&Dom::parse("<template><p>a</template>b")),
        "# html head template /template /head body b / /body /html /"
    );
}

#[test]
fn noscript_is_content() {
    let dom = Dom::parse("<noscript><p>a</p></noscript>");
    assert_eq!(dom.tag(find(&dom, "noscript")), Some("noscript"));
    assert_eq!(dom.text_below(find(&dom, "p")), "a");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Links between nodes agree with each other, and a walk visits every attached node once, parents first.
    #[test]
    fn trees_are_consistent(html in markup()) {
        let dom = Dom::parse(&html);
        let mut entered = vec![0; dom.len()];
        let mut open = Vec::new();
        for event in dom.walk(dom.root()) {
            match event {
                WalkEvent::Enter(id) => {
                    prop_assert_eq!(dom.parent(id), open.last().copied());
                    entered[id.index()] += 1;
                    open.push(id);
                }
                WalkEvent::Leave(id) => prop_assert_eq!(open.pop(), Some(id)),
            }
        }
        prop_assert!(open.is_empty());
        for index in 0..dom.len() {
            let id = NodeId::from_index(index);
            prop_assert!(entered[index] <= 1);
            for child in dom.children(id) {
                prop_assert_eq!(dom.parent(child), Some(id));
                prop_assert_eq!(entered[child.index()], entered[index]);
            }
        }
    }

    /// No two text nodes are neighbors, and texts have no children.
    #[test]
    fn texts_are_joined(html in markup()) {
        let dom = Dom::parse(&html);
        for index in 0..dom.len() {
            let id = NodeId::from_index(index);
            let texts: Vec<bool> = dom.children(id).map(|child| dom.text(child).is_some()).collect();
            prop_assert!(!texts.windows(2).any(|pair| pair == [true, true]), "{}", html);
            prop_assert!(dom.text(id).is_none() || texts.is_empty());
        }
    }

    /// Any text at all can be parsed; the document is always there.
    #[test]
    fn anything_can_be_parsed(html in any::<String>()) {
        let dom = Dom::parse(&html);
        prop_assert!(!dom.is_empty());
        prop_assert_eq!(dom.walk(dom.root()).last(), Some(WalkEvent::Leave(dom.root())));
    }
}
