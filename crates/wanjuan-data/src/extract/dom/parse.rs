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
