//! Task 2-1 of LawBench: corrections of a text, compared as edits. It follows ChERRANT (Zhang et al. 2022,
//! arXiv:2204.10994) in the version of `datasets/lawbench/utils` of OpenCompass 0.5.4 (Apache-2.0).

mod align;
mod edits;
mod evaluator;
mod letters;
mod merge;

pub(super) use evaluator::Correction;
