//! [`Stored`]: one tensor of an adapter file, as numbers and, where the file is narrower, as its bytes.

use std::borrow::Cow;

use internlm_model::weights::{Encoding, TensorInfo};

/// Shape and values of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    /// Sizes, outermost first.
    pub(super) shape: Vec<usize>,
    /// The values, row-major.
    pub(super) values: Vec<f32>,
    /// What a file of another type than f32 holds; it is written back as it is.
    narrow: Option<Narrow>,
}

/// The bytes of a tensor in their own type.
#[derive(Clone, Debug, PartialEq)]
struct Narrow {
    encoding: Encoding,
    bytes: Vec<u8>,
}

impl Stored {
    /// A tensor that is written in f32.
    pub(super) fn new(shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { shape, values, narrow: None }
    }

    /// A tensor of a file, which is written back with the same bytes.
    pub(super) fn read(info: TensorInfo, values: Vec<f32>, bytes: &[u8]) -> Self {
        let TensorInfo { shape, encoding } = info;
        let narrow = (encoding != Encoding::F32).then(|| Narrow { encoding, bytes: bytes.to_vec() });
        Self { shape, values, narrow }
    }

    /// Shape and type in the file.
    pub(super) fn info(&self) -> TensorInfo {
        let encoding = self.narrow.as_ref().map_or(Encoding::F32, |narrow| narrow.encoding);
        TensorInfo { shape: self.shape.clone(), encoding }
    }

    /// The bytes in the file.
    pub(super) fn bytes(&self) -> Cow<'_, [u8]> {
        match &self.narrow {
            Some(narrow) => Cow::Borrowed(&narrow.bytes),
            None => Cow::Owned(self.values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        }
    }
}
