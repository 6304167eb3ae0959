//! Which text of a page is its content: cut the page into blocks, score each, keep the best set.
//!
//! In the order in which a page passes through:
//!
//! | files | do |
//! |---|---|
//! | `cutter`, `blocks`, `elements`, `containers` | cut the page into blocks, with the elements around them |
//! | `text_statistics`, `class_words`, `near`, `name_weights`, `page_signals` | measure texts, names and the page's head |
//! | `survey`, `place`, `columns`, `features` | turn these into one row of numbers per block |
//! | `trees`, `model`, `page_type`, `context` | score the rows with the trained model, in two passes |
//! | `expected_f`, `fragment`, `selection`, `report` | decide what to keep, and say why |
//! | `training` | writes the same rows for `training/train_blocks.py` |

mod blocks;
mod class_words;
mod columns;
mod containers;
mod context;
mod cutter;
mod elements;
mod expected_f;
mod features;
mod fnv;
mod fragment;
mod model;
mod name_weights;
mod near;
mod page_signals;
mod page_type;
mod place;
mod report;
mod scaling;
mod selection;
mod sums;
mod survey;
mod text_statistics;
mod training;
mod trees;

pub use columns::feature_names;
pub use page_type::PageType;
pub(crate) use report::report;
pub(crate) use selection::Selection;
pub use training::{PageBlocks, training_data};
