//! [`run_part`]: runs document stages over one part of the corpus.
//!
//! The same spec gives the same bytes and may be repeated: threads, workers and resumed runs all call this
//! function.

use std::fs;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use internlm_kit::file::{AtPath, AtomicFile};

use super::capture::{Origin, blank_document, capture_of, is_page};
use super::segment::LabeledStage;
use crate::document::{Source, document_id};
use crate::jsonl::{read_documents, write_line};
use crate::part_report::{DamagedRange, PartReport, ReadRange, StageReport};
use crate::read::{ArchiveRange, Damage, RecordState, WarcItem, WarcReader, WarcRecord};
use crate::rejected::{Rejected, RejectedWriter};
use crate::{Document, Error, Reason, Result, Stage, Verdict};

/// Where the documents of a part come from.
#[derive(Clone, Debug)]
pub(super) enum PartInput<'a> {
    /// An archive of captures.
    Archive {
        path: PathBuf,
        origin: Origin<'a>,
        /// The bytes of the file that are this part; `None` for all of it.
        range: Option<ArchiveRange>,
    },
    /// Documents that an earlier segment kept.
    Documents(PathBuf),
}

/// One part: input, stages, outputs.
#[derive(Clone, Debug)]
pub(super) struct PartSpec<'a> {
    /// Number of the part in its segment, from 0; names the file of rejected documents.
    pub(super) index: usize,
    pub(super) input: PartInput<'a>,
    /// The stages in order; none is a pass.
    pub(super) stages: &'a [LabeledStage],
    /// Where kept documents go (jsonl).
    pub(super) output: PathBuf,
    /// Folder of rejected documents; `None` when they are not written.
    pub(super) rejected: Option<PathBuf>,
}

/// Runs the stages over the part. Returns the numbers and the files written, kept documents first.
///
/// One document never takes the run down: a panic inside a stage drops that document with reason `panic`.
pub(super) fn run_part(spec: &PartSpec) -> Result<(PartReport, Vec<PathBuf>)> {
    let mut run = PartRun::new(spec)?;
    match &spec.input {
        PartInput::Archive { path, origin, range } => run.read_archive(path, origin, *range)?,
        PartInput::Documents(path) => {
            for document in read_documents(path)? {
                run.document(document?)?;
            }
        }
    }
    run.finish()
}

struct PartRun {
    stages: Vec<Box<dyn Stage>>,
    report: PartReport,
    /// Place of the first stage in the report: 1 after `read`.
    first: usize,
    path: PathBuf,
    output: AtomicFile,
    rejected: RejectedWriter,
}

impl PartRun {
    fn new(spec: &PartSpec) -> Result<Self> {
        let archive = matches!(spec.input, PartInput::Archive { .. });
        let labels = spec.stages.iter().map(|stage| stage.label.as_str());
        let labels = archive.then_some("read").into_iter().chain(labels);
        let stages = spec.stages.iter().filter_map(|stage| stage.config.build_stage().transpose());
        Ok(Self {
            report: PartReport { stages: labels.map(StageReport::new).collect(), ..PartReport::default() },
            stages: stages.collect::<Result<_>>()?,
            first: usize::from(archive),
            path: spec.output.clone(),
            output: AtomicFile::create(&spec.output)?,
            rejected: RejectedWriter::new(spec.rejected.as_deref(), spec.index),
        })
    }

    /// Turns records into documents. Every record that should have given one, and every damage, is counted.
    fn read_archive(&mut self, path: &Path, origin: &Origin, range: Option<ArchiveRange>) -> Result<()> {
        let mut reader = match WarcReader::open(path) {
            Ok(reader) => reader,
            // One odd file does not stop a run over many.
            Err(error @ Error::Format { .. }) => {
                tracing::warn!("{error}; the file is skipped");
                return self.reject_file(path, origin, "not-an-archive");
            }
            Err(error) => return Err(error),
        };
        if let Some(range) = range {
            reader.restrict(range);
        }
        // A record that was saved from a damaged member counts itself.
        let (mut saved, mut empty) = (false, true);
        while let Some(item) = reader.next_item() {
            empty &= matches!(&item, WarcItem::Damage(damage) if damage.is_padding());
            match item {
                WarcItem::Damage(damage) if damage.is_padding() => {}
                WarcItem::Damage(damage) if std::mem::take(&mut saved) => self.note_damage(origin, damage),
                WarcItem::Damage(damage) => {
                    self.reject_damage(origin, &damage)?;
                    self.note_damage(origin, damage);
                }
                WarcItem::Record(record) => {
                    saved |= record.state == RecordState::Truncated;
                    if is_page(&record) {
                        self.record(&record, origin)?;
                    }
                }
            }
        }
        self.report.range = range.map(|_| ReadRange { start: reader.start(), end: reader.position() });
        if empty && range.is_none() {
            tracing::warn!("{}: found no record, expected at least one; the file is skipped", path.display());
            return self.reject_file(path, origin, "empty-archive");
        }
        Ok(())
    }

    /// A file without any record counts as one lost document.
    fn reject_file(&mut self, path: &Path, origin: &Origin, rule: &'static str) -> Result<()> {
        let bytes = fs::metadata(path).at(path, "read")?.len();
        self.reject_bytes(origin, 0..bytes, Reason::new(rule))
    }

    fn record(&mut self, record: &WarcRecord, origin: &Origin) -> Result<()> {
        let bytes = record.block.len() as u64;
        self.report.stages[0].input.add(bytes);
        let document = blank_document(record, origin);
        // Payload decoders are third-party code: a panic costs one document.
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

    /// Bytes that gave no record count as a lost document.
    fn reject_damage(&mut self, origin: &Origin, damage: &Damage) -> Result<()> {
        let Damage { start, end, why } = damage;
        self.reject_bytes(origin, *start..*end, Reason::new(format!("{why}-member")))
    }

    fn reject_bytes(&mut self, origin: &Origin, range: Range<u64>, reason: Reason) -> Result<()> {
        let Range { start, end } = range;
        let bytes = end - start;
        let id = document_id(origin.dump, &format!("{}:{start}-{end}", origin.archive));
        let source = Source {
            dump: origin.dump.to_owned(),
            file: origin.archive.to_owned(),
            offset: start,
            ..Source::default()
        };
        let reason = Reason { value: Some(bytes as f64), ..reason };
        self.report.stages[0].input.add(bytes);
        self.reject(0, bytes, Document { id, source, ..Document::default() }, reason)
    }

    fn note_damage(&mut self, origin: &Origin, damage: Damage) {
        let Damage { start, end, why } = &damage;
        tracing::warn!("{}: bytes {start}..{end}: {why} member, skipped", origin.archive);
        self.report.damaged.push(DamagedRange { file: origin.archive.to_owned(), damage });
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
        Ok(write_line(&mut self.output, &document).at(&self.path, "write")?)
    }

    fn reject(&mut self, at: usize, bytes: u64, document: Document, reason: Reason) -> Result<()> {
        let report = &mut self.report.stages[at];
        report.drop(&reason.rule, bytes);
        let stage = report.stage.clone();
        self.rejected.write(&Rejected { stage, reason, document })
    }

    fn finish(self) -> Result<(PartReport, Vec<PathBuf>)> {
        let mut files = self.rejected.finish()?;
        self.output.commit()?;
        files.insert(0, self.path);
        Ok((self.report, files))
    }
}
