//! [`Runner`]: walks the segments of a pipeline, unit by unit.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use internlm_kit::context::RunContext;
use internlm_kit::file::{AtPath, files_below};
use internlm_model::Tokenizer;
use rayon::prelude::*;
use serde::Serialize;

use super::capture::Origin;
use super::corpus::{Listing, page_line};
use super::journal::Journal;
use super::part::{PartInput, PartSpec, run_part};
use super::parts::{Part, Seams, parts};
use super::segment::{LabeledStage, Segment, segments};
use super::share::Share;
use super::stopwatch::timed;
use super::unit::{Unit, UnitRecord, VERSION};
use crate::artifact::Artifact;
use crate::corpus_pass::PassFiles;
use crate::part_report::{PartReport, StageReport};
use crate::read::write_pages;
use crate::report::{Funnel, finish};
use crate::run_folder::{IMPORT, RunFolder, segment_name};
use crate::stage_table::BuiltStage;
use crate::tokenize::{TokenizeReport, train_tokenizer, write_shards};
use crate::{Error, PipelineConfig, Result};

/// A run in progress.
#[derive(Debug)]
pub(super) struct Runner<'a> {
    config: &'a PipelineConfig,
    folder: RunFolder,
    journal: Journal,
    context: &'a RunContext,
    /// Finished units in pipeline order.
    records: Vec<UnitRecord>,
}

/// What a segment reads.
#[derive(Debug, Default)]
pub(super) struct SegmentInput {
    files: Vec<Artifact>,
    /// How documents name each archive; empty when the files hold documents.
    archives: Vec<String>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        config: &'a PipelineConfig,
        folder: RunFolder,
        journal: Journal,
        context: &'a RunContext,
    ) -> Self {
        Self { config, folder, journal, context, records: Vec::new() }
    }

    /// The whole pipeline. `key` goes into the mark of the finished run.
    pub(super) fn run(&mut self, listing: &Listing, key: &str) -> Result<Funnel> {
        let mut input = self.import(listing)?;
        let mut reports: Vec<PartReport> = Vec::new();
        for (number, segment) in segments(&self.config.stages).iter().enumerate() {
            let records = match segment {
                Segment::Stages(stages) => self.stages(number + 1, stages, &input, None)?,
                Segment::Pass(pass) => vec![self.pass(number + 1, pass, &input.files)?],
            };
            for record in &records {
                reports.push(record.report(&self.folder)?);
            }
            input = SegmentInput { files: main_outputs(&records), archives: Vec::new() };
            self.records.extend(records);
        }
        self.check_something_is_left(&reports, listing)?;
        let tokens = self.tokenize(&input.files)?;
        let funnel = Funnel::new(listing.files_seen(), &reports, &tokens);
        self.sweep()?;
        let artifacts = self.records.iter().flat_map(|record| record.outputs.clone()).collect();
        let provenance = self.context.provenance_or(env!("CARGO_PKG_NAME"), VERSION);
        finish(self.config, &self.folder, key, &funnel, &provenance, artifacts)?;
        Ok(funnel)
    }

    /// Any part may keep nothing, but not all of them.
    fn check_something_is_left(&self, reports: &[PartReport], listing: &Listing) -> Result<()> {
        let last = reports.last().and_then(|report| report.stages.last());
        let mut stages = reports.iter().flat_map(|report| &report.stages);
        let keeps = |stage: &StageReport| {
            stage.kept.documents > 0 && last.is_some_and(|last| last.stage == stage.stage)
        };
        if stages.any(keeps) {
            return Ok(());
        }
        Err(listing.no_archive().unwrap_or_else(|| Error::Unexpected {
            path: self.folder.root().to_path_buf(),
            found: format!("no document left after {} stages", self.config.stages.len()),
            expected: "at least one document to tokenize; rejected/ says why each was dropped".to_owned(),
        }))
    }

    /// Turns pages into archives; archives are taken as they are.
    pub(super) fn import(&mut self, listing: &Listing) -> Result<SegmentInput> {
        let list = match listing {
            Listing::Archives(files) => {
                let artifacts = files.par_iter().map(|(path, _)| {
                    // Absolute, so that it stays what it is when joined to the output folder.
                    let absolute = std::path::absolute(path).at(path, "read")?;
                    Artifact::of(&self.folder, &absolute)
                });
                let archives = files.iter().map(|(path, _)| path.display().to_string()).collect();
                return Ok(SegmentInput { files: artifacts.collect::<Result<_>>()?, archives });
            }
            Listing::Pages(list) => list,
        };
        let import = &self.config.import;
        let chunks: Vec<_> = list.pages.chunks(import.pages_per_file).collect();
        let records = timed("import", chunks.len(), || {
            let progress = self.context.reporter.start("import", "pages", list.pages.len() as u64);
            let one = |(index, pages): (usize, &&[_])| {
                let lines: String = pages.iter().map(page_line).collect();
                let inputs = (VERSION, &list.root, &lines, &import.base_url, &import.date);
                let done = self.unit(&Unit::new(IMPORT, index, &inputs), || {
                    let path = self.folder.imported(index);
                    write_pages(&list.root, pages, &path, &import.base_url, &import.date)?;
                    Ok((pages.len(), vec![path]))
                });
                progress.advance(pages.len() as u64);
                done
            };
            chunks.par_iter().enumerate().with_max_len(1).map(one).collect::<Result<Vec<_>>>()
        })?;
        let files = main_outputs(&records);
        let archives = files.iter().map(|archive| archive.path.display().to_string()).collect();
        self.records.extend(records);
        Ok(SegmentInput { files, archives })
    }

    /// Document stages: one unit per part. With a share, only its parts are done.
    pub(super) fn stages(
        &self,
        number: usize,
        stages: &[LabeledStage],
        input: &SegmentInput,
        share: Option<Share>,
    ) -> Result<Vec<UnitRecord>> {
        let segment = segment_name(number, &stages[0].label);
        let split_bytes = self.config.import.split_bytes;
        let mut parts = parts(&self.folder, &input.files, &input.archives, split_bytes);
        parts.retain(|part| share.is_none_or(|share| share.has(part.index)));
        timed(&segment, parts.len(), || {
            let progress = self.context.reporter.start(&segment, "parts", parts.len() as u64);
            let one = |part: &Part| {
                let done = self.part(&segment, stages, *part);
                progress.advance(1);
                done
            };
            let mut records: Vec<UnitRecord> =
                parts.par_iter().with_max_len(1).map(one).collect::<Result<_>>()?;
            if share.is_none() {
                self.join(&segment, stages, &parts, &mut records)?;
            }
            Ok(records)
        })
    }

    fn part(&self, segment: &str, stages: &[LabeledStage], part: Part) -> Result<UnitRecord> {
        let Part { index, input, archive, range } = part;
        let dump = &self.config.import.dump;
        let path = self.folder.file(&input.path);
        let spec = PartSpec {
            index,
            input: match archive {
                Some(archive) => PartInput::Archive { path, origin: Origin { archive, dump }, range },
                None => PartInput::Documents(path),
            },
            stages,
            output: self.folder.documents(segment, index),
            rejected: self.rejected(),
        };
        let settings: Vec<_> = stages.iter().map(|stage| (&stage.label, &stage.config)).collect();
        let inputs = (VERSION, settings, dump, archive, &input.sha256, range, self.config.write_rejected);
        self.unit(&Unit::new(segment, index, &inputs), || run_part(&spec))
    }

    /// Checks that every range begins where the one before ended, and does those again that do not.
    fn join(
        &self,
        segment: &str,
        stages: &[LabeledStage],
        parts: &[Part],
        records: &mut [UnitRecord],
    ) -> Result<()> {
        let mut seams = Seams::default();
        for (part, record) in parts.iter().zip(records) {
            let Some(range) = part.range else { continue };
            let read = record.report::<PartReport>(&self.folder)?.range;
            if let Some(range) = seams.correction(range, read) {
                tracing::debug!(segment, part = part.index, ?range, "part begins elsewhere");
                *record = self.part(segment, stages, Part { range: Some(range), ..*part })?;
            }
            seams.advance(record.report::<PartReport>(&self.folder)?.range);
        }
        Ok(())
    }

    /// A corpus-wide pass: one unit.
    fn pass(&self, number: usize, stage: &LabeledStage, inputs: &[Artifact]) -> Result<UnitRecord> {
        let LabeledStage { label, config } = stage;
        let segment = segment_name(number, label);
        let depends = (VERSION, config, hashes(inputs), self.config.write_rejected);
        let unit = Unit::new(&segment, 0, &depends);
        timed(&segment, 1, || {
            self.unit(&unit, || {
                let BuiltStage::Pass(pass) = config.build()? else {
                    unreachable!("segments are cut so that this is a pass");
                };
                let outputs: Vec<PathBuf> =
                    (0..inputs.len()).map(|index| self.folder.documents(&segment, index)).collect();
                let (inputs, rejected) = (self.files(inputs), self.rejected());
                let files =
                    PassFiles { label, inputs: &inputs, outputs: &outputs, rejected: rejected.as_deref() };
                pass.run(&files, &*self.context.reporter)
            })
        })
    }

    /// Tokenizer, then shards with held-out text and baselines: two units.
    fn tokenize(&mut self, inputs: &[Artifact]) -> Result<TokenizeReport> {
        let settings = &self.config.tokenize;
        let files = self.files(inputs);
        let folder = self.folder.tokenizer();
        let unit = Unit::new("tokenizer", 0, &(VERSION, settings, hashes(inputs)));
        let tokenizer = timed("tokenizer", 1, || {
            self.unit(&unit, || {
                train_tokenizer(&files, settings, &folder)?;
                Ok(((), files_below(&folder)?))
            })
        })?;
        let depends = (VERSION, settings, hashes(inputs), hashes(&tokenizer.outputs));
        let unit = Unit::new("shards", 0, &depends);
        let shards = timed("shards", 1, || {
            self.unit(&unit, || {
                let tokenizer = Tokenizer::load(&folder)?;
                write_shards(&files, &tokenizer, settings, &self.folder, &*self.context.reporter)
            })
        })?;
        let report = shards.report(&self.folder)?;
        self.records.extend([tokenizer, shards]);
        Ok(report)
    }

    /// Takes a finished unit over, or runs it and journals it.
    fn unit<R: Serialize>(
        &self,
        unit: &Unit,
        work: impl FnOnce() -> Result<(R, Vec<PathBuf>)>,
    ) -> Result<UnitRecord> {
        if let Some(record) = self.journal.finished(unit) {
            return Ok(record.clone());
        }
        // Between two units nothing is half done.
        if self.context.stop.is_requested() {
            return Err(Error::Stopped);
        }
        let started = Instant::now();
        let (report, files) = work()?;
        let record = UnitRecord {
            segment: unit.segment.clone(),
            unit: unit.index,
            key: unit.key.clone(),
            outputs: files.iter().map(|file| Artifact::of(&self.folder, file)).collect::<Result<_>>()?,
            report: serde_json::to_value(&report).expect("reports are plain data"),
            seconds: started.elapsed().as_secs_f64(),
        };
        self.journal.append(&record)?;
        Ok(record)
    }

    fn rejected(&self) -> Option<PathBuf> {
        self.config.write_rejected.then(|| self.folder.rejected())
    }

    fn files(&self, artifacts: &[Artifact]) -> Vec<PathBuf> {
        artifacts.iter().map(|artifact| self.folder.file(&artifact.path)).collect()
    }

    /// Removes what earlier runs with other settings left in our folders.
    fn sweep(&self) -> Result<()> {
        let outputs = self.records.iter().flat_map(|record| &record.outputs);
        let ours: BTreeSet<PathBuf> = outputs.map(|output| self.folder.file(&output.path)).collect();
        for folder in self.folder.owned() {
            for file in files_below(folder)? {
                if !ours.contains(&file) && file != self.folder.journal() {
                    fs::remove_file(&file).at(&file, "write")?;
                }
            }
        }
        Ok(())
    }
}

fn hashes(artifacts: &[Artifact]) -> Vec<&str> {
    artifacts.iter().map(|artifact| artifact.sha256.as_str()).collect()
}

/// The documents or archives of units, in order: everything but rejected documents.
fn main_outputs(records: &[UnitRecord]) -> Vec<Artifact> {
    let outputs = records.iter().flat_map(|record| &record.outputs);
    outputs.filter(|output| RunFolder::is_work(Path::new(&output.path))).cloned().collect()
}
