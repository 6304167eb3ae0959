//! [`run_shard`]: the one kernel that runs document stages over one shard.
//!
//! Pure in the sense that matters: same spec, same bytes, and safe to repeat. Local threads call it; a Slurm
//! array or a cluster engine would call the same function.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use internlm_kit::atomic::AtomicFile;

use super::rejected::{Rejected, RejectedWriter};
use super::shard_report::{DamagedRange, PartSpan, ShardReport, StageReport};
use crate::document::{Capture, Source, document_id};
use crate::read::{
    ArchivePart, Damage, Payload, RecordKind, RecordState, WarcItem, WarcReader, WarcRecord, parse_response,
    read_documents,
};
use crate::{Document, Error, Reason, Result, Stage, StageConfig, Verdict};

/// What a shard is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum ShardInput {
    /// An archive of captures.
    Warc {
        /// The file.
        path: PathBuf,
        /// How documents name it in their source.
        name: String,
        /// Name of the crawl.
        dump: String,
        /// The part of the file that is this shard; `None`: all of it.
        part: Option<ArchivePart>,
    },
    /// Documents of an earlier segment.
    Jsonl(PathBuf),
}

/// One unit of work: input, stages, outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct ShardSpec {
    /// Number of the shard.
    pub index: usize,
    /// Where documents come from.
    pub input: ShardInput,
    /// Labels and settings of the stages, in order.
    pub stages: Vec<(String, StageConfig)>,
    /// Where kept documents go (jsonl).
    pub output: PathBuf,
    /// Folder of rejected documents; `None`: not written.
    pub rejected: Option<PathBuf>,
}

/// Runs the stages over the shard. Returns the numbers and the files written.
///
/// One document never takes the run down: a panic inside a stage drops that document with reason `panic`.
///
/// # Errors
/// Unreadable input, failing writes.
pub fn run_shard(spec: &ShardSpec) -> Result<(ShardReport, Vec<PathBuf>)> {
    let mut run = ShardRun::new(spec)?;
    match &spec.input {
        ShardInput::Warc { path, name, dump, part } => run.read_archive(path, name, dump, *part)?,
        ShardInput::Jsonl(path) => {
            for document in read_documents(path)? {
                run.document(document?)?;
            }
        }
    }
    run.finish()
}

struct ShardRun {
    stages: Vec<Box<dyn Stage>>,
    report: ShardReport,
    /// Place of the first stage in the report: 1 after `read`.
    first: usize,
    path: PathBuf,
    output: AtomicFile,
    rejected: RejectedWriter,
}

impl ShardRun {
    fn new(spec: &ShardSpec) -> Result<Self> {
        let archive = matches!(spec.input, ShardInput::Warc { .. });
        let labels =
            archive.then_some("read").into_iter().chain(spec.stages.iter().map(|(label, _)| label.as_str()));
        let stages = spec.stages.iter().filter_map(|(_, config)| config.build_stage().transpose());
        Ok(Self {
            report: ShardReport { stages: labels.map(StageReport::new).collect(), ..ShardReport::default() },
            stages: stages.collect::<Result<_>>()?,
            first: usize::from(archive),
            path: spec.output.clone(),
            output: AtomicFile::create(&spec.output).map_err(Error::io(&spec.output, "write"))?,
            rejected: RejectedWriter::new(spec.rejected.as_deref(), spec.index),
        })
    }

    /// Turns records into documents. Every record that should have given one, and every damage, is counted.
    fn read_archive(&mut self, path: &Path, name: &str, dump: &str, part: Option<ArchivePart>) -> Result<()> {
        let mut reader = WarcReader::open(path)?;
        if let Some(part) = part {
            reader.restrict(part);
        }
        // A record that was saved from a damaged member counts itself.
        let mut saved = false;
        while let Some(item) = reader.next_item() {
            match item {
                WarcItem::Damage(damage) => self.damage(name, dump, damage, std::mem::take(&mut saved))?,
                WarcItem::Record(record) => {
                    saved |= record.state == RecordState::Truncated;
                    if is_document(&record) {
                        self.record(&record, name, dump)?;
                    }
                }
            }
        }
        self.report.part = part.map(|_| PartSpan { start: reader.start(), end: reader.position() });
        Ok(())
    }

    fn record(&mut self, record: &WarcRecord, name: &str, dump: &str) -> Result<()> {
        let bytes = record.block.len() as u64;
        self.report.stages[0].input.add(bytes);
        let document = blank_document(record, name, dump);
        // Decoders of payloads are other people's: whatever they do costs one document.
        let capture = catch_unwind(AssertUnwindSafe(|| capture_of(record)));
        match capture.unwrap_or_else(|_| Err(Box::new(Reason::new("panic")))) {
            Ok(capture) => {
                let document = Document { capture: Some(capture), ..document };
                self.report.stages[0].kept.add(document.bytes());
                self.document(document)
            }
            Err(reason) => self.reject(0, bytes, document, *reason),
        }
    }

    /// Bytes that gave no record are a lost document, unless what was saved of them has been counted.
    fn damage(&mut self, name: &str, dump: &str, damage: Damage, saved: bool) -> Result<()> {
        let Damage { start, end, why } = &damage;
        tracing::warn!("{name}: bytes {start}..{end}: {why} member, skipped");
        let bytes = end - start;
        if !saved {
            let source =
                Source { dump: dump.to_owned(), file: name.to_owned(), offset: *start, ..Source::default() };
            let id = document_id(dump, &format!("{name}:{start}-{end}"));
            let rule = format!("{why}-member").into();
            let reason = Reason { rule, value: Some(bytes as f64), ..Reason::default() };
            self.report.stages[0].input.add(bytes);
            self.reject(0, bytes, Document { id, source, ..Document::default() }, reason)?;
        }
        self.report.damaged.push(DamagedRange { file: name.to_owned(), damage });
        Ok(())
    }

    fn document(&mut self, mut document: Document) -> Result<()> {
        for place in 0..self.stages.len() {
            let bytes = document.bytes();
            let at = self.first + place;
            self.report.stages[at].input.add(bytes);
            let (id, source) = (document.id.clone(), document.source.clone());
            let stage = &self.stages[place];
            // The document is moved in and lost on a panic; the stage itself has no state to break.
            let verdict = catch_unwind(AssertUnwindSafe(|| stage.apply(document)));
            match verdict {
                Ok(Verdict::Keep(kept)) => {
                    self.report.stages[at].kept.add(kept.bytes());
                    document = kept;
                }
                Ok(Verdict::Drop(dropped, reason)) => return self.reject(at, bytes, dropped, *reason),
                Err(_) => {
                    let lost = Document { id, source, ..Document::default() };
                    return self.reject(at, bytes, lost, Reason::new("panic"));
                }
            }
        }
        document.refresh_counts();
        let mut line =
            serde_json::to_vec(&document).map_err(|error| Error::io(&self.path, "write")(error.into()))?;
        line.push(b'\n');
        self.output.write_all(&line).map_err(Error::io(&self.path, "write"))
    }

    fn reject(&mut self, at: usize, bytes: u64, document: Document, reason: Reason) -> Result<()> {
        let report = &mut self.report.stages[at];
        report.drop(&reason.rule, bytes);
        let stage = report.stage.clone();
        self.rejected.write(&Rejected { stage, reason, document })
    }

    fn finish(self) -> Result<(ShardReport, Vec<PathBuf>)> {
        let mut files = self.rejected.finish()?;
        self.output.commit().map_err(Error::io(&self.path, "write"))?;
        files.insert(0, self.path);
        Ok((self.report, files))
    }
}

/// Whether a record holds a page.
fn is_document(record: &WarcRecord) -> bool {
    matches!(record.kind, RecordKind::Response | RecordKind::Resource | RecordKind::Conversion)
}

/// The document of a record before its page is looked at.
fn blank_document(record: &WarcRecord, name: &str, dump: &str) -> Document {
    let record_id = record.header("WARC-Record-ID").unwrap_or_default().into_owned();
    let offset = record.offset.unwrap_or(0);
    // A record without an id is named by its place.
    let key =
        if record_id.is_empty() { format!("{name}:{offset}:{}", record.inner) } else { record_id.clone() };
    let source =
        Source { dump: dump.to_owned(), file: name.to_owned(), offset, inner: record.inner, record_id };
    Document {
        id: document_id(dump, &key),
        date: record.header("WARC-Date").map(Into::into),
        url: record.uri().map(Into::into),
        source,
        ..Document::default()
    }
}

/// The page of a record, or why there is none.
fn capture_of(record: &WarcRecord) -> Result<Capture, Box<Reason>> {
    let no = |reason| Err(Box::new(reason));
    if record.state == RecordState::Truncated {
        let promised = record.promised.unwrap_or(0) as f64;
        return no(Reason::below("truncated-record", record.block.len() as f64, promised));
    }
    if record.kind != RecordKind::Response {
        let content_type = record.header("Content-Type").unwrap_or_default();
        return Ok(capture(&content_type, record.block.to_vec()));
    }
    let Some(response) = parse_response(record.block) else { return no(Reason::new("not-http")) };
    if !(200..300).contains(&response.status) {
        let value = Some(f64::from(response.status));
        return no(Reason { value, ..Reason::new("http-status") });
    }
    match response.payload {
        Payload::Whole(bytes) => Ok(capture(&response.content_type, bytes.into_owned())),
        Payload::Cut(bytes) => Ok(capture(&response.content_type, bytes)),
        Payload::Undecodable(coding) => no(Reason::new("content-encoding").with_detail(coding)),
        // Decoding stopped one byte above the limit.
        Payload::TooLarge(limit) => no(Reason::above("payload-too-large", limit as f64 + 1.0, limit as f64)),
    }
}

fn capture(content_type: &str, bytes: Vec<u8>) -> Capture {
    let mut parts = content_type.split(';');
    let media_type = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let charset = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
    });
    Capture { media_type, charset, bytes }
}
