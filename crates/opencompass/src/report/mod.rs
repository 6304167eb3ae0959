//! The report of a run: one HTML file that needs no network and nothing installed.
//!
//! It is made of the files of the run, so that it can be made again at any time and for two runs side by side.

mod cells;
mod charts;
mod compare;
mod html;
mod items;
mod letters;
mod page;
mod room;
mod tables;

pub use compare::{CellDifference, compare};
pub use page::write_report;
