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

mod boilerplate;
mod charset;
mod config;
mod content_root;
mod depth_limit;
mod dom;
mod explain;
mod formula;
mod main_text;
mod mathml;
mod mathml_symbols;
mod metadata;
mod render;
mod stage;
mod statistics;
mod tag;
mod visibility;

pub use charset::decode;
pub use config::{ExtractConfig, Links, Mode, TextFormat};
pub use dom::{Dom, NodeId, Walk, WalkEvent};
pub use explain::{BlockReport, Explanation};
pub use main_text::{ExtractedPage, explain, extract_html, render_all};
pub use metadata::Metadata;
pub use stage::Extract;
