//! Main text and metadata of a page: charset, parsing into an arena, boilerplate removal, rendering.
//!
//! The parser is html5ever's, everything after it is ours. No step recurses, so nesting depth cannot
//! overflow the stack.
//!
//! ```
//! use wanjuan_data::extract::{ExtractConfig, extract_html};
//!
//! let page = b"<title>T</title><nav><a href=/>Home</a></nav><main><h1>Birds</h1><p>They sing.</p></main>";
//! let page = extract_html(page, None, &ExtractConfig::default());
//! assert_eq!(page.text, "Birds\n\nThey sing.");
//! assert_eq!(page.metadata.title.as_deref(), Some("T"));
//! ```

mod attribute_limit;
mod block_model;
mod blocks;
mod charset;
mod class_words;
mod config;
mod containers;
mod context;
mod depth_limit;
mod dom;
mod dom_builder;
mod elements;
mod explain;
mod features;
mod formula;
mod main_text;
mod mathml;
mod mathml_symbols;
mod metadata;
mod page_signals;
mod page_type;
mod raw_text;
mod render;
mod selection;
mod stage;
mod survey;
mod tag;
mod text_statistics;
mod training;
mod trees;
mod visibility;

pub use charset::decode;
pub use config::{ExtractConfig, Links, Mode, TextFormat};
pub use dom::{Dom, NodeId, Walk, WalkEvent};
pub use explain::{BlockReport, Explanation};
pub use features::feature_names;
pub use main_text::{ExtractedPage, explain, extract_html, render_all};
pub use metadata::Metadata;
pub use page_type::PageType;
pub use stage::Extract;
pub use training::{PageBlocks, training_data};
