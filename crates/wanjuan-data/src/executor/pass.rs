//! [`run_pass`]: sketches in parallel, one decision, application in parallel.

use std::io::Write;
use std::path::{Path, PathBuf};

use internlm_kit::atomic::AtomicFile;
use internlm_kit::progress::Progress;
use rayon::prelude::*;

use super::rejected::{Rejected, RejectedWriter};
use super::shard_report::{ShardReport, StageReport};
use crate::read::read_documents;
use crate::{Error, Pass, Result, Verdict};

/// Where a pass reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct PassFiles<'a> {
    /// Label of the pass.
    pub label: &'a str,
    /// Documents, one file per shard.
    pub inputs: &'a [PathBuf],
    /// One output per input.
    pub outputs: &'a [PathBuf],
    /// Folder of rejected documents; `None`: not written.
    pub rejected: Option<&'a Path>,
}

/// Runs a pass over the files. Returns the numbers and the files written.
///
/// # Errors
/// Unreadable input, failing writes.
pub fn run_pass<P: Pass>(pass: &P, files: &PassFiles) -> Result<(ShardReport, Vec<PathBuf>)> {
    let progress = Progress::new(files.label, "files", files.inputs.len() as u64 * 2);
    let sketches = files
        .inputs
        .par_iter()
        .map(|path| {
            let sketches = read_documents(path)?
                .map(|document| document.map(|document| pass.sketch(&document)))
                .collect::<Result<Vec<_>>>();
            progress.advance(1);
            sketches
        })
        .collect::<Result<Vec<_>>>()?;
    let lengths: Vec<usize> = sketches.iter().map(Vec::len).collect();
    let mut decisions = pass.decide(sketches.into_iter().flatten().collect()).into_iter();
    let decisions: Vec<Vec<P::Decision>> =
        lengths.iter().map(|length| decisions.by_ref().take(*length).collect()).collect();
    let shards: Vec<(StageReport, Vec<PathBuf>)> = decisions
        .par_iter()
        .enumerate()
        .map(|(shard, decisions)| {
            let done = apply(pass, files, shard, decisions);
            progress.advance(1);
            done
        })
        .collect::<Result<_>>()?;
    let mut report = StageReport::new(files.label);
    let mut written = Vec::new();
    for (shard, paths) in shards {
        report.merge(&shard);
        written.extend(paths);
    }
    Ok((ShardReport { stages: vec![report], ..ShardReport::default() }, written))
}

/// Applies the decisions to one file.
fn apply<P: Pass>(
    pass: &P,
    files: &PassFiles,
    shard: usize,
    decisions: &[P::Decision],
) -> Result<(StageReport, Vec<PathBuf>)> {
    let path = &files.outputs[shard];
    let mut output = AtomicFile::create(path).map_err(Error::io(path, "write"))?;
    let mut rejected = RejectedWriter::new(files.rejected, shard);
    let mut report = StageReport::new(files.label);
    for (document, decision) in read_documents(&files.inputs[shard])?.zip(decisions) {
        let document = document?;
        let bytes = document.bytes();
        report.input.add(bytes);
        match pass.apply(document, decision) {
            Verdict::Keep(mut document) => {
                document.refresh_counts();
                report.kept.add(document.bytes());
                let mut line =
                    serde_json::to_vec(&document).map_err(|error| Error::io(path, "write")(error.into()))?;
                line.push(b'\n');
                output.write_all(&line).map_err(Error::io(path, "write"))?;
            }
            Verdict::Drop(document, reason) => {
                report.drop(&reason.rule, bytes);
                rejected.write(&Rejected { stage: files.label.to_owned(), reason: *reason, document })?;
            }
        }
    }
    let mut written = rejected.finish()?;
    output.commit().map_err(Error::io(path, "write"))?;
    written.insert(0, path.clone());
    Ok((report, written))
}
