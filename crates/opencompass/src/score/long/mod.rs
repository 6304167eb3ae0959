//! Long texts: LongBench, LV-Eval, L-Eval, InfiniteBench, RULER, MRCR and BABILong.

mod abandoned;
mod infinitebench;
mod longbench;
mod longbench_v2;
mod lveval;
mod recall;
mod table;

pub(super) use table::ENTRIES;
