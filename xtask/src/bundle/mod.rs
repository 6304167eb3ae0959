//! `cargo xtask device-bundle` and `device-report`: carrying the programs to a machine with a card, and reading what
//! comes back.

mod archive;
mod build;
mod device_bundle;
mod device_report;
mod llvm_stub;

pub(crate) use device_bundle::{DeviceBundleArguments, run as bundle};
pub(crate) use device_report::{DeviceReportArguments, run as report};
