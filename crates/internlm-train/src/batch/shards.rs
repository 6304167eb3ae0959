//! [`ShardRows`]: the rows of a folder of InternEvo shards in sampler order.

use std::path::{Path, PathBuf};

use internlm_kit::file::AtPath;
use internlm_kit::hash;
use wanjuan_data::shard::ShardFolder;

use super::pack::PackShape;
use super::{CutPacker, Row, RowSource, Sampler};
use crate::Result;

/// Which shards are read and how they are cut into rows.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ShardRowsConfig {
    /// Folder of shards with one subfolder per data type, such as `en/`.
    pub dir: PathBuf,
    /// Maximum length of a sample inside a row, in tokens.
    pub seq_len: usize,
    /// A row has `micro_bsz * seq_len` tokens, default 1.
    pub micro_bsz: usize,
    /// Number of rows in a step, default 1.
    pub micro_num: usize,
    /// Documents with fewer tokens are dropped, default 0.
    pub min_length: usize,
    /// Number of ids that the model has embeddings for: larger ids are errors.
    pub vocab: usize,
    /// Seed of both orders, that of the documents and that of the rows; default 42.
    pub seed: u64,
}

impl ShardRowsConfig {
    /// One row of `seq_len` tokens per step from the shards in `dir`, for a model with `vocab` embeddings.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, seq_len: usize, vocab: usize) -> Self {
        Self { dir: dir.into(), seq_len, micro_bsz: 1, micro_num: 1, min_length: 0, vocab, seed: 42 }
    }

    /// The same rows, `micro_num` of them in a step.
    #[must_use]
    pub fn with_micro_num(self, micro_num: usize) -> Self {
        Self { micro_num, ..self }
    }

    /// The same rows in the order of `seed`.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// Rows that a [`CutPacker`] cuts from shards, in the order of a [`Sampler`].
#[derive(Debug)]
pub struct ShardRows {
    packer: CutPacker,
    sampler: Sampler,
    fingerprint: String,
}

impl ShardRows {
    /// Indexes the shards; documents are read when a step asks for them.
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

    /// Access to the rows by number, for sizes and counts.
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
        let length = std::fs::metadata(path).at(path, "read")?.len();
        let hash = hash::sha256_file(&meta)?;
        let name = path.strip_prefix(dir).unwrap_or(path).display();
        text.push_str(&format!("{kind} {name} {length} {hash}\n"));
    }
    Ok(hash::sha256(&text)[..16].to_owned())
}
