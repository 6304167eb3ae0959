//! Writing pickles of protocol 2 with the opcodes that `torch/_weights_only_unpickler.py` knows.

use super::globals::{dtype_name, storage_name};
use super::opcode::*;
use super::value::{MAX_DEPTH, Value};
use crate::weights::{Encoding, TensorInfo};

/// A pickle being written. Errors are messages without a file name.
#[derive(Debug)]
pub(super) struct Pickler {
    out: Vec<u8>,
}

impl Pickler {
    pub(super) fn new() -> Self {
        Self { out: vec![PROTO, 2] }
    }

    /// The finished pickle.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.push(STOP);
        self.out
    }

    /// An `OrderedDict` of contiguous tensors; tensor `i` has the storage of key `i`.
    pub(super) fn state_dict(&mut self, tensors: &[(String, TensorInfo)]) -> Result<(), String> {
        self.empty_ordered_dict();
        self.out.push(MARK);
        for (key, (name, info)) in tensors.iter().enumerate() {
            self.text(name)?;
            self.tensor(key, info).map_err(|message| format!("tensor {name}: {message}"))?;
        }
        self.out.push(SETITEMS);
        Ok(())
    }

    /// `_rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict())`, or `_v3` with the dtype after it
    /// for the types that have no storage class.
    fn tensor(&mut self, key: usize, info: &TensorInfo) -> Result<(), String> {
        let (encoding, shape) = (info.encoding, &info.shape);
        let Some((dtype, bytes)) = dtype_name(encoding).zip(encoding.byte_length(shape)) else {
            return Err(format!("found {encoding} {shape:?}, expected a type of torch and a size in memory"));
        };
        let (_, size) = encoding.block();
        let class = storage_name(encoding);
        let (rebuild, count) = match class {
            Some(_) => ("_rebuild_tensor_v2", bytes / size),
            None => ("_rebuild_tensor_v3", bytes),
        };
        self.global("torch._utils", rebuild);
        self.out.extend([MARK, MARK]);
        self.text("storage")?;
        match class {
            Some(class) => self.global("torch", class),
            None => self.global("torch.storage", "UntypedStorage"),
        }
        self.text(&key.to_string())?;
        self.text("cpu")?;
        self.size(count)?;
        self.out.extend([TUPLE, BINPERSID]);
        self.integer(0);
        self.sizes(shape)?;
        self.sizes(&row_major(shape))?;
        self.out.push(NEWFALSE);
        self.empty_ordered_dict();
        if class.is_none() {
            self.global("torch", dtype);
        }
        self.out.extend([TUPLE, REDUCE]);
        Ok(())
    }

    /// A value `depth` levels down; tensors are refused.
    pub(super) fn value(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("nesting: found more than {MAX_DEPTH} levels"));
        }
        match value {
            Value::None => self.out.push(NONE),
            Value::Bool(true) => self.out.push(NEWTRUE),
            Value::Bool(false) => self.out.push(NEWFALSE),
            Value::Int(number) => self.integer(*number),
            Value::BigInt(bytes) => self.long(bytes)?,
            Value::Float(number) => {
                self.out.push(BINFLOAT);
                self.out.extend(number.to_be_bytes());
            }
            Value::Text(text) => self.text(text)?,
            Value::Bytes(bytes) => self.bytes(bytes)?,
            Value::List(items) => self.list(items, depth)?,
            Value::Tuple(items) => {
                self.out.push(MARK);
                self.values(items, depth)?;
                self.out.push(TUPLE);
            }
            Value::Set(items) => {
                self.global("__builtin__", "set");
                self.list(items, depth)?;
                self.out.extend([TUPLE1, REDUCE]);
            }
            Value::Dict(pairs) => {
                self.out.extend([EMPTY_DICT, MARK]);
                for (key, value) in pairs {
                    self.value(key, depth + 1)?;
                    self.value(value, depth + 1)?;
                }
                self.out.push(SETITEMS);
            }
            Value::Tensor(_) => return Err("found a tensor, expected plain values".to_owned()),
            Value::DType(encoding) => self.dtype(*encoding)?,
            Value::Device(name) => {
                self.global("torch", "device");
                self.text(name)?;
                self.out.extend([TUPLE1, REDUCE]);
            }
        }
        Ok(())
    }

    fn list(&mut self, items: &[Value], depth: usize) -> Result<(), String> {
        self.out.extend([EMPTY_LIST, MARK]);
        self.values(items, depth)?;
        self.out.push(APPENDS);
        Ok(())
    }

    fn values(&mut self, items: &[Value], depth: usize) -> Result<(), String> {
        items.iter().try_for_each(|item| self.value(item, depth + 1))
    }

    fn dtype(&mut self, encoding: Encoding) -> Result<(), String> {
        let Some(name) = dtype_name(encoding) else {
            return Err(format!("found the type {encoding}, expected one of torch"));
        };
        self.global("torch", name);
        Ok(())
    }

    fn empty_ordered_dict(&mut self) {
        self.global("collections", "OrderedDict");
        self.out.extend([EMPTY_TUPLE, REDUCE]);
    }

    fn global(&mut self, module: &str, name: &str) {
        self.out.push(GLOBAL);
        for line in [module, name] {
            self.out.extend(line.as_bytes());
            self.out.push(b'\n');
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        let Ok(length) = u32::try_from(text.len()) else {
            return Err(format!("found a text of {} bytes, expected less than 4 GiB", text.len()));
        };
        self.out.push(BINUNICODE);
        self.out.extend(length.to_le_bytes());
        self.out.extend(text.as_bytes());
        Ok(())
    }

    /// Protocol 2 has no bytes: they are a text of characters up to U+00FF, to be encoded as latin-1.
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.global("_codecs", "encode");
        let text: String = bytes.iter().copied().map(char::from).collect();
        self.text(&text)?;
        self.text("latin1")?;
        self.out.extend([TUPLE2, REDUCE]);
        Ok(())
    }

    fn sizes(&mut self, sizes: &[usize]) -> Result<(), String> {
        self.out.push(MARK);
        sizes.iter().try_for_each(|&size| self.size(size))?;
        self.out.push(TUPLE);
        Ok(())
    }

    fn size(&mut self, size: usize) -> Result<(), String> {
        let Ok(number) = i64::try_from(size) else {
            return Err(format!("found the size {size}, expected at most {}", i64::MAX));
        };
        self.integer(number);
        Ok(())
    }

    /// The shortest form, as Python's pickler chooses it.
    fn integer(&mut self, number: i64) {
        if let Ok(byte) = u8::try_from(number) {
            self.out.extend([BININT1, byte]);
        } else if let Ok(short) = u16::try_from(number) {
            self.out.push(BININT2);
            self.out.extend(short.to_le_bytes());
        } else if let Ok(int) = i32::try_from(number) {
            self.out.push(BININT);
            self.out.extend(int.to_le_bytes());
        } else {
            self.out.extend([LONG1, 8]);
            self.out.extend(number.to_le_bytes());
        }
    }

    fn long(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Ok(length) = u8::try_from(bytes.len()) else {
            return Err(format!("found a whole number of {} bytes, expected at most 255", bytes.len()));
        };
        self.out.extend([LONG1, length]);
        self.out.extend(bytes);
        Ok(())
    }
}

/// Strides of a contiguous tensor, in elements. An empty tensor has those of one element per empty dimension, as
/// in torch.
fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for index in (1..shape.len()).rev() {
        strides[index - 1] = strides[index].saturating_mul(shape[index].max(1));
    }
    strides
}
