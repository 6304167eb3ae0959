//! A picture of a page: its bytes as they are, its kind and its size.

use std::io::Cursor;

use image::{ImageFormat, ImageReader};

use crate::action::local::Failure;

/// A picture in a format that every office program shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Picture {
    pub(super) bytes: Vec<u8>,
    pub(super) kind: Kind,
    /// Width and height, pixels.
    pub(super) size: (u32, u32),
}

/// The format of a picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Png,
    Jpeg,
}

impl Kind {
    /// End of the file's name in the presentation.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
        }
    }
}

impl Picture {
    /// Reads the kind and the size of a picture.
    pub(super) fn read(bytes: Vec<u8>) -> Result<Self, Failure> {
        let wrong = |found: String| {
            Failure::arguments(format!("image: found {found}, expected a PNG or JPEG picture"))
        };
        let reader = ImageReader::new(Cursor::new(bytes.as_slice())).with_guessed_format();
        let reader = reader.map_err(|error| wrong(error.to_string()))?;
        let kind = match reader.format() {
            Some(ImageFormat::Png) => Kind::Png,
            Some(ImageFormat::Jpeg) => Kind::Jpeg,
            Some(other) => return Err(wrong(format!("a picture of the kind {other:?}"))),
            None => return Err(wrong("a file of another kind".to_owned())),
        };
        let size = reader.into_dimensions().map_err(|error| wrong(error.to_string()))?;
        match size {
            (0, _) | (_, 0) => Err(wrong("an empty picture".to_owned())),
            size => Ok(Self { bytes, kind, size }),
        }
    }

    /// The largest width and height of the same shape within a box.
    pub(super) fn fitted(&self, width: u64, height: u64) -> (u64, u64) {
        let (across, down) = (u64::from(self.size.0), u64::from(self.size.1));
        let scaled = width * down / across;
        if scaled <= height { (width, scaled.max(1)) } else { ((height * across / down).max(1), height) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_keep_their_shape() {
        let picture = |size| Picture { bytes: Vec::new(), kind: Kind::Png, size };
        assert_eq!(picture((200, 100)).fitted(1000, 1000), (1000, 500));
        assert_eq!(picture((100, 200)).fitted(1000, 1000), (500, 1000));
        assert_eq!(picture((u32::MAX, 1)).fitted(1000, 1000), (1000, 1));
        let message = Picture::read(b"text".to_vec()).expect_err("a text").message;
        assert_eq!(message, "image: found a file of another kind, expected a PNG or JPEG picture");
    }
}
