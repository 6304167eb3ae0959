//! Heat maps of needle sets: scores by length and depth, as CSV, SVG and PNG.

use internlm_kit::file;

use super::RunFolder;
use crate::dataset::Dataset;
use crate::needle::{DepthMatrix, HeatMap};
use crate::score::Detail;
use crate::{CellResult, CellState, Result};

impl RunFolder {
    /// Writes `plots/MODEL-DATASET.{csv,svg,png}` for a cell whose rows have a `length` and a `depth`. Other cells have no
    /// plots.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File); [`Error::Value`](crate::Error::Value) for more cells than a picture holds.
    pub(super) fn write_heat_map(&self, model: &str, cell: &CellResult, dataset: &Dataset) -> Result<()> {
        let scores = scores(cell, dataset);
        if scores.is_empty() {
            return Ok(());
        }
        let matrix = DepthMatrix::new(scores);
        let name = &dataset.config.name;
        let map = HeatMap::new(&matrix, &format!("{model} on {name}"));
        let path = |extension: &str| self.path().join(format!("plots/{model}-{name}.{extension}"));
        file::write(path("csv"), matrix.csv())?;
        file::write(path("svg"), map.svg())?;
        Ok(file::write(path("png"), map.png()?)?)
    }
}

/// Returns length, depth and score in percent of every item; an item without an answer has zero. Empty if a row lacks its
/// place, or if no item has a score.
fn scores(cell: &CellResult, dataset: &Dataset) -> Vec<(usize, u32, f64)> {
    let CellState::Scored { predictions, scores, .. } = &cell.state else { return Vec::new() };
    if predictions.len() != scores.details.len() {
        return Vec::new();
    }
    let place = |item: usize| {
        let columns = &dataset.test.get(predictions[item].row)?.columns;
        let number = |name: &str| columns.get(name)?.as_u64();
        let (length, depth) = (number("length")?, number("depth")?);
        Some((usize::try_from(length).ok()?, u32::try_from(depth).ok()?))
    };
    let share = |detail: &Detail| detail.score.or(detail.correct.map(|correct| f64::from(u8::from(correct))));
    if scores.details.iter().all(|detail| share(detail).is_none()) {
        return Vec::new();
    }
    let of = |(item, detail): (usize, &Detail)| {
        let (length, depth) = place(item)?;
        Some((length, depth, 100.0 * share(detail).unwrap_or(0.0)))
    };
    scores.details.iter().enumerate().map(of).collect::<Option<_>>().unwrap_or_default()
}
