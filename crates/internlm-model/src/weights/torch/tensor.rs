//! [`TensorRef`]: a tensor as a place in the file, checked against it, and gathered into row-major bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use super::object::{Declared, Storage};
use crate::weights::TensorInfo;

/// The entries `data/<key>` of an archive: key -> byte range in the file.
pub(super) type Storages = BTreeMap<String, Range<usize>>;

/// A tensor of a [`TorchFile`](super::TorchFile): shape and encoding; the numbers stay in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorRef {
    info: TensorInfo,
    /// Distance between neighbors, in elements.
    strides: Vec<usize>,
    /// From the first byte of the first element to the last byte of the last one, in the file.
    span: Range<usize>,
}

impl TensorRef {
    /// Shape and encoding of the tensor, without reading its numbers.
    #[must_use]
    pub fn info(&self) -> &TensorInfo {
        &self.info
    }

    /// Byte range of the file that holds the numbers, not necessarily without gaps.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The row-major bytes, borrowed when the file has them in this order; `None` when `file` is shorter than the tensor's file.
    pub(super) fn read<'a>(&self, file: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let bytes = file.get(self.span())?;
        if self.is_contiguous() {
            return Some(Cow::Borrowed(bytes));
        }
        Some(Cow::Owned(match self.info.encoding.block() {
            (_, 1) => self.gather::<1>(bytes),
            (_, 2) => self.gather::<2>(bytes),
            (_, 4) => self.gather::<4>(bytes),
            _ => self.gather::<8>(bytes),
        }))
    }

    /// Whether the file has element after element: the stride of a dimension with one element does not matter.
    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&size, &stride) in self.info.shape.iter().zip(&self.strides).rev() {
            if size == 0 {
                return true;
            }
            if size > 1 && stride != expected {
                return false;
            }
            expected *= size;
        }
        true
    }

    /// The elements of `N` bytes each in row-major order.
    fn gather<const N: usize>(&self, bytes: &[u8]) -> Vec<u8> {
        let (elements, _) = bytes.as_chunks::<N>();
        let count: usize = self.info.shape.iter().product();
        let mut out: Vec<[u8; N]> = Vec::with_capacity(count);
        let dimensions: Vec<(usize, usize)> = self
            .info
            .shape
            .iter()
            .copied()
            .zip(self.strides.iter().copied())
            .filter(|&(n, _)| n > 1)
            .collect();
        // Without a dimension of two elements the tensor is contiguous, and never comes here.
        let Some((&(inner, stride), outer)) = dimensions.split_last() else { return bytes.to_vec() };
        let mut index = vec![0; outer.len()];
        let mut start = 0;
        while out.len() < count {
            if stride == 1 {
                out.extend_from_slice(&elements[start..start + inner]);
            } else {
                out.extend((0..inner).map(|step| elements[start + step * stride]));
            }
            // Counts up like an odometer, the last of the outer dimensions fastest.
            for (place, &(size, stride)) in index.iter_mut().zip(outer).rev() {
                *place += 1;
                start += stride;
                if *place < size {
                    break;
                }
                start -= size * stride;
                *place = 0;
            }
        }
        out.into_flattened()
    }
}

impl Declared<'_> {
    /// Checks the tensor against the archive: every element is inside its storage, and there are no more of them
    /// than the file has bytes.
    pub(super) fn place(&self, storages: &Storages, file_length: usize) -> Result<TensorRef, String> {
        let Storage { key, bytes: storage_length, .. } = self.storage;
        let Some(range) = storages.get(key) else {
            return Err(format!("storage data/{key}: missing in the archive"));
        };
        if storage_length > range.len() {
            let found = range.len();
            return Err(format!("storage data/{key}: found {found} bytes, expected {storage_length}"));
        }
        let (shape, strides) = (&self.shape, &self.strides);
        if shape.len() != strides.len() {
            return Err(format!("found strides {strides:?}, expected {} of them for {shape:?}", shape.len()));
        }
        let length = self.encoding.byte_length(shape);
        let Some(length) = length.filter(|&length| length <= file_length) else {
            return Err(format!(
                "shape {shape:?} of {}: found more bytes than the file has ({file_length})",
                self.encoding
            ));
        };
        let span = if length == 0 { Some(0..0) } else { self.span() };
        let Some(span) = span.filter(|span| span.end <= storage_length) else {
            return Err(format!(
                "shape {shape:?}, strides {strides:?}, offset {} of {} reach past storage data/{key} of \
                 {storage_length} bytes",
                self.offset, self.encoding
            ));
        };
        let span = range.start + span.start..range.start + span.end;
        let info = TensorInfo { shape: shape.clone(), encoding: self.encoding };
        Ok(TensorRef { info, strides: strides.clone(), span })
    }

    /// First to last byte in the storage, of a tensor with elements; `None` when it overflows.
    fn span(&self) -> Option<Range<usize>> {
        let (_, size) = self.encoding.block();
        let dimensions = self.shape.iter().zip(&self.strides);
        let reach = dimensions
            .map(|(&count, &stride)| (count - 1).checked_mul(stride))
            .try_fold(0_usize, |reach, step| reach.checked_add(step?))?;
        let last = self.offset.checked_add(reach)?;
        Some(self.offset.checked_mul(size)?..last.checked_add(1)?.checked_mul(size)?)
    }
}
