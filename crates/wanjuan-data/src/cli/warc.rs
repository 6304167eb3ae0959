//! `wanjuan-data warc`: lists the records of an archive, prints one of them, or checks their digests.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use sha1::{Digest as _, Sha1};

use super::warc_check::{CheckArguments, check};
use super::warc_damage::print_damage;
use crate::Error;
use crate::read::{WarcItem, WarcReader, WarcRecord, parse_response};

/// What can be done with archives.
#[derive(Debug, Subcommand)]
pub(super) enum WarcVerb {
    /// List the records as JSON, one object per line; damaged bytes are reported on standard error.
    Ls(LsArguments),
    /// Print one record, its block or its payload.
    Cat(CatArguments),
    /// Check the digests of blocks and payloads. Exit code 1 when one is wrong or an archive is damaged.
    Check(CheckArguments),
}

/// Arguments of `warc ls`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data warc ls crawl.warc.gz
  wanjuan-data warc ls crawl.arc | grep '\"type\":\"response\"'")]
pub(super) struct LsArguments {
    /// WARC or ARC archive, plain or compressed by gzip, zstd or lz4.
    file: PathBuf,
}

/// Arguments of `warc cat`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data warc cat crawl.warc.gz --offset 1375
  wanjuan-data warc cat crawl.warc.gz --offset 1375 --part payload
  wanjuan-data warc cat crawl.warc.zst --inner 89834 --part block")]
pub(super) struct CatArguments {
    /// WARC or ARC archive, plain or compressed by gzip, zstd or lz4.
    file: PathBuf,
    /// Byte at which the record or its gzip member starts, as listed by `warc ls`; not for zstd and lz4 archives.
    #[arg(long)]
    offset: Option<u64>,
    /// Byte of the record in the decompressed member or stream. Default: the first record there.
    #[arg(long)]
    inner: Option<u64>,
    /// Part of the record to print.
    #[arg(long, value_enum, default_value_t = RecordPart::Record)]
    part: RecordPart,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RecordPart {
    /// Head and block as stored.
    Record,
    /// The block as stored.
    Block,
    /// The body of an HTTP response without transfer and content codings; the block of other records.
    Payload,
}

pub(super) fn run(verb: &WarcVerb) -> anyhow::Result<()> {
    match verb {
        WarcVerb::Ls(arguments) => list(&arguments.file),
        WarcVerb::Cat(arguments) => cat(arguments),
        WarcVerb::Check(arguments) => check(arguments),
    }
}

/// A line of `warc ls`.
#[derive(Serialize)]
struct Line<'a> {
    offset: Option<u64>,
    inner: u64,
    r#type: &'a str,
    uri: Option<&'a str>,
    length: usize,
    sha1: String,
    state: &'static str,
}

fn list(file: &Path) -> anyhow::Result<()> {
    let mut reader = WarcReader::open(file)?;
    let mut out = internlm_kit::stdout::lock();
    while let Some(item) = reader.next_item() {
        match item {
            WarcItem::Damage(damage) if damage.is_padding() => {}
            WarcItem::Damage(damage) => print_damage(&damage)?,
            WarcItem::Record(record) => {
                let uri = record.uri();
                let line = Line {
                    offset: record.offset,
                    inner: record.inner,
                    r#type: &record.type_name(),
                    uri: uri.as_deref(),
                    length: record.block.len(),
                    sha1: Sha1::digest(record.block).iter().map(|byte| format!("{byte:02x}")).collect(),
                    state: record.state.name(),
                };
                out.write_all(&internlm_kit::journal::line(&line)?)?;
            }
        }
    }
    Ok(out.flush()?)
}

fn cat(arguments: &CatArguments) -> anyhow::Result<()> {
    let file = &arguments.file;
    let mut reader = WarcReader::open(file)?;
    if let Some(offset) = arguments.offset {
        reader.seek(offset);
    }
    while let Some(item) = reader.next_item() {
        let WarcItem::Record(record) = item else { continue };
        let here = arguments.offset.is_none_or(|offset| record.offset == Some(offset));
        if here && arguments.inner.is_none_or(|inner| record.inner == inner) {
            return print_record(&record, arguments.part);
        }
    }
    let place =
        |name: &str, value: Option<u64>| value.map_or(String::new(), |value| format!(" {name} {value}"));
    let offset = place("at byte", arguments.offset);
    Err(Error::Unexpected {
        path: file.clone(),
        found: format!("no record{offset}{}", place("with inner byte", arguments.inner)),
        expected: "a place that `warc ls` lists".to_owned(),
    }
    .into())
}

fn print_record(record: &WarcRecord, part: RecordPart) -> anyhow::Result<()> {
    let mut out = internlm_kit::stdout::lock();
    match part {
        RecordPart::Record => {
            out.write_all(record.head)?;
            out.write_all(record.separator())?;
            out.write_all(record.block)?;
        }
        RecordPart::Block => out.write_all(record.block)?,
        RecordPart::Payload => {
            let response = parse_response(record.block);
            let payload = response
                .as_ref()
                .map_or(record.block, |response| response.payload.bytes().unwrap_or(response.body));
            out.write_all(payload)?;
        }
    }
    Ok(out.flush()?)
}
