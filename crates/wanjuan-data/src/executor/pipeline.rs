//! [`run`]: a whole pipeline, from pages to shards, resumable.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use internlm_kit::atomic;
use internlm_kit::progress::Progress;
use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::corpus::{Corpus, Listing, page_line};
use super::manifest::{Artifact, Manifest, UnitRecord};
use super::pass::{PassFiles, run_pass};
use super::segment::{PassVisitor, Segment, segments};
use super::shard_report::ShardReport;
use super::shards::Share;
use crate::read::write_pages;
use crate::report::{Finished, Funnel, finish};
use crate::tokenize::{TokenizeReport, tokenizer_folder, train_tokenizer, write_shards};
use crate::{Error, Pass, PipelineConfig, Result};
use internlm_model::Tokenizer;

/// Whether work that is already done is done again.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Force {
    /// Finished units are taken over.
    #[default]
    Resume,
    /// Everything is done again.
    Redo,
}

/// How to run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RunOptions {
    /// Worker threads; 0 = one per core. The output does not depend on it.
    pub threads: usize,
    /// Whether to use what is there.
    pub force: Force,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Where every document went.
    pub funnel: Funnel,
    /// Whether the output was already complete.
    pub skipped: bool,
}

/// Runs `config` over `corpus` into `config.output`.
///
/// # Errors
/// Bad input (empty corpus, missing files), failing writes; what is finished stays and is not redone.
pub fn run(config: &PipelineConfig, corpus: &Corpus, options: RunOptions) -> Result<Outcome> {
    let listing = corpus.list()?;
    let key = hash(&(env!("CARGO_PKG_VERSION"), config, listing.fingerprint()));
    if options.force == Force::Redo {
        let manifest = config.output.join("work/manifest.jsonl");
        if manifest.exists() {
            fs::remove_file(&manifest).map_err(Error::io(&manifest, "write"))?;
        }
    } else if let Some(finished) = Finished::load(&config.output, &key) {
        return Ok(Outcome { funnel: finished.funnel, skipped: true });
    }
    Finished::remove(&config.output)?;
    let manifest = Manifest::open(&config.output)?;
    let mut runner = Runner { config, manifest, records: Vec::new() };
    let funnel = threads(options.threads)?.install(|| runner.run(&listing, &key))?;
    Ok(Outcome { funnel, skipped: false })
}

/// Does one worker's share of the document stages up to the first pass over the whole corpus, and returns how
/// many units it was; [`run`] then finds them done. Workers run at the same time in one output folder.
///
/// # Errors
/// As [`run`]; pages that are no archives yet.
pub fn run_share(config: &PipelineConfig, corpus: &Corpus, count: usize, share: Share) -> Result<usize> {
    let listing = corpus.list()?;
    if matches!(listing, Listing::Pages(_)) {
        return Err(Error::Empty {
            path: config.output.clone(),
            found: "an import of pages to share among workers".to_owned(),
            expected: "import.source = \"warc\"".to_owned(),
        });
    }
    let manifest = Manifest::open_share(&config.output, share)?;
    let mut runner = Runner { config, manifest, records: Vec::new() };
    threads(count)?.install(|| {
        let (inputs, names) = runner.import(&listing)?;
        match segments(&config.stages).first() {
            Some(Segment::Stages(stages)) => {
                Ok(runner.stages(1, stages, &inputs, &names, Some(share))?.len())
            }
            _ => Ok(0),
        }
    })
}

fn threads(count: usize) -> Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
    pool.map_err(|error| Error::Command { command: format!("{count} threads"), message: error.to_string() })
}

pub(super) struct Runner<'a> {
    pub(super) config: &'a PipelineConfig,
    manifest: Manifest,
    /// Finished units in pipeline order.
    records: Vec<UnitRecord>,
}

/// One unit before it runs: its key is the hash of all it depends on.
pub(super) struct Unit {
    pub(super) segment: String,
    pub(super) index: usize,
    pub(super) key: String,
}

impl Runner<'_> {
    fn run(&mut self, listing: &Listing, key: &str) -> Result<Funnel> {
        let (mut inputs, mut names) = self.import(listing)?;
        let mut reports = Vec::new();
        for (number, segment) in segments(&self.config.stages).iter().enumerate() {
            let records = match segment {
                Segment::Stages(stages) => self.stages(number + 1, stages, &inputs, &names, None)?,
                Segment::Pass(label, stage) => vec![self.pass(number + 1, label, stage, &inputs)?],
            };
            for record in &records {
                reports.push(report::<ShardReport>(record)?);
            }
            inputs = self.main_outputs(&records);
            names = Vec::new();
            self.records.extend(records);
        }
        let left =
            reports.last().and_then(|report| report.stages.last()).map_or(0, |stage| stage.kept.documents);
        if left == 0 {
            let found = format!("no document left after {} stages", self.config.stages.len());
            let expected =
                "at least one document to tokenize; rejected/ says why each was dropped".to_owned();
            return Err(Error::Empty { path: self.config.output.clone(), found, expected });
        }
        let tokens = self.tokenize(&inputs)?;
        let files_seen = match listing {
            Listing::Pages(list) => list.files_seen,
            Listing::Archives(files) => files.len() as u64,
        };
        let funnel = Funnel::new(files_seen, &reports, &tokens);
        self.sweep()?;
        let artifacts: Vec<Artifact> =
            self.records.iter().flat_map(|record| record.outputs.clone()).collect();
        finish(self.config, key, &funnel, artifacts)?;
        Ok(funnel)
    }

    /// Pages become archives. Returns the archives and how documents name them.
    fn import(&mut self, listing: &Listing) -> Result<(Vec<Artifact>, Vec<String>)> {
        let output = &self.config.output;
        let list = match listing {
            Listing::Archives(files) => {
                let artifacts = files.par_iter().map(|(path, _)| {
                    // Absolute, so that it stays what it is when joined to the output folder.
                    let absolute = std::path::absolute(path).map_err(Error::io(path, "read"))?;
                    Artifact::of(Path::new(""), &absolute)
                });
                let names = files.iter().map(|(path, _)| path.display().to_string()).collect();
                return Ok((artifacts.collect::<Result<_>>()?, names));
            }
            Listing::Pages(list) => list,
        };
        let import = &self.config.import;
        let chunks: Vec<_> = list.pages.chunks(import.pages_per_file).collect();
        let progress = Progress::new("import", "pages", list.pages.len() as u64);
        let started = Instant::now();
        let records = chunks
            .par_iter()
            .enumerate()
            .with_max_len(1)
            .map(|(index, pages)| {
                let lines: String = pages.iter().map(page_line).collect();
                let key =
                    hash(&(env!("CARGO_PKG_VERSION"), &list.root, &lines, &import.base_url, &import.date));
                let unit = Unit { segment: "00-import".to_owned(), index, key };
                let done = self.unit(&unit, || {
                    let path = output.join(format!("work/00-import/{index:05}.warc.gz"));
                    write_pages(&list.root, pages, &path, &import.base_url, &import.date)?;
                    Ok((pages.len(), vec![path]))
                });
                progress.advance(pages.len() as u64);
                done
            })
            .collect::<Result<Vec<_>>>()?;
        drop(progress);
        let (pages, seconds) = (list.pages.len(), started.elapsed().as_secs_f64());
        tracing::info!(pages, archives = records.len(), seconds = format!("{seconds:.1}"), "import");
        let archives = self.main_outputs(&records);
        let names = archives.iter().map(|archive| archive.path.display().to_string()).collect();
        self.records.extend(records);
        Ok((archives, names))
    }

    /// A corpus-wide pass: one unit.
    fn pass(
        &self,
        number: usize,
        label: &str,
        stage: &crate::StageConfig,
        inputs: &[Artifact],
    ) -> Result<UnitRecord> {
        let segment = format!("{number:02}-{label}");
        let root = &self.config.output;
        let hashes: Vec<&String> = inputs.iter().map(|input| &input.sha256).collect();
        let key = hash(&(env!("CARGO_PKG_VERSION"), stage, hashes, self.config.write_rejected));
        let paths: Vec<PathBuf> = inputs.iter().map(|input| root.join(&input.path)).collect();
        let outputs: Vec<PathBuf> =
            (0..inputs.len()).map(|index| root.join(format!("work/{segment}/{index:05}.jsonl"))).collect();
        let rejected = self.rejected();
        let started = Instant::now();
        let record = self.unit(&Unit { segment: segment.clone(), index: 0, key }, || {
            let files = PassFiles { label, inputs: &paths, outputs: &outputs, rejected: rejected.as_deref() };
            stage.visit_pass(RunPass(&files)).expect("segments are cut so that this is a pass")
        })?;
        tracing::info!(seconds = format!("{:.1}", started.elapsed().as_secs_f64()), "{segment}");
        Ok(record)
    }

    /// Tokenizer, shards, held-out text, baselines: two units.
    fn tokenize(&mut self, inputs: &[Artifact]) -> Result<TokenizeReport> {
        let root = &self.config.output;
        let settings = &self.config.tokenize;
        let files: Vec<PathBuf> = inputs.iter().map(|input| root.join(&input.path)).collect();
        let hashes: Vec<&String> = inputs.iter().map(|input| &input.sha256).collect();
        let folder = tokenizer_folder(root);
        let started = Instant::now();
        let key = hash(&(env!("CARGO_PKG_VERSION"), settings, &hashes));
        let tokenizer = self.unit(&Unit { segment: "tokenizer".to_owned(), index: 0, key }, || {
            train_tokenizer(&files, settings, &folder)?;
            Ok(((), list_files(&folder)?))
        })?;
        tracing::info!(seconds = format!("{:.1}", started.elapsed().as_secs_f64()), "tokenizer");
        let tokenizer_hashes: Vec<String> =
            tokenizer.outputs.iter().map(|file| file.sha256.clone()).collect();
        let key = hash(&(env!("CARGO_PKG_VERSION"), settings, &hashes, tokenizer_hashes));
        let started = Instant::now();
        let shards = self.unit(&Unit { segment: "shards".to_owned(), index: 0, key }, || {
            let tokenizer = Tokenizer::load(&folder)?;
            let (report, files) = write_shards(&files, &tokenizer, settings, root)?;
            Ok((report, files.iter().map(|file| root.join(file)).collect()))
        })?;
        tracing::info!(seconds = format!("{:.1}", started.elapsed().as_secs_f64()), "shards");
        let tokens = report(&shards)?;
        self.records.extend([tokenizer, shards]);
        Ok(tokens)
    }

    /// Takes a finished unit over, or runs it and writes it into the manifest.
    pub(super) fn unit<R: Serialize>(
        &self,
        unit: &Unit,
        work: impl FnOnce() -> Result<(R, Vec<PathBuf>)>,
    ) -> Result<UnitRecord> {
        if let Some(record) = self.manifest.finished(&unit.segment, unit.index, &unit.key) {
            return Ok(record.clone());
        }
        let started = Instant::now();
        let (report, files) = work()?;
        let root = &self.config.output;
        let outputs = files.iter().map(|file| {
            let relative = file.strip_prefix(root).unwrap_or(file);
            Artifact::of(root, relative)
        });
        let record = UnitRecord {
            segment: unit.segment.clone(),
            unit: unit.index,
            key: unit.key.clone(),
            outputs: outputs.collect::<Result<_>>()?,
            report: serde_json::to_value(&report).expect("reports are plain data"),
            seconds: started.elapsed().as_secs_f64(),
        };
        self.manifest.append(&record)?;
        Ok(record)
    }

    pub(super) fn rejected(&self) -> Option<PathBuf> {
        self.config.write_rejected.then(|| self.config.output.join("rejected"))
    }

    /// The documents or archives of units, in order: everything but rejected documents.
    fn main_outputs(&self, records: &[UnitRecord]) -> Vec<Artifact> {
        let outputs = records.iter().flat_map(|record| &record.outputs);
        outputs.filter(|output| output.path.starts_with("work")).cloned().collect()
    }

    /// Removes what earlier runs with other settings left in our folders.
    fn sweep(&self) -> Result<()> {
        let root = &self.config.output;
        let ours: BTreeSet<PathBuf> = self
            .records
            .iter()
            .flat_map(|record| &record.outputs)
            .map(|output| root.join(&output.path))
            .collect();
        for folder in ["work", "rejected", "shards", "tokenizer"] {
            for file in list_files(&root.join(folder))? {
                if !ours.contains(&file) && file != root.join("work/manifest.jsonl") {
                    fs::remove_file(&file).map_err(Error::io(&file, "write"))?;
                }
            }
        }
        Ok(())
    }
}

struct RunPass<'a>(&'a PassFiles<'a>);

impl PassVisitor for RunPass<'_> {
    type Output = Result<(ShardReport, Vec<PathBuf>)>;

    fn visit<P: Pass>(self, pass: &P) -> Self::Output {
        run_pass(pass, self.0)
    }
}

pub(super) fn report<R: DeserializeOwned>(record: &UnitRecord) -> Result<R> {
    serde_json::from_value(record.report.clone()).map_err(|error| Error::Format {
        path: PathBuf::from("work/manifest.jsonl"),
        offset: 0,
        found: error.to_string(),
        expected: format!("the report of {} unit {}", record.segment, record.unit),
    })
}

/// sha256 of a value as JSON.
pub(super) fn hash<T: Serialize>(value: &T) -> String {
    atomic::sha256(&serde_json::to_vec(value).expect("configs are plain data"))
}

/// Files below `folder`, sorted; none when it does not exist.
fn list_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(&folder).map_err(Error::io(&folder, "list"))? {
            let path = entry.map_err(Error::io(&folder, "list"))?.path();
            if path.is_dir() {
                pending.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
