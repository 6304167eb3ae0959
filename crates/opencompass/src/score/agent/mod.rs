//! Agents and tool calls: CIBench, mathematics with tools, T-Eval and BFCL.
//!
//! Everything here reads steps and calls as plain data and knows no agent.

mod bfcl;
mod bfcl_check;
mod cibench;
mod loose_data;
mod math_agent;
mod picture;
mod python_literal;
mod python_value;
mod resize;
mod ssim;
mod step;
mod table;
mod teval;
mod teval_meaning;

pub use ssim::{ImagePlanes, structural_similarity};
pub(super) use table::ENTRIES;
