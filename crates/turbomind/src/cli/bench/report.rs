//! [`Report`]: the bench's JSON object and table.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::Engine;
use crate::cli::process;

/// The sizes of a measurement, as the options give them.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Sizes {
    pub(super) prompt: usize,
    #[serde(rename = "gen")]
    pub(super) steps: usize,
    pub(super) depth: usize,
    pub(super) batch: usize,
}

/// Rates of one round, summed over the sequences.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Round {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prefill_tok_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decode_tok_s: Option<f64>,
}

/// The answer; a rate that was not measured is left out.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    engine: &'static str,
    version: &'static str,
    isa: &'static str,
    model: String,
    /// Size of the file or folder, 10^6 bytes.
    model_mb: f64,
    threads: usize,
    #[serde(flatten)]
    pub(super) sizes: Sizes,
    kv: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prefill_tok_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decode_tok_s: Option<f64>,
    pub(super) rounds: Vec<Round>,
    pub(super) load_s: f64,
    /// Resident after loading and one short pass, 2^20 bytes.
    pub(super) rss_mb: f64,
    /// Peak of the resident memory, 2^20 bytes.
    pub(super) rss_peak_mb: f64,
    /// Pool of keys and values, 10^6 bytes.
    kv_mb: f64,
    /// Tiles of all matrices, 10^6 bytes.
    repack_mb: f64,
    /// What the threads reach in a loop of dot products alone, 10^9 multiply-adds per second.
    pub(super) peak_gmac_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prefill_gmac_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decode_gmac_s: Option<f64>,
    /// Weights read while decoding, 10^9 bytes per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decode_gb_s: Option<f64>,
    pub(super) cpu_s: f64,
    pub(super) wall_s: f64,
}

impl Report {
    /// Fills in what is known before measuring.
    pub(super) fn new(model: &Path, sizes: Sizes, engine: &mut Engine) -> Self {
        let memory = engine.memory();
        Self {
            engine: "turbomind",
            version: env!("CARGO_PKG_VERSION"),
            isa: engine.isa().name(),
            model: model.file_name().unwrap_or(model.as_os_str()).to_string_lossy().into_owned(),
            model_mb: process::file_bytes(model) as f64 / 1e6,
            threads: engine.threads(),
            sizes,
            kv: engine.kv_config().format.name(),
            prefill_tok_s: None,
            decode_tok_s: None,
            rounds: Vec::new(),
            load_s: 0.0,
            rss_mb: 0.0,
            rss_peak_mb: 0.0,
            kv_mb: memory.kv as f64 / 1e6,
            repack_mb: memory.repacked as f64 / 1e6,
            peak_gmac_s: 0.0,
            prefill_gmac_s: None,
            decode_gmac_s: None,
            decode_gb_s: None,
            cpu_s: 0.0,
            wall_s: 0.0,
        }
    }

    /// Rounds all numbers to three decimals.
    pub(super) fn round(&mut self) {
        let rates = self
            .rounds
            .iter_mut()
            .flat_map(|round| [&mut round.prefill_tok_s, &mut round.decode_tok_s].into_iter().flatten());
        let maybe = [
            &mut self.prefill_tok_s,
            &mut self.decode_tok_s,
            &mut self.prefill_gmac_s,
            &mut self.decode_gmac_s,
            &mut self.decode_gb_s,
        ];
        let always = [
            &mut self.model_mb,
            &mut self.load_s,
            &mut self.rss_mb,
            &mut self.rss_peak_mb,
            &mut self.kv_mb,
            &mut self.repack_mb,
            &mut self.peak_gmac_s,
            &mut self.cpu_s,
            &mut self.wall_s,
        ];
        for value in rates.chain(maybe.into_iter().flatten()).chain(always) {
            *value = (*value * 1e3).round() / 1e3;
        }
    }

    /// Writes one line per entry of the JSON object.
    pub(super) fn write_table(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let value = serde_json::to_value(self)?;
        let entries = value.as_object().into_iter().flatten();
        for (name, value) in entries.filter(|(name, _)| *name != "rounds") {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            writeln!(out, "{name:<16} {value}")?;
        }
        Ok(())
    }
}

/// The middle value, or the mean of the middle two; `None` of nothing.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        length if length.is_multiple_of(2) => Some(f64::midpoint(values[half - 1], values[half])),
        _ => Some(values[half]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }
}
