//! LawBench (Fei et al. 2023, arXiv:2309.16289): the scorers of its 20 tasks. They follow `datasets/lawbench` of
//! OpenCompass 0.5.4 (Apache-2.0).

mod accusations;
mod amount;
mod choice;
mod correction;
mod digits;
mod grade;
mod labels;
mod numeral;
mod overlap;
mod parallel;
mod table;
mod transform;

pub(super) use table::ENTRIES;
