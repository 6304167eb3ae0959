//! Where documents come from: WARC and ARC archives, HTTP payloads, folders of pages, jsonl.

mod bytes;
mod coding;
mod decoder;
mod digest;
mod fields;
mod gzip;
mod html_dir;
mod http;
mod lz4;
mod pattern;
mod record;
mod step;
mod warc;
mod warc_record;
mod warc_writer;
mod zstd;

pub use crate::jsonl::read_documents;
pub use digest::{Digest, DigestError};
pub use html_dir::Selection;
pub(crate) use html_dir::{ImportedPage, PageList, list_pages, write_pages};
#[cfg(feature = "cli")]
pub(crate) use http::join_chunks;
pub use http::{HttpResponse, Payload, parse_response};
pub use step::Damage;
pub use warc::{ArchiveRange, RangeStart, WarcItem, WarcReader};
pub use warc_record::{RecordKind, RecordState, WarcRecord};
pub use warc_writer::{WarcHeaders, WarcWriter};
