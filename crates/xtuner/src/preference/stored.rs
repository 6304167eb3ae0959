//! The reference's log-probabilities in a file: every row is read once, before the first step.

use std::ops::Range;
use std::path::Path;

use internlm_kit::context::RunContext;
use internlm_kit::{file, hash};
use internlm_model::decoder::Decoder;
use serde::{Deserialize, Serialize};

use super::reference::row_sums;
use super::rows::{PackedExamples, RowSums};
use crate::{Error, Result};

/// Rows that are read between two looks at the stop signal.
const CHUNK: usize = 32;

/// Content of the file.
#[derive(Deserialize, Serialize)]
struct Content {
    /// What the numbers were computed from.
    fingerprint: String,
    /// Natural logarithms: two for each example of each row.
    log_probabilities: Vec<RowSums>,
}

/// What computes the numbers, or finds them computed.
pub(super) struct Store<'a> {
    /// The model before training, without autodiff.
    pub(super) decoder: &'a Decoder,
    /// Identity of that model.
    pub(super) model: String,
    /// Folder of the file.
    pub(super) folder: &'a Path,
    /// Maximum number of tokens of one pass.
    pub(super) pass_tokens: usize,
    /// Stop signal and progress.
    pub(super) context: &'a RunContext,
}

impl Store<'_> {
    /// The numbers of every row of `packed`; `None` when a stop was requested before they were complete.
    ///
    /// They always come out of the file, so that a run that was interrupted computes with the bits of one that was not.
    ///
    /// # Errors
    /// Numbers that are not finite, and a file that cannot be read or written.
    pub(super) fn sums(&self, packed: &PackedExamples) -> Result<Option<Vec<RowSums>>> {
        let fingerprint = hash::sha256(format!("{} {} {}", self.model, packed.hash(), self.pass_tokens));
        // The fingerprint is in the name: files of other data or of another model stay as they are.
        let path = self.folder.join(format!("reference-{}.json", &fingerprint[..16]));
        if let Some(sums) = read(&path, &fingerprint, packed)? {
            return Ok(Some(sums));
        }
        let Some(log_probabilities) = self.compute(packed)? else { return Ok(None) };
        let content = Content { fingerprint, log_probabilities };
        let text = serde_json::to_string(&content).map_err(|error| unusable(&path, &error.to_string()))?;
        file::write(&path, text)?;
        let sums = read(&path, &content.fingerprint, packed)?;
        sums.map(Some).ok_or_else(|| unusable(&path, "other numbers than were written"))
    }

    fn compute(&self, packed: &PackedExamples) -> Result<Option<Vec<RowSums>>> {
        let rows = packed.rows().len();
        let progress = self.context.reporter.start("reference", "rows", rows as u64);
        let mut sums = Vec::with_capacity(rows);
        while sums.len() < rows {
            if self.context.stop.is_requested() {
                return Ok(None);
            }
            let range: Range<usize> = sums.len()..rows.min(sums.len() + CHUNK);
            let numbers: Vec<usize> = range.collect();
            sums.extend(row_sums(self.decoder, packed, &numbers, self.pass_tokens)?);
            progress.advance(numbers.len() as u64);
        }
        match sums.iter().position(|row| row.iter().flatten().any(|sum| !sum.is_finite())) {
            None => Ok(Some(sums)),
            Some(row) => {
                let found = format!("a log-probability that is not finite (row {})", row + 1);
                Err(Error::mismatch("the reference model", found, "finite ones"))
            }
        }
    }
}

/// The numbers in the file, when there is one with this fingerprint and the shape of `packed`.
fn read(path: &Path, fingerprint: &str, packed: &PackedExamples) -> Result<Option<Vec<RowSums>>> {
    if !path.is_file() {
        return Ok(None);
    }
    let content: Option<Content> = serde_json::from_slice(&file::read(path)?).ok();
    let fits = |content: &Content| {
        let sums = &content.log_probabilities;
        content.fingerprint == fingerprint
            && sums.len() == packed.rows().len()
            && sums.iter().enumerate().all(|(row, sums)| sums.len() == packed.examples_of(row))
    };
    Ok(content.filter(fits).map(|content| content.log_probabilities))
}

fn unusable(path: &Path, found: &str) -> Error {
    Error::mismatch(path.display().to_string(), found, "log-probabilities of the reference")
}

#[cfg(test)]
mod tests;
