//! IFEval (Zhou et al. 2023, arXiv:2311.07911): instructions whose following a program can check. It follows
//! `datasets/IFEval` of OpenCompass 0.5.4 (Apache-2.0).

mod arguments;
mod check;
mod evaluator;
mod format;
mod keywords;
mod language;
mod length;
mod sentences;
mod table;

pub(super) use table::ENTRIES;
