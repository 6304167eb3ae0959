//! The local tool box, with the names and parameters of AgentLego where it has the tool: speech, pictures, drawings,
//! translation, mathematics, documents, data and files.
//!
//! A tool is a row: its definition, what it needs, and a function. Programs run in the sandbox on copies of the
//! files that a call names; results are new files in the session's folder. A tool without its program or service
//! says what is missing, in the list of tools and as the error of a call, and never pretends.

mod barcode;
mod call;
mod canny;
mod data;
mod documents;
mod drawing;
mod edges;
mod entries;
mod faces;
mod failure;
mod files;
mod folder;
mod form;
mod image_service;
mod local_tool;
mod mathematics;
mod measure;
mod ocr;
mod picture;
mod program;
mod resize;
mod service;
mod shell;
mod speech;
mod translation;
mod vision;

pub(super) use entries::ENTRIES;
pub(crate) use failure::Failure;
pub(crate) use files::Files;
pub(super) use program::{Program, missing, run};
