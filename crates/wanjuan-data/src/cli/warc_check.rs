//! `wanjuan-data warc check`: compares the digests of blocks and payloads with the content.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::warc_damage::print_damage;
use crate::read::{
    Digest, DigestError, RecordKind, RecordState, WarcItem, WarcReader, WarcRecord, join_chunks,
    parse_response,
};

/// Arguments of `warc check`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data warc check crawl.warc.gz
  wanjuan-data warc check crawls/*.warc.gz")]
pub(super) struct CheckArguments {
    /// WARC or ARC archives, plain or compressed by gzip, zstd or lz4.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// A line of output: a digest that is wrong or cannot be checked.
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
    let mut out = internlm_kit::stdout::lock();
    let mut totals = Totals::default();
    for file in &arguments.files {
        let name = file.display().to_string();
        let mut reader = WarcReader::open(file)?;
        while let Some(item) = reader.next_item() {
            match item {
                WarcItem::Damage(damage) if damage.is_padding() => {}
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
            Err(error @ DigestError::Algorithm(_)) => Verdict::Unchecked(error.to_string()),
            Err(error) => Verdict::Wrong(error.to_string()),
            Ok(wanted) if digest == "block" => compare(&wanted, &[record.block]),
            Ok(wanted) => check_payload(record, &wanted),
        };
        let (count, state, found) = match verdict {
            Verdict::Right => {
                totals.right += 1;
                continue;
            }
            Verdict::Wrong(found) => (&mut totals.wrong, "wrong", found),
            Verdict::Unchecked(why) => (&mut totals.unchecked, "unchecked", why),
        };
        *count += 1;
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
        out.write_all(&internlm_kit::journal::line(&line)?)?;
    }
    Ok(())
}

/// The result of checking a digest.
enum Verdict {
    Right,
    /// The digest that was computed instead.
    Wrong(String),
    /// Why the digest cannot be checked.
    Unchecked(String),
}

/// Right when one of the readings of the bytes has the digest.
fn compare(wanted: &Digest, readings: &[&[u8]]) -> Verdict {
    let mut found: Vec<Digest> = readings.iter().map(|bytes| wanted.of_same_kind(bytes)).collect();
    if found.contains(wanted) { Verdict::Right } else { Verdict::Wrong(found.swap_remove(0).to_string()) }
}

/// The payload of a response is its body: with its chunks as most tools store it, or without.
fn check_payload(record: &WarcRecord, wanted: &Digest) -> Verdict {
    if record.kind == RecordKind::Revisit {
        return Verdict::Unchecked("the payload is that of another record".to_owned());
    }
    if record.state == RecordState::Truncated {
        return Verdict::Unchecked("the record is cut".to_owned());
    }
    let Some(response) = parse_response(record.block) else {
        return compare(wanted, &[record.block, request_body(record)]);
    };
    let joined = join_chunks(response.body);
    let joined = joined.as_deref().unwrap_or(response.body);
    let decoded = response.payload.bytes().unwrap_or(response.body);
    compare(wanted, &[response.body, joined, decoded])
}

/// What follows the first empty line of a request.
fn request_body<'a>(record: &WarcRecord<'a>) -> &'a [u8] {
    let block = record.block;
    let split = block.windows(4).position(|window| window == b"\r\n\r\n");
    split.filter(|_| record.kind == RecordKind::Request).map_or(block, |at| &block[at + 4..])
}
