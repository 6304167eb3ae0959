//! `turbomind bench`: prefill and decode rates, memory and the share of the machine's peak.

mod measure;
mod report;
mod runner;

pub(super) use measure::{BenchArguments, run};
