//! Reading the workspace's own sources: files, syntax trees, comments. What `tidy` and `loc` share.

mod attributes;
mod files;
mod passages;
mod source;

pub(crate) use attributes::{derives, doc_text, is_test_item, is_test_only};
pub(crate) use files::files;
pub(crate) use passages::{Kind, Passage, code_only, markdown, passages};
pub(crate) use source::{Place, RustFile};
