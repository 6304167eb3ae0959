//! The report of a run: one HTML file that needs no network and nothing installed.
//!
//! It is made of the files of the run, so that it can be made again at any time and for two runs side by side.

mod bars;
mod cells;
mod compare;
mod cut;
mod html;
mod items;
mod letters;
mod letters_table;
mod page;
mod palette;
mod pictures;
mod prompt;
mod radar;
mod room;
mod side_by_side;
mod tables;

pub use compare::{CellDifference, compare};
pub use page::write_report;
