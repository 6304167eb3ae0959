//! From the text of a page to a tree: parsing within limits, what a tag means, what a reader cannot see.
//!
//! This is the lowest layer of extraction. `judge`, `formula`, `metadata` and `render` read the tree built here.

mod attribute_limit;
mod builder;
mod depth_limit;
mod parse;
mod raw_text;
mod slot;
mod tag;
mod tree;
mod visibility;

pub(crate) use slot::{SLOTS, Slot};
pub(crate) use tag::{Flow, Role};
pub use tree::{Dom, NodeId, Walk, WalkEvent};
pub(crate) use visibility::{is_hidden, seems_hidden};
