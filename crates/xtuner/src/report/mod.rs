//! The report of a run: `report.html` with curves of everything that `metrics.jsonl` has.
//!
//! Loss, rewards, accuracy, distance to the reference, lengths, rates: whatever an objective measures is drawn, so that
//! a new objective needs no code here. The page holds its drawings itself and loads nothing.

mod axis;
mod charts;
mod drawing;
mod metrics;
mod page;

pub use page::write_report;
