//! Main text and metadata of a web page.
//!
//! | module | takes -> gives |
//! |---|---|
//! | `signature`, `script` | bytes -> the type of file, when they are not a page |
//! | `charset` | bytes -> text |
//! | `dom` | text -> `Dom`, parsed by html5ever within limits |
//! | `judge` | `Dom` -> which blocks are content, by a trained model |
//! | `metadata` | `Dom` -> [`Metadata`] |
//! | `formula` | an element -> TeX |
//! | `render` | `Dom` and the choice of the judge -> text or markdown |
//!
//! [`extract_html`] goes through all of them. No step is recursive, so nesting depth cannot overflow the stack.
//!
//! ```
//! use wanjuan_data::extract::{ExtractConfig, extract_html};
//!
//! let page = b"<title>T</title><nav><a href=/>Home</a></nav><main><h1>Birds</h1><p>They sing.</p></main>";
//! let page = extract_html(page, None, &ExtractConfig::default());
//! assert_eq!(page.text, "Birds\n\nThey sing.");
//! assert_eq!(page.metadata.title.as_deref(), Some("T"));
//! ```

mod charset;
mod config;
mod dom;
mod explanation;
mod formula;
mod judge;
mod main_text;
mod metadata;
mod render;
#[cfg(test)]
mod sample;
mod script;
mod signature;
mod stage;

pub use charset::decode;
pub use config::{ExtractConfig, Links, Mode, TextFormat};
pub use explanation::{BlockReport, Explanation, ExtractedPage};
pub use judge::PageType;
pub use main_text::{explain, extract_html};
pub use metadata::Metadata;
pub use stage::Extract;

// For our tests and for the training of the judge's model.
#[doc(hidden)]
pub use dom::{Dom, NodeId, Walk, WalkEvent};
#[doc(hidden)]
pub use judge::{PageBlocks, feature_names, training_data};
#[doc(hidden)]
pub use main_text::render_all;
