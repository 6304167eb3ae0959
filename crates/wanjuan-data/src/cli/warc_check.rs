//! `wanjuan-data warc check`: digests of blocks and payloads.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::warc::print_damage;
use crate::read::{
    Digest, RecordKind, RecordState, WarcItem, WarcReader, WarcRecord, join_chunks, parse_response,
};

/// Arguments of `warc check`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data warc check crawl.warc.gz
  wanjuan-data warc check crawls/*.warc.gz")]
pub(super) struct CheckArguments {
    /// WARC or ARC, plain or in gzip, zstd or lz4.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// A line about a digest that is not right.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    offset: Option<u64>,
    inner: u64,
    uri: Option<&'a str>,
    digest: &'static str,
    state: &'static str,
    expected: &'a str,
    found: String,
}

#[derive(Default)]
struct Totals {
    records: u64,
    right: u64,
    wrong: u64,
    unchecked: u64,
    damaged: u64,
}

pub(super) fn check(arguments: &CheckArguments) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut totals = Totals::default();
    for file in &arguments.files {
        let name = file.display().to_string();
        let mut reader = WarcReader::open(file)?;
        while let Some(item) = reader.next_item() {
            match item {
                WarcItem::Damage(damage) => {
                    totals.damaged += 1;
                    print_damage(&damage)?;
                }
                WarcItem::Record(record) => check_record(&record, &name, &mut totals, &mut out)?,
            }
        }
    }
    out.flush()?;
    let Totals { records, right, wrong, unchecked, damaged } = totals;
    tracing::info!(
        "{records} records: {right} digests right, {wrong} wrong, {unchecked} unchecked, {damaged} damaged ranges"
    );
    anyhow::ensure!(
        wrong + damaged == 0,
        "found {wrong} wrong digests and {damaged} damaged ranges, expected none"
    );
    Ok(())
}

fn check_record(
    record: &WarcRecord,
    file: &str,
    totals: &mut Totals,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    totals.records += 1;
    for (digest, header) in [("block", "WARC-Block-Digest"), ("payload", "WARC-Payload-Digest")] {
        let Some(expected) = record.header(header) else { continue };
        let verdict = match Digest::parse(&expected) {
            Err(error) => Err(error.to_string()),
            Ok(wanted) if digest == "block" => Ok(compare(&wanted, &[record.block])),
            Ok(wanted) => payload_digest(record, &wanted),
        };
        let (state, found) = match verdict {
            Ok(None) => {
                totals.right += 1;
                continue;
            }
            Ok(Some(found)) => {
                totals.wrong += 1;
                ("wrong", found.to_string())
            }
            Err(why) => {
                totals.unchecked += 1;
                ("unchecked", why)
            }
        };
        let uri = record.uri();
        let line = Line {
            file,
            offset: record.offset,
            inner: record.inner,
            uri: uri.as_deref(),
            digest,
            state,
            expected: &expected,
            found,
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        out.write_all(&text)?;
    }
    Ok(())
}

/// `None` when one of the readings has the digest, else the digest of the first.
fn compare(wanted: &Digest, readings: &[&[u8]]) -> Option<Digest> {
    let found: Vec<Digest> = readings.iter().map(|bytes| wanted.of_same_kind(bytes)).collect();
    if found.contains(wanted) { None } else { found.into_iter().next() }
}

/// The payload of a response is its body: with its chunks as most tools store it, or without.
fn payload_digest(record: &WarcRecord, wanted: &Digest) -> Result<Option<Digest>, String> {
    if record.kind == RecordKind::Revisit {
        return Err("the payload is that of another record".to_owned());
    }
    if record.state == RecordState::Truncated {
        return Err("the record is cut".to_owned());
    }
    let Some(response) = parse_response(record.block) else {
        return Ok(compare(wanted, &[record.block, request_body(record)]));
    };
    let joined = join_chunks(response.body);
    let joined = joined.as_deref().unwrap_or(response.body);
    let decoded = response.payload.bytes().unwrap_or(response.body);
    Ok(compare(wanted, &[response.body, joined, decoded]))
}

/// What follows the first empty line of a request.
fn request_body<'a>(record: &WarcRecord<'a>) -> &'a [u8] {
    let block = record.block;
    let split = block.windows(4).position(|window| window == b"\r\n\r\n");
    split.filter(|_| record.kind == RecordKind::Request).map_or(block, |at| &block[at + 4..])
}
