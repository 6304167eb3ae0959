//! Mode `cut`: the documents of a file are one stream, cut every `packed_length` tokens.
//!
//! Follows `PackedDatasetWithCut` of InternLM/InternEvo@c628a8c: the last token before a cut inside a document
//! keeps its label, the document's next token; the last token of a document has none; samples begin at
//! each document and every `seq_len` tokens; the tail of a file that does not fill a row is dropped. Unlike
//! upstream the order of the documents is counter-based, and id 0 may be a label.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use internlm_kit::rng::CounterRng;
use internlm_model::TokenId;
use wanjuan_data::shard::{Shard, ShardFolder};

use super::Row;
use crate::{Error, Result};

/// Parsed documents kept in memory, in tokens: 128 MiB of ids.
const CACHE_TOKENS: usize = 32 << 20;

/// Shape of the rows that a [`CutPacker`] cuts, in tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PackShape {
    /// Length of every row.
    pub packed_length: usize,
    /// Maximum length of a sample inside a row.
    pub seq_len: usize,
    /// Minimum length of a document; shorter ones are dropped and counted.
    pub min_length: usize,
}

/// Random access to the rows of a folder of shards.
#[derive(Debug)]
pub struct CutPacker {
    files: Vec<PackedFile>,
    shape: PackShape,
    vocab: usize,
    cache: HashMap<(usize, usize), Arc<[i32]>>,
    cached_tokens: usize,
    dropped: u64,
}

/// One shard as a stream of documents.
#[derive(Debug)]
struct PackedFile {
    shard: Shard,
    /// Documents in packing order.
    order: Vec<u32>,
    /// Stream offset of the end of each document in that order.
    ends: Vec<u64>,
    /// Index of the first row of this file among all rows.
    first_row: usize,
    rows: usize,
}

impl CutPacker {
    /// Indexes the shards of `folder`; documents are read when a row asks for them.
    ///
    /// # Errors
    /// Shards that cannot be opened, and [`Error::Mismatch`] when they do not fill a single row.
    pub fn open(dir: impl AsRef<Path>, shape: PackShape, vocab: usize, seed: u64) -> Result<Self> {
        let dir = dir.as_ref();
        let folder = ShardFolder::open(dir)?;
        let rng = CounterRng::new(seed, "documents");
        let (mut files, mut first_row, mut dropped, mut tokens) = (Vec::new(), 0, 0, 0);
        for (index, (_, path)) in folder.files().enumerate() {
            let shard = Shard::open(path)?;
            let order = rng.split(index as u64).permutation(shard.documents());
            let kept =
                order.iter().filter(|document| shard.token_count(**document) >= shape.min_length.max(1));
            let order: Vec<u32> = kept.map(|document| *document as u32).collect();
            dropped += (shard.documents() - order.len()) as u64;
            let mut end = 0;
            let count = |document: &u32| shard.token_count(*document as usize) as u64;
            let ends: Vec<u64> = order
                .iter()
                .map(|document| {
                    end += count(document);
                    end
                })
                .collect();
            let rows = (end / shape.packed_length as u64) as usize;
            files.push(PackedFile { shard, order, ends, first_row, rows });
            first_row += rows;
            tokens += end;
        }
        if first_row == 0 {
            let found = format!("{tokens} tokens in documents of at least {} tokens", shape.min_length);
            let expected = format!("at least one row of {} tokens in one file", shape.packed_length);
            return Err(Error::mismatch(dir.display().to_string(), found, expected));
        }
        Ok(Self { files, shape, vocab, cache: HashMap::new(), cached_tokens: 0, dropped })
    }

    /// Number of rows in all shards; the tail of a shard that does not fill a row is left out.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.files.last().map_or(0, |file| file.first_row + file.rows)
    }

    /// Number of documents that were dropped because they are shorter than the minimum.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Number of tokens of all documents that were kept.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.files.iter().filter_map(|file| file.ends.last()).sum()
    }

    /// Cuts row number `index`, from 0.
    ///
    /// # Errors
    /// A damaged shard, or an id outside the vocabulary: file and document are named.
    ///
    /// # Panics
    /// When `index >= rows()`.
    pub fn row(&mut self, index: usize) -> Result<Row> {
        let number = self.files.partition_point(|file| file.first_row + file.rows <= index);
        let length = self.shape.packed_length as u64;
        let start = (index - self.files[number].first_row) as u64 * length;
        let file = &self.files[number];
        let first = file.ends.partition_point(|end| *end <= start);
        let pieces: Vec<(u32, u64, u64)> = (first..file.order.len())
            .map(|place| (file.order[place], place.checked_sub(1).map_or(0, |before| file.ends[before])))
            .take_while(|(_, begin)| *begin < start + length)
            .map(|(document, begin)| (document, begin.max(start) - begin, start + length - begin))
            .collect();
        let mut row = Row { cu_seqlens: vec![0], ..Row::default() };
        for (document, from, to) in pieces {
            let tokens = self.document(number, document as usize)?;
            push_piece(&mut row, &tokens, from as usize, (to as usize).min(tokens.len()), self.shape.seq_len);
        }
        Ok(row)
    }

    /// The ids of one document, checked against the vocabulary.
    fn document(&mut self, file: usize, document: usize) -> Result<Arc<[i32]>> {
        if let Some(tokens) = self.cache.get(&(file, document)) {
            return Ok(Arc::clone(tokens));
        }
        let shard = &self.files[file].shard;
        let tokens: Arc<[i32]> = read_document(shard, document, self.vocab)?.into();
        if self.cached_tokens + tokens.len() <= CACHE_TOKENS {
            self.cached_tokens += tokens.len();
            self.cache.insert((file, document), Arc::clone(&tokens));
        }
        Ok(tokens)
    }
}

/// The tokens of a document, every one of them an id below `vocab` (or the negative of one).
///
/// # Errors
/// A damaged shard, or [`Error::TokenOutOfVocab`].
pub(crate) fn read_document(shard: &Shard, document: usize, vocab: usize) -> Result<Vec<i32>> {
    let tokens = shard.read(document)?;
    match tokens.iter().find(|token| token.unsigned_abs() as usize >= vocab) {
        Some(token) => {
            let (path, found) = (shard.path().to_path_buf(), i64::from(*token));
            Err(Error::TokenOutOfVocab { path, document, found, vocab })
        }
        None => Ok(tokens),
    }
}

/// Appends `tokens[from..to]` of one document as samples of at most `seq_len` tokens.
pub(crate) fn push_piece(row: &mut Row, tokens: &[i32], from: usize, to: usize, seq_len: usize) {
    row.ids.extend(tokens[from..to].iter().map(|token| TokenId(token.unsigned_abs())));
    // The label of a token is the document's next one, also across a cut; a negative id is never a label.
    row.labels.extend(
        (from..to).map(|place| tokens.get(place + 1).and_then(|next| u32::try_from(*next).ok()).map(TokenId)),
    );
    let start = row.ids.len() - (to - from);
    let inner = (start + seq_len..row.ids.len()).step_by(seq_len);
    row.cu_seqlens.extend(inner.chain([row.ids.len()]));
}
