//! Summaries: the results of all cells as txt, csv, markdown and JSON. The first three have upstream's bytes.

mod board;
mod combine;
mod group;
mod table;
mod tabulate;
mod text;

pub use board::ResultMap;
pub use combine::Combine;
pub use group::{GroupConfig, Subset};
pub use table::{Summary, SummaryDataset, SummaryInput};
