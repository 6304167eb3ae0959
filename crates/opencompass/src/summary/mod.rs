//! Summaries: the results of all cells as txt, csv, markdown and JSON. The first three have upstream's bytes.

mod board;
mod combine;
mod group;
mod summarizer;
mod table;
mod tabulate;
mod text;
mod transform;

pub use board::ResultMap;
pub use combine::Combine;
pub use group::{GroupConfig, Subset};
pub use summarizer::SummarizerConfig;
pub use table::{Summary, SummaryDataset, SummaryInput};

pub(crate) use table::headline_metric;
