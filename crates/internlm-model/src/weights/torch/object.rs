//! What a pickle is made of before it becomes a [`Value`](super::Value): plain items, and objects that refer to each
//! other by number.

use super::globals::Global;
use crate::weights::Encoding;

/// What the stack and the objects hold: a plain value, or the number of an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    None,
    Bool(bool),
    Int(i64),
    BigInt(&'a [u8]),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Global(Global),
    Object(usize),
}

/// A storage as the pickle names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage<'a> {
    /// The entry `data/<key>` of the archive.
    pub(super) key: &'a str,
    /// `None` for an untyped storage: the tensor then says its type.
    pub(super) encoding: Option<Encoding>,
    pub(super) bytes: usize,
}

/// Something with items, or too large for an [`Item`].
#[derive(Debug)]
pub(super) enum Object<'a> {
    List(Vec<Item<'a>>),
    Tuple(Vec<Item<'a>>),
    Set(Vec<Item<'a>>),
    Dict(Vec<(Item<'a>, Item<'a>)>),
    Bytes(Vec<u8>),
    Storage(Storage<'a>),
    Tensor(Box<Declared<'a>>),
    Device(String),
}

/// Everything a pickle made.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    pub(super) root: Item<'a>,
    /// Objects with the byte of the pickle at which each was made.
    pub(super) objects: Vec<(usize, Object<'a>)>,
}

/// A tensor as the pickle says it; offset and strides count elements.
#[derive(Clone, Debug)]
pub(super) struct Declared<'a> {
    pub(super) storage: Storage<'a>,
    pub(super) encoding: Encoding,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}
