//! [`ShardRows`]: the rows of a folder of InternEvo shards in sampler order.

use std::path::{Path, PathBuf};

use internlm_kit::atomic;
use wanjuan_data::shard::ShardFolder;

use super::pack::PackShape;
use super::{CutPacker, Row, RowSource, Sampler};
use crate::{Error, Result};

/// What to read and how to cut it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShardRowsConfig {
    /// Folder of type folders of shards.
    pub dir: PathBuf,
    /// Longest sample inside a row.
    pub seq_len: usize,
    /// Tokens of a row are `micro_bsz * seq_len`.
    pub micro_bsz: usize,
    /// Rows of a step.
    pub micro_num: usize,
    /// Shorter documents are dropped.
    pub min_length: usize,
    /// The model's vocabulary: larger ids are errors.
    pub vocab: usize,
    /// Seed of both orders, documents and rows.
    pub seed: u64,
}

/// Rows cut from shards, drawn by a [`Sampler`].
#[derive(Debug)]
pub struct ShardRows {
    packer: CutPacker,
    sampler: Sampler,
    fingerprint: String,
}

impl ShardRows {
    /// Indexes the shards.
    ///
    /// # Errors
    /// A missing or empty folder, damaged `.meta` files, or too few tokens for one row.
    pub fn open(config: &ShardRowsConfig) -> Result<Self> {
        let shape = PackShape {
            packed_length: config.micro_bsz * config.seq_len,
            seq_len: config.seq_len,
            min_length: config.min_length,
        };
        let packer = CutPacker::open(&config.dir, shape, config.vocab, config.seed)?;
        let sampler = Sampler::new(config.seed, packer.rows(), config.micro_num);
        let fingerprint = format!(
            "{} seq-len {} micro-bsz {} micro-num {} min-length {} seed {}",
            folder_fingerprint(&config.dir)?,
            config.seq_len,
            config.micro_bsz,
            config.micro_num,
            config.min_length,
            config.seed
        );
        Ok(Self { packer, sampler, fingerprint })
    }

    /// The rows, for sizes and counts.
    #[must_use]
    pub fn packer(&self) -> &CutPacker {
        &self.packer
    }
}

impl RowSource for ShardRows {
    fn batch(&mut self, step: u64) -> Result<Vec<Row>> {
        self.sampler.step(step).into_iter().map(|row| self.packer.row(row)).collect()
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn epoch(&self, step: u64) -> f64 {
        self.sampler.epoch(step)
    }
}

/// Hash over names, lengths and `.meta` of all shards. The `.bin` contents enter through their lengths and
/// through the offsets and counts of the `.meta`: hashing terabytes at every start would cost hours.
fn folder_fingerprint(dir: &Path) -> Result<String> {
    let folder = ShardFolder::open(dir)?;
    let mut text = String::new();
    for (kind, path) in folder.files() {
        let mut meta = path.as_os_str().to_owned();
        meta.push(".meta");
        let meta = PathBuf::from(meta);
        let length = std::fs::metadata(path).map_err(Error::io(path, "read"))?.len();
        let hash = atomic::sha256_file(&meta).map_err(Error::io(&meta, "read"))?;
        let name = path.strip_prefix(dir).unwrap_or(path).display();
        text.push_str(&format!("{kind} {name} {length} {hash}\n"));
    }
    Ok(atomic::sha256(text.as_bytes())[..16].to_owned())
}
