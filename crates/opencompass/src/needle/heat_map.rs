//! [`HeatMap`]: the picture of a [`DepthMatrix`].

use super::matrix::DepthMatrix;
use super::picture::{Anchor, Area, Color, Label, Picture};
use crate::Result;

const CELL_WIDTH: u32 = 84;
const CELL_HEIGHT: u32 = 36;
const LEFT: u32 = 96;
const TOP: u32 = 64;
const BOTTOM: u32 = 56;
/// Room for the color scale at the right.
const RIGHT: u32 = 120;
/// Distance of labels from the edges of the picture.
const MARGIN: u32 = 8;

/// Colors at 0, 50 and 100: upstream's.
const SCALE: [Color; 3] = [[0xf0, 0x49, 0x6e], [0xeb, 0xb8, 0x39], [0x0c, 0xd7, 0x9f]];
/// Color of a cell without a score.
const EMPTY: Color = [0xdd, 0xdd, 0xdd];

/// Draws a matrix: lengths from left to right, depths from top to bottom, each cell with its number. The colors always
/// mean 0 to 100, so that pictures can be compared.
///
/// ```
/// use opencompass::needle::{DepthMatrix, HeatMap};
/// let matrix = DepthMatrix::new([(1000, 0, 100.0), (1000, 50, 12.5)]);
/// let svg = HeatMap::new(&matrix, "single, en").svg();
/// assert!(svg.contains(">12.5</text>") && svg.contains("#0cd79f"));
/// ```
#[derive(Clone, Debug)]
pub struct HeatMap {
    picture: Picture,
}

impl HeatMap {
    /// Lays a matrix out under a title.
    #[must_use]
    pub fn new(matrix: &DepthMatrix, title: &str) -> Self {
        let (columns, rows) = (matrix.lengths().len() as u32, matrix.depths().len() as u32);
        let overall = matrix.overall().map_or_else(String::new, |mean| format!(", mean {mean:.1}"));
        let text = format!("{title}{overall}");
        let title = Label { left: MARGIN, middle: 20, anchor: Anchor::Start, text };
        let right = LEFT + columns * CELL_WIDTH;
        let mut picture = Picture {
            // A title that is longer than the map is wide makes the picture wider.
            width: (right + RIGHT).max(title.left + title.width() + MARGIN),
            height: TOP + rows * CELL_HEIGHT + BOTTOM,
            ..Picture::default()
        };
        picture.labels.push(title);
        cells(&mut picture, matrix);
        axes(&mut picture, matrix);
        scale(&mut picture, rows, right);
        Self { picture }
    }

    /// Writes the map as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        self.picture.svg()
    }

    /// Writes the map as PNG.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if there are more cells than a picture can hold.
    pub fn png(&self) -> Result<Vec<u8>> {
        self.picture.png()
    }
}

/// Left edge of a column.
fn column_left(column: usize) -> u32 {
    LEFT + column as u32 * CELL_WIDTH
}

/// Upper edge of a row.
fn row_top(row: usize) -> u32 {
    TOP + row as u32 * CELL_HEIGHT
}

fn cells(picture: &mut Picture, matrix: &DepthMatrix) {
    for (row, depth) in matrix.depths().iter().enumerate() {
        for (column, length) in matrix.lengths().iter().enumerate() {
            let mean = matrix.mean(*length, *depth);
            let (left, top) = (column_left(column), row_top(row));
            // One pixel of white between cells.
            let area = Area { left, top, width: CELL_WIDTH - 1, height: CELL_HEIGHT - 1 };
            picture.areas.push((area, mean.map_or(EMPTY, color)));
            if let Some(mean) = mean {
                let (left, middle) = (left + CELL_WIDTH / 2, top + CELL_HEIGHT / 2);
                picture.labels.push(Label {
                    left,
                    middle,
                    anchor: Anchor::Middle,
                    text: format!("{mean:.1}"),
                });
            }
        }
    }
}

fn axes(picture: &mut Picture, matrix: &DepthMatrix) {
    for (row, depth) in matrix.depths().iter().enumerate() {
        let middle = row_top(row) + CELL_HEIGHT / 2;
        picture.labels.push(Label { left: LEFT - 8, middle, anchor: Anchor::End, text: format!("{depth}%") });
    }
    let bottom = row_top(matrix.depths().len());
    for (column, length) in matrix.lengths().iter().enumerate() {
        let left = column_left(column) + CELL_WIDTH / 2;
        picture.labels.push(Label {
            left,
            middle: bottom + 14,
            anchor: Anchor::Middle,
            text: length.to_string(),
        });
    }
    let text =
        |left, middle, text: &str| Label { left, middle, anchor: Anchor::Start, text: text.to_owned() };
    picture.labels.push(text(MARGIN, TOP - 16, "depth"));
    picture.labels.push(text(LEFT, bottom + 38, "length in tokens"));
}

/// Draws the color scale with its numbers, `right` of the map.
fn scale(picture: &mut Picture, rows: u32, right: u32) {
    let steps = 50;
    let height = (rows * CELL_HEIGHT).max(100) / steps * steps;
    picture.height = picture.height.max(TOP + height + BOTTOM);
    let left = right + 24;
    for step in 0..steps {
        let share = 100.0 - 100.0 * (f64::from(step) + 0.5) / f64::from(steps);
        let area = Area { left, top: TOP + step * height / steps, width: 20, height: height / steps };
        picture.areas.push((area, color(share)));
    }
    for number in [100, 75, 50, 25, 0] {
        let middle = TOP + height * (100 - number) / 100;
        picture.labels.push(Label {
            left: left + 28,
            middle,
            anchor: Anchor::Start,
            text: number.to_string(),
        });
    }
}

/// The color of a score between 0 and 100; scores outside have the color of the nearer end.
fn color(score: f64) -> Color {
    let place = score.clamp(0.0, 100.0) / 50.0;
    let from = if place < 1.0 { 0 } else { 1 };
    let share = place - from as f64;
    let mut mixed = [0; 3];
    for (part, mixed) in mixed.iter_mut().enumerate() {
        let (low, high) = (f64::from(SCALE[from][part]), f64::from(SCALE[from + 1][part]));
        *mixed = (low + share * (high - low)).round() as u8;
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_fixed() {
        for (score, expected) in [(0.0, SCALE[0]), (50.0, SCALE[1]), (100.0, SCALE[2]), (-5.0, SCALE[0])] {
            assert_eq!(color(score), expected, "{score}");
        }
        assert_eq!(color(250.0), SCALE[2]);
    }

    #[test]
    fn both_forms_have_every_number() {
        let matrix = DepthMatrix::new([(1000, 0, 100.0), (2000, 100, 12.5)]);
        let map = HeatMap::new(&matrix, "a < b");
        let svg = map.svg();
        for text in ["a &lt; b, mean 56.2", ">100.0<", ">12.5<", ">1000<", ">2000<", ">100%<", "#dddddd"] {
            assert!(svg.contains(text), "{text}");
        }
        let png = map.png().expect("a small picture");
        let pixels = image::load_from_memory(&png).expect("a PNG").to_rgb8();
        assert_eq!(pixels.dimensions(), (LEFT + 2 * CELL_WIDTH + RIGHT, map.picture.height));
        assert_eq!(pixels.get_pixel(LEFT + 1, TOP + 1).0, SCALE[2]);
        assert_eq!(map.picture.labels[0].left, MARGIN);
        let black = pixels.pixels().filter(|pixel| pixel.0 == [0, 0, 0]).count();
        assert!(black > 500, "{black}");
    }

    #[test]
    fn a_long_title_widens_the_picture() {
        let matrix = DepthMatrix::new([(1000, 0, 100.0)]);
        let title = "a-model-with-a-long-name on a-needle-set-with-a-long-name";
        let map = HeatMap::new(&matrix, title);
        let label = &map.picture.labels[0];
        assert!(label.text.starts_with(title) && map.picture.width >= label.left + label.width() + MARGIN);
        // The map itself stays where it is.
        assert_eq!(map.picture.areas, HeatMap::new(&matrix, "a").picture.areas);
    }
}
