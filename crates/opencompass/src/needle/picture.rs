//! A picture of rectangles and labels, as SVG and as PNG.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use super::font;
use super::haystack::value;
use crate::Result;

/// Size of a dot of the font in pixels.
const DOT: u32 = 2;
/// Pixels from one letter to the next.
const ADVANCE: u32 = (font::WIDTH + 1) * DOT;

/// Red, green and blue.
pub(super) type Color = [u8; 3];

/// A filled rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    /// Distance from the left in pixels.
    pub(super) left: u32,
    /// Distance from the top in pixels.
    pub(super) top: u32,
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
}

/// Which part of a label is at its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Anchor {
    /// The left end.
    Start,
    /// The middle.
    Middle,
    /// The right end.
    End,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Label {
    /// Distance from the left in pixels.
    pub(super) left: u32,
    /// Distance of the middle of the letters from the top in pixels.
    pub(super) middle: u32,
    /// What is at this place.
    pub(super) anchor: Anchor,
    /// The text.
    pub(super) text: String,
}

/// A picture before it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Picture {
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// Rectangles in the order in which they are drawn.
    pub(super) areas: Vec<(Area, Color)>,
    /// Labels above them, in black.
    pub(super) labels: Vec<Label>,
}

impl Label {
    /// Returns the width of the text in pixels, in the letters of the PNG; those of an SVG are narrower.
    pub(super) fn width(&self) -> u32 {
        self.text.chars().count() as u32 * ADVANCE
    }
}

impl Picture {
    /// Writes the picture as SVG.
    pub(super) fn svg(&self) -> String {
        let (width, height) = (self.width, self.height);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"14\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        for (Area { left, top, width, height }, [red, green, blue]) in &self.areas {
            svg.push_str(&format!(
                "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" \
                 fill=\"#{red:02x}{green:02x}{blue:02x}\"/>\n"
            ));
        }
        for Label { left, middle, anchor, text } in &self.labels {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            svg.push_str(&format!(
                "<text x=\"{left}\" y=\"{middle}\" text-anchor=\"{anchor}\" dominant-baseline=\"central\">{}</text>\n",
                escaped(text)
            ));
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// Writes the picture as PNG, with letters of our own.
    pub(super) fn png(&self) -> Result<Vec<u8>> {
        let mut pixels = RgbImage::from_pixel(self.width.max(1), self.height.max(1), Rgb([255, 255, 255]));
        for (area, color) in &self.areas {
            fill(&mut pixels, *area, *color);
        }
        for label in &self.labels {
            draw(&mut pixels, label);
        }
        let mut bytes = Cursor::new(Vec::new());
        pixels
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(|error| value("picture", error.to_string(), "pixels that a PNG can hold"))?;
        Ok(bytes.into_inner())
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Fills the part of a rectangle that is inside of the picture.
fn fill(pixels: &mut RgbImage, area: Area, color: Color) {
    let right = (area.left + area.width).min(pixels.width());
    let bottom = (area.top + area.height).min(pixels.height());
    for y in area.top..bottom {
        for x in area.left..right {
            pixels.put_pixel(x, y, Rgb(color));
        }
    }
}

fn draw(pixels: &mut RgbImage, label: &Label) {
    let width = label.width();
    let mut left = match label.anchor {
        Anchor::Start => label.left,
        Anchor::Middle => label.left.saturating_sub(width / 2),
        Anchor::End => label.left.saturating_sub(width),
    };
    let top = label.middle.saturating_sub(font::HEIGHT * DOT / 2);
    for letter in label.text.chars() {
        for (row, bits) in font::glyph(letter).into_iter().enumerate() {
            for column in (0..font::WIDTH).filter(|column| (bits >> (font::WIDTH - 1 - column)) & 1 == 1) {
                let dot =
                    Area { left: left + column * DOT, top: top + row as u32 * DOT, width: DOT, height: DOT };
                fill(pixels, dot, [0, 0, 0]);
            }
        }
        left += ADVANCE;
    }
}
