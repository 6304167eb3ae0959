//! [`Dom::parse`]: html5ever's tokenizer and tree builder, with the filters that bound their work.
//!
//! The chain, from the text to the arena: [`limit_attributes`] shortens absurd tags; the tokenizer feeds
//! [`DepthLimit`], which drops tags that nest too deep; [`RawTextPause`] stops the tokenizer at scripts and styles,
//! so that [`skip_raw_text`] can jump over them; html5ever's tree builder repairs the markup and calls [`Builder`].

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::TokenizerResult;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts, TreeSink};

use super::attribute_limit::limit_attributes;
use super::builder::Builder;
use super::depth_limit::DepthLimit;
use super::raw_text::{RawTextPause, skip_raw_text};
use super::tree::{Dom, NodeData};

/// Bytes of markup per node on a usual page, to reserve the arena once.
const BYTES_PER_NODE: usize = 24;

impl Dom {
    /// Parses a whole page, with scripting off so that `noscript` is content. Never fails: broken markup is
    /// repaired as the HTML standard says.
    #[must_use]
    pub fn parse(html: &str) -> Self {
        let nodes = Vec::with_capacity(html.len() / BYTES_PER_NODE + 16);
        let depth = Rc::new(Cell::new(0));
        let builder = Builder { nodes: RefCell::new(nodes), depth: Rc::clone(&depth) };
        builder.push(NodeData::Other);
        let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
        // html5ever logs the parse errors of the page. They are of no use in our log.
        let silent = tracing::subscriber::NoSubscriber::default();
        tracing::subscriber::with_default(silent, || {
            let sink = DepthLimit::new(RawTextPause::new(TreeBuilder::new(builder, tree_builder)), depth);
            let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
            let input = BufferQueue::default();
            input.push_back(StrTendril::from_slice(&limit_attributes(html)));
            // The tokenizer also returns at encoding labels and at the ends of scripts. Both are ignored: the text
            // is decoded already, and scripts do not run.
            while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {
                if let Some(element) = tokenizer.sink.sink.paused() {
                    skip_raw_text(&input, element, |text| {
                        tokenizer.sink.sink.sink.sink.append_raw_text(text)
                    });
                }
            }
            tokenizer.end();
            tokenizer.sink.sink.sink.sink.finish()
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::extract::sample::words;

    fn text(html: &str) -> String {
        let dom = Dom::parse(html);
        dom.text_below(dom.root())
    }

    #[test]
    fn only_data_is_kept_of_scripts() {
        let page = "<script>if (a<b) '<p>'</script><style>p > a</style>\
                    <script type='application/ld+json'>{\"a\": \"</p>\"}</script><p>Text";
        assert_eq!(text(page), "{\"a\": \"</p>\"}Text");
        assert_eq!(text("<script type='math/tex'>a<b</script>"), "a<b");
        assert_eq!(text("<script type='text/javascript'>a<b</script>"), "");
    }

    #[test]
    fn a_script_without_end_swallows_the_rest() {
        assert_eq!(text("<p>a<script>b<p>c"), "a");
        assert_eq!(text("<p>a<style>b<p>c"), "a");
    }

    #[test]
    fn scripts_of_svg_are_markup() {
        assert_eq!(text("<svg><style><b>x</b></style></svg>"), "x");
    }

    #[test]
    fn nesting_ends_at_the_limit_and_texts_stay() {
        let page =
            (0..2_000).map(|n| format!("<div>{n} ")).collect::<String>() + &"</div>".repeat(2_000) + "after";
        let dom = Dom::parse(&page);
        let deepest = dom.nodes.iter().map(|node| node.depth).max().unwrap_or(0);
        assert!((512..520).contains(&deepest), "{deepest}");
        let expected: String = (0..2_000).map(|n| format!("{n} ")).collect();
        assert_eq!(dom.text_below(dom.root()), expected + "after");
    }

    #[test]
    fn elements_after_a_deep_place_are_not_affected() {
        // The limit looks at the node inserted last, so it ends with the first text after the deep place.
        let page = "<div>".repeat(600) + &"</div>".repeat(600) + "text<section><p>after</p></section>";
        let dom = Dom::parse(&page);
        let body = dom.body().expect("a page has a body");
        let last = dom.children(body).last().expect("the section");
        assert_eq!((dom.tag(last), dom.text_below(last).as_str()), (Some("section"), "after"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// A script without data leaves no text, whatever it contains, and the text around it stays.
        #[test]
        fn scripts_leave_no_text(before in words(), inside in "[a-z<>/!\"' ]{0,40}", after in words()) {
            let page = format!("<p>{before}<script>{inside}</script>{after}</p>");
            prop_assert_eq!(text(&page), format!("{before}{after}"));
        }
    }
}
