//! `cargo xtask pipeline`: a recipe from raw pages to a model that is served, judged and acts.
//!
//! The pipeline runs the crates' binaries as a user would. A stage is skipped when its fingerprint
//! (config, overrides, binary, corpus, upstream artefacts) and its own artefacts are unchanged; a killed
//! run resumes, because every stage resumes inside itself.

mod run;
mod server;
mod stage;
mod state;
mod summary;

pub(crate) use run::{PipelineArguments, build, run};
