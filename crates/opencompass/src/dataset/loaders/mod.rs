//! Loaders: rules that turn the rows of files into the rows of a set, applied one after the other.
//!
//! Most of upstream's loader classes rename columns, look a label up in a table or take a list apart. The rules of
//! [`fields`], [`texts`], [`labels`], [`choices`] and [`rows`] say that in a dataset file. The other files have the rest.
//! All follow `datasets/*.py` of OpenCompass 0.5.4 (Apache-2.0).

mod babilong;
mod cell;
mod choices;
mod circular;
mod code_texts;
mod contrast;
mod entry;
mod exams;
mod experiments;
mod fields;
mod hard_problems;
mod invented;
mod judged;
mod labels;
mod literal;
mod livecode;
mod long_documents;
mod merge;
mod olympiad;
mod passages;
mod programs;
mod registry;
mod rows;
mod ruler;
mod sampled;
mod solutions;
mod tables;
mod texts;
mod winograd;

pub use entry::LoaderEntry;
pub use registry::loaders;

pub(super) use registry::{apply, problem};
