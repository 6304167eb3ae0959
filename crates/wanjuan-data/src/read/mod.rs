//! Where documents come from: WARC and ARC archives, HTTP payloads, folders of pages, jsonl.

mod bytes;
mod coding;
mod decoder;
mod digest;
mod fields;
mod gzip;
mod html_dir;
mod http;
mod jsonl;
mod lz4;
mod pattern;
mod record;
mod warc;
mod warc_record;
mod warc_writer;
mod zstd;

pub use digest::{Digest, DigestError};
pub use html_dir::{ImportedPage, PageList, Selection, list_pages, write_pages};
pub use http::{HttpResponse, Payload, join_chunks, parse_response};
pub use jsonl::{read_documents, read_lines};
pub use pattern::Pattern;
pub use warc::{ArchivePart, Damage, PartStart, WarcItem, WarcReader};
pub use warc_record::{RecordKind, RecordState, WarcRecord};
pub use warc_writer::{WarcHeaders, WarcWriter};
