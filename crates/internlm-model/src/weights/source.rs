//! [`TensorSource`]: named tensors, whatever file they are in.

use std::borrow::Cow;
use std::path::PathBuf;

use super::int4::Int4Matrix;
use super::{Encoding, decode};
use crate::{Error, Result};

/// One tensor of a file: row-major shape, outermost dimension first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TensorInfo {
    /// Sizes, outermost first: a matrix is `[out, in]`.
    pub shape: Vec<usize>,
    /// How the numbers are stored.
    pub encoding: Encoding,
}

/// Named tensors of one model. Shared between threads: reading different tensors in parallel is fine.
pub trait TensorSource: Send + Sync {
    /// Names of all tensors, sorted, as [`TensorSource::info`] takes them.
    fn names(&self) -> Vec<String>;

    /// Shape and storage of one tensor.
    fn info(&self, name: &str) -> Option<TensorInfo>;

    /// The file that holds a tensor, for messages.
    fn file(&self, name: &str) -> PathBuf;

    /// The stored bytes of one tensor, row-major, in the encoding of [`TensorSource::info`]; borrowed where the
    /// file has them in this order.
    ///
    /// # Errors
    /// No tensor of this name, or its bytes cannot be read.
    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>>;

    /// The numbers of one tensor, row-major, widened to f32 exactly.
    ///
    /// # Errors
    /// As [`TensorSource::read_bytes`]; a tensor of integers.
    fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        widen(self, name)
    }

    /// One matrix as 4-bit codes; `None` where its weights are stored in another form.
    ///
    /// # Errors
    /// As [`TensorSource::read_bytes`]; scales that are infinite or NaN.
    fn read_int4(&self, _name: &str) -> Result<Option<Int4Matrix>> {
        Ok(None)
    }

    /// Gives the memory of one tensor's mapped pages back to the system; reading it again fetches them from the file.
    fn release(&self, _name: &str) {}
}

/// The numbers of one tensor of `source`.
pub(super) fn widen<S: TensorSource + ?Sized>(source: &S, name: &str) -> Result<Vec<f32>> {
    let bytes = source.read_bytes(name)?;
    let info = source.info(name).ok_or_else(|| missing(source.file(name), name))?;
    let mut values = Vec::with_capacity(info.shape.iter().product());
    if decode::widen(info.encoding, &bytes, &mut values) {
        return Ok(values);
    }
    let problem =
        format!("tensor {name}: type: found {}, expected a floating-point or block type", info.encoding);
    Err(Error::Weights { path: source.file(name), problems: vec![problem] })
}

/// The error for a name that `path` does not hold.
pub(super) fn missing(path: PathBuf, name: &str) -> Error {
    Error::Weights { path, problems: vec![format!("tensor {name}: missing")] }
}
