//! [`run_shard`]: the one kernel that runs document stages over one shard.
//!
//! Pure in the sense that matters: same spec, same bytes, and safe to repeat. Local threads call it; a Slurm
//! array or a cluster engine would call the same function.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use internlm_kit::atomic::AtomicFile;

use super::rejected::{Rejected, RejectedWriter};
use super::shard_report::{ShardReport, StageReport};
use crate::document::{Capture, Source, document_id};
use crate::read::{
    RecordKind, RecordState, WarcItem, WarcReader, WarcRecord, parse_response, read_documents,
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
        ShardInput::Warc { path, name, dump } => run.read_archive(path, name, dump)?,
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
            report: ShardReport { stages: labels.map(StageReport::new).collect(), damaged: Vec::new() },
            stages: stages.collect::<Result<_>>()?,
            first: usize::from(archive),
            path: spec.output.clone(),
            output: AtomicFile::create(&spec.output).map_err(Error::io(&spec.output, "write"))?,
            rejected: RejectedWriter::new(spec.rejected.as_deref(), spec.index),
        })
    }

    /// Turns records into documents. Every record that should have given one, and every damage, is counted.
    fn read_archive(&mut self, path: &Path, name: &str, dump: &str) -> Result<()> {
        for item in WarcReader::open(path)?.items() {
            match item {
                WarcItem::Damage(damage) => {
                    let (start, end, why) = (damage.start, damage.end, &damage.why);
                    tracing::warn!("{}: bytes {start}..{end}: {why} member, skipped", path.display());
                    let rule = format!("{why}-member");
                    let read = &mut self.report.stages[0];
                    read.input.add(end - start);
                    read.drop(&rule, end - start);
                    self.report.damaged.push(damage);
                }
                WarcItem::Record(record) if is_document(&record) => {
                    let bytes = record.block.len() as u64;
                    self.report.stages[0].input.add(bytes);
                    match document_of(&record, name, dump) {
                        Ok(document) => {
                            let read = &mut self.report.stages[0];
                            read.kept.add(document.bytes());
                            self.document(document)?;
                        }
                        Err(rejected) => self.reject(0, bytes, rejected.0, rejected.1)?,
                    }
                }
                WarcItem::Record(_) => {}
            }
        }
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

/// The document of a record, or why it gives none.
fn document_of(record: &WarcRecord, name: &str, dump: &str) -> Result<Document, Box<(Document, Reason)>> {
    let record_id = record.header("WARC-Record-ID").unwrap_or_default().to_owned();
    let source = Source {
        dump: dump.to_owned(),
        file: name.to_owned(),
        offset: record.offset,
        inner: record.inner,
        record_id: record_id.clone(),
    };
    // A record without an id is named by its place.
    let key =
        if record_id.is_empty() { format!("{name}:{}:{}", record.offset, record.inner) } else { record_id };
    let mut document = Document {
        id: document_id(dump, &key),
        date: record.header("WARC-Date").map(str::to_owned),
        url: record.uri().map(str::to_owned),
        source,
        ..Document::default()
    };
    if record.state == RecordState::Truncated {
        return Err(Box::new((document, Reason::new("truncated-record"))));
    }
    let (content_type, bytes) = match record.kind {
        RecordKind::Response => match parse_response(&record.block) {
            Some(response) if (200..300).contains(&response.status) => (response.content_type, response.body),
            Some(response) => {
                let reason = Reason::new("http-status").with_detail(response.status.to_string());
                return Err(Box::new((document, reason)));
            }
            None => return Err(Box::new((document, Reason::new("not-http")))),
        },
        _ => (record.header("Content-Type").unwrap_or_default().to_owned(), record.block.clone()),
    };
    document.capture = Some(capture(&content_type, bytes));
    Ok(document)
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
