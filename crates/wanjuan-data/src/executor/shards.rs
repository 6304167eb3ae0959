//! Document stages over shards: whole files, and parts of large archives that are joined without a seam.
//!
//! A part starts at the first place in its range that looks like a member with a record. Should that be inside
//! of another record (an archive in an archive), then the part before ends elsewhere: that part is done again
//! from there, so that the documents are those of one reader in any case.

use std::path::Path;
use std::time::Instant;

use internlm_kit::progress::Progress;
use rayon::prelude::*;

use super::kernel::{ShardInput, ShardSpec, run_shard};
use super::manifest::{Artifact, UnitRecord};
use super::pipeline::{Runner, Unit, hash, report};
use super::shard_report::ShardReport;
use crate::read::{ArchivePart, PartStart, WarcReader};
use crate::{Result, StageConfig};

/// One of several workers that share the units of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    /// Number of the worker, from 0.
    pub rank: usize,
    /// How many workers there are.
    pub world: usize,
}

impl Share {
    fn has(self, unit: usize) -> bool {
        unit % self.world == self.rank
    }
}

/// The shards of one segment.
struct Shards<'a> {
    segment: String,
    stages: &'a [(String, StageConfig)],
    shards: Vec<Shard<'a>>,
}

#[derive(Clone, Copy)]
struct Shard<'a> {
    index: usize,
    input: &'a Artifact,
    /// How documents name the archive; `None` when the input is jsonl.
    name: Option<&'a String>,
    part: Option<ArchivePart>,
}

impl Runner<'_> {
    /// Document stages: one unit per shard. `names` is empty when the inputs are jsonl. With a share, only its
    /// units are done.
    pub(super) fn stages(
        &self,
        number: usize,
        stages: &[(String, StageConfig)],
        inputs: &[Artifact],
        names: &[String],
        share: Option<Share>,
    ) -> Result<Vec<UnitRecord>> {
        let segment = format!("{number:02}-{}", stages[0].0);
        let all = Shards { segment, stages, shards: self.shards(inputs, names)? };
        let chosen: Vec<&Shard> =
            all.shards.iter().filter(|shard| share.is_none_or(|share| share.has(shard.index))).collect();
        let progress = Progress::new(&all.segment, "shards", chosen.len() as u64);
        let started = Instant::now();
        let mut records = chosen
            .par_iter()
            .with_max_len(1)
            .map(|shard| {
                let done = self.shard(&all, **shard);
                progress.advance(1);
                done
            })
            .collect::<Result<Vec<_>>>()?;
        if share.is_none() {
            self.join(&all, &mut records)?;
        }
        drop(progress);
        let seconds = started.elapsed().as_secs_f64();
        tracing::info!(shards = chosen.len(), seconds = format!("{seconds:.1}"), "{}", all.segment);
        Ok(records)
    }

    /// The shards of a segment: an archive that can be split is cut every `import.split-bytes`.
    fn shards<'a>(&self, inputs: &'a [Artifact], names: &'a [String]) -> Result<Vec<Shard<'a>>> {
        let mut shards = Vec::new();
        let size = self.config.import.split_bytes;
        for (place, input) in inputs.iter().enumerate() {
            let name = names.get(place);
            let whole = Shard { index: shards.len(), input, name, part: None };
            let path = self.config.output.join(&input.path);
            if name.is_none() || input.bytes <= size || !WarcReader::open(&path)?.is_splittable() {
                shards.push(whole);
                continue;
            }
            for start in (0..input.bytes).step_by(usize::try_from(size).unwrap_or(usize::MAX)) {
                let end = start.saturating_add(size).min(input.bytes);
                let part = Some(ArchivePart { start: PartStart::Search(start), end });
                shards.push(Shard { index: shards.len(), part, ..whole });
            }
        }
        Ok(shards)
    }

    fn shard(&self, all: &Shards, shard: Shard) -> Result<UnitRecord> {
        let Shard { index, input, name, part } = shard;
        let path = self.config.output.join(&input.path);
        let dump = &self.config.import.dump;
        let kind = match name {
            Some(name) => ShardInput::Warc { path, name: name.clone(), dump: dump.clone(), part },
            None => ShardInput::Jsonl(path),
        };
        let output = format!("work/{}/{index:05}.jsonl", all.segment);
        let spec = ShardSpec {
            index,
            input: kind,
            stages: all.stages.to_vec(),
            output: self.config.output.join(Path::new(&output)),
            rejected: self.rejected(),
        };
        let key = hash(&(
            env!("CARGO_PKG_VERSION"),
            all.stages,
            dump,
            name,
            &input.sha256,
            part,
            self.config.write_rejected,
        ));
        self.unit(&Unit { segment: all.segment.clone(), index, key }, || run_shard(&spec))
    }

    /// Checks that every part begins where the one before ended, and does those again that do not.
    fn join(&self, all: &Shards, records: &mut [UnitRecord]) -> Result<()> {
        let mut expected = 0;
        for (shard, record) in all.shards.iter().zip(records) {
            let Some(part) = shard.part else { continue };
            if part.start == PartStart::Search(0) {
                expected = 0;
            }
            let mut span = report::<ShardReport>(record)?.part;
            let fits = match span.and_then(|span| span.start) {
                Some(start) => start == expected,
                None => expected >= part.end,
            };
            if !fits {
                tracing::debug!(segment = all.segment, unit = shard.index, expected, "part begins elsewhere");
                let part = Some(ArchivePart { start: PartStart::At(expected), ..part });
                *record = self.shard(all, Shard { part, ..*shard })?;
                span = report::<ShardReport>(record)?.part;
            }
            expected = span.filter(|span| span.start.is_some()).map_or(expected, |span| span.end);
        }
        Ok(())
    }
}
