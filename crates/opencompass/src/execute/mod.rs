//! Runs generated programs, in internlm-kit's sandbox and nowhere else.

mod sandbox_model;

pub use sandbox_model::SandboxModel;
