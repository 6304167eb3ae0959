//! What the globals do when a pickle calls them: tensors and plain data are made, nothing else.
//!
//! Follows `torch/_utils.py` (`_rebuild_tensor_v2` and its kin) and `persistent_load` of `torch/serialization.py`.

use super::globals::Global;
use super::machine::Machine;
use super::object::{Declared, Item, Object, Storage};
use crate::cursor::Fault;
use crate::weights::Encoding;

/// Maximum number of arguments of the globals.
const MAX_ARGUMENTS: usize = 8;
/// Maximum number of dimensions of a tensor, as in torch.
const MAX_DIMENSIONS: usize = 64;

impl<'a> Machine<'a> {
    /// `called(*arguments)`.
    pub(super) fn call(&mut self, called: Item<'a>, arguments: Item<'a>) -> Result<Item<'a>, Fault> {
        let Item::Global(global) = called else {
            return self.fail("a call of something that is not a global");
        };
        let arguments = match self.look(arguments) {
            Some(Object::Tuple(items)) if items.len() <= MAX_ARGUMENTS => items.clone(),
            _ => {
                return self.fail(format!("{global}: expected a tuple of at most {MAX_ARGUMENTS} arguments"));
            }
        };
        match (global, &arguments[..]) {
            (Global::RebuildTensor, [storage, place @ ..]) if place.len() == 3 => {
                self.tensor(*storage, place, None)
            }
            (Global::RebuildTensorV2, [storage, place @ .., _, _]) if place.len() == 3 => {
                self.tensor(*storage, place, None)
            }
            (Global::RebuildTensorV2, [storage, place @ .., _, _, flags]) if place.len() == 3 => {
                self.no_flags(*flags)?;
                self.tensor(*storage, place, None)
            }
            (Global::RebuildTensorV3, [storage, place @ .., _, _, Item::Global(Global::DType(encoding))])
                if place.len() == 3 =>
            {
                self.tensor(*storage, place, Some(*encoding))
            }
            (
                Global::RebuildTensorV3,
                [storage, place @ .., _, _, Item::Global(Global::DType(encoding)), flags],
            ) if place.len() == 3 => {
                self.no_flags(*flags)?;
                self.tensor(*storage, place, Some(*encoding))
            }
            (Global::RebuildParameter, [tensor, _, _])
            | (Global::RebuildParameterWithState, [tensor, _, _, _])
                if matches!(self.look(*tensor), Some(Object::Tensor(_))) =>
            {
                Ok(*tensor)
            }
            (_, arguments) => self.plain(global, arguments),
        }
    }

    /// Calls that make plain data.
    fn plain(&mut self, global: Global, arguments: &[Item<'a>]) -> Result<Item<'a>, Fault> {
        let object = match (global, arguments) {
            (Global::OrderedDict | Global::Dict, []) => Object::Dict(Vec::new()),
            (Global::OrderedDict | Global::Dict, [from]) => Object::Dict(self.pairs(*from)?),
            (Global::List, []) => Object::List(Vec::new()),
            (Global::List, [from]) => Object::List(self.items(*from)?),
            (Global::Tuple | Global::Size, []) => Object::Tuple(Vec::new()),
            (Global::Tuple | Global::Size, [from]) => Object::Tuple(self.items(*from)?),
            (Global::Set | Global::FrozenSet, []) => Object::Set(Vec::new()),
            (Global::Set | Global::FrozenSet, [from]) => Object::Set(self.items(*from)?),
            (Global::Device, [Item::Text(kind)]) => {
                self.charge(kind.len())?;
                Object::Device((*kind).to_owned())
            }
            (Global::Device, [Item::Text(kind), Item::Int(index)]) => {
                self.charge(kind.len())?;
                Object::Device(format!("{kind}:{index}"))
            }
            (Global::Encode | Global::ByteArray, [Item::Text(text), Item::Text("latin1" | "latin-1")]) => {
                Object::Bytes(self.latin1(text)?)
            }
            (Global::Bytes | Global::ByteArray, []) => Object::Bytes(Vec::new()),
            (Global::Bytes | Global::ByteArray, [item @ Item::Bytes(_)])
            | (Global::Int, [item @ (Item::Int(_) | Item::BigInt(_))])
            | (Global::Float, [item @ Item::Float(_)])
            | (Global::Text, [item @ Item::Text(_)]) => return Ok(*item),
            (Global::Bytes | Global::ByteArray, [item])
                if matches!(self.look(*item), Some(Object::Bytes(_))) =>
            {
                return Ok(*item);
            }
            _ => {
                let count = arguments.len();
                return self.fail(format!("{global}: cannot be called with these {count} arguments"));
            }
        };
        Ok(self.object(object))
    }

    /// A persistent id: `("storage", class, key, location, number of elements)`.
    pub(super) fn storage(&mut self, identifier: Item<'a>) -> Result<Item<'a>, Fault> {
        let expected = "persistent id: expected (\"storage\", class, key, location, count)";
        let Some(Object::Tuple(items)) = self.look(identifier) else {
            return self.fail(expected);
        };
        let [Item::Text("storage"), Item::Global(class), Item::Text(key), Item::Text(_), Item::Int(count)] =
            items[..]
        else {
            return self.fail(expected);
        };
        let encoding = match class {
            Global::Storage(encoding) => Some(encoding),
            Global::UntypedStorage => None,
            _ => return self.fail(format!("persistent id: found {class}, expected a storage class")),
        };
        let (_, size) = encoding.unwrap_or(Encoding::U8).block();
        let Some(bytes) = usize::try_from(count).ok().and_then(|count| count.checked_mul(size)) else {
            return self
                .fail(format!("storage {key}: found {count} elements, expected what a file can hold"));
        };
        Ok(self.object(Object::Storage(Storage { key, encoding, bytes })))
    }

    /// A tensor: `place` is offset, sizes and strides, counted in elements.
    fn tensor(
        &mut self,
        storage: Item<'a>,
        place: &[Item<'a>],
        encoding: Option<Encoding>,
    ) -> Result<Item<'a>, Fault> {
        let Some(&Object::Storage(storage)) = self.look(storage) else {
            return self.fail("a tensor without a storage");
        };
        let Some(encoding) = encoding.or(storage.encoding) else {
            return self.fail("a tensor of an untyped storage without a dtype");
        };
        let &[Item::Int(offset), shape, strides] = place else {
            return self.fail("a tensor: expected an offset, sizes and strides");
        };
        let Ok(offset) = usize::try_from(offset) else {
            return self.fail(format!("a tensor's offset: found {offset}, expected 0 or more"));
        };
        let shape = self.sizes(shape, "a tensor's sizes")?;
        let strides = self.sizes(strides, "a tensor's strides")?;
        let declared = Declared { storage, encoding, offset, shape, strides };
        Ok(self.object(Object::Tensor(Box::new(declared))))
    }

    /// A tuple of whole numbers.
    fn sizes(&mut self, item: Item<'a>, what: &str) -> Result<Vec<usize>, Fault> {
        let items = match self.look(item) {
            Some(Object::Tuple(items) | Object::List(items)) if items.len() <= MAX_DIMENSIONS => {
                items.clone()
            }
            _ => return self.fail(format!("{what}: expected a tuple of at most {MAX_DIMENSIONS} numbers")),
        };
        self.charge(items.len())?;
        let sizes = items.iter().map(|size| match size {
            Item::Int(size) => usize::try_from(*size).ok(),
            _ => None,
        });
        match sizes.collect() {
            Some(sizes) => Ok(sizes),
            None => self.fail(format!("{what}: found {items:?}, expected whole numbers of 0 or more")),
        }
    }

    /// Refuses the bits by which a tensor says "negate or conjugate my numbers when reading".
    fn no_flags(&self, flags: Item<'a>) -> Result<(), Fault> {
        match (flags, self.look(flags)) {
            (Item::None, _) => Ok(()),
            (_, Some(Object::Dict(pairs)))
                if pairs.iter().all(|(_, value)| matches!(value, Item::Bool(false))) =>
            {
                Ok(())
            }
            _ => self.fail("a tensor's flags: found some set (conjugate, negate), expected none"),
        }
    }

    /// A copy of the items of a list, tuple or set.
    fn items(&mut self, item: Item<'a>) -> Result<Vec<Item<'a>>, Fault> {
        let count = match self.look(item) {
            Some(Object::List(items) | Object::Tuple(items) | Object::Set(items)) => items.len(),
            _ => return self.fail("expected a list, tuple or set"),
        };
        // Counted before it is copied.
        self.charge(count)?;
        match self.look(item) {
            Some(Object::List(items) | Object::Tuple(items) | Object::Set(items)) => Ok(items.clone()),
            _ => Ok(Vec::new()),
        }
    }

    /// A copy of the pairs of a dict, or of a list of pairs.
    fn pairs(&mut self, item: Item<'a>) -> Result<Vec<(Item<'a>, Item<'a>)>, Fault> {
        if let Some(Object::Dict(pairs)) = self.look(item) {
            let count = 2 * pairs.len();
            self.charge(count)?;
            return match self.look(item) {
                Some(Object::Dict(pairs)) => Ok(pairs.clone()),
                _ => Ok(Vec::new()),
            };
        }
        let items = self.items(item)?;
        let pairs = items.iter().map(|&pair| match self.look(pair) {
            Some(Object::Tuple(items) | Object::List(items)) => match items[..] {
                [key, value] => Some((key, value)),
                _ => None,
            },
            _ => None,
        });
        match pairs.collect() {
            Some(pairs) => Ok(pairs),
            None => self.fail("expected a list of (key, value) pairs"),
        }
    }

    /// The bytes that Python wrote as a text of characters up to U+00FF.
    fn latin1(&mut self, text: &str) -> Result<Vec<u8>, Fault> {
        self.charge(text.len())?;
        match text.chars().map(|character| u8::try_from(character).ok()).collect() {
            Some(bytes) => Ok(bytes),
            None => self.fail("bytes as latin-1 text: found a character above U+00FF"),
        }
    }
}
