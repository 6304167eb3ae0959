//! Summaries: results of all cells -> txt, csv, markdown and JSON, upstream's bytes in the first three.

mod group;
mod table;
mod tabulate;
mod text;

pub use group::{GroupConfig, Subset};
pub use table::{ResultMap, Summary, SummaryDataset, SummaryInput};
