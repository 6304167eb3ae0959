//! Where documents come from: WARC archives, HTTP payloads, folders of pages, jsonl.

mod gzip;
mod html_dir;
mod http;
mod jsonl;
mod pattern;
mod warc;
mod warc_writer;

pub use gzip::{Member, Members};
pub use html_dir::{ImportedPage, PageList, Selection, list_pages, write_pages};
pub use http::{HttpPayload, parse_response};
pub use jsonl::{read_documents, read_lines};
pub use pattern::Pattern;
pub use warc::{Damage, RecordKind, RecordState, WarcItem, WarcReader, WarcRecord};
pub use warc_writer::{WarcHeaders, WarcWriter};
