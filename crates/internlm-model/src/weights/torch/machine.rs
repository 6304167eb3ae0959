//! The pickle machine: opcodes in, a flat table of objects out.
//!
//! Objects refer to each other by number, so shared, deep or cyclic structures cost no more than the bytes that
//! made them; [`tree`](super::tree) turns them into a [`Value`](super::Value) under a budget.
//!
//! Follows Python's `pickle._Unpickler` and `torch/_weights_only_unpickler.py`.

use std::collections::HashMap;

use super::budget;
use super::globals::Global;
use super::object::{Item, Object, Pickle};
use super::opcode::*;
use crate::cursor::{Cursor, Fault};

/// Maximum length of a pickle, in bytes. A pickle of a hundred thousand tensors has about 15 MB.
const MAX_LENGTH: usize = 16 << 20;

/// Reads one pickle.
pub(super) fn unpickle(bytes: &[u8]) -> Result<Pickle<'_>, Fault> {
    if bytes.len() > MAX_LENGTH {
        let message = format!("the pickle has {} bytes, expected at most {MAX_LENGTH}", bytes.len());
        return Err(Fault { offset: 0, message });
    }
    if bytes.first() != Some(&PROTO) {
        let message = "found no protocol number, expected a pickle of protocol 2 to 5".to_owned();
        return Err(Fault { offset: 0, message });
    }
    Machine::new(bytes).run()
}

/// The state while reading.
pub(super) struct Machine<'a> {
    pub(super) reader: Cursor<'a>,
    /// Where the current opcode starts.
    pub(super) at: usize,
    pub(super) objects: Vec<(usize, Object<'a>)>,
    stack: Vec<Item<'a>>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    /// Only looked up by number, never walked.
    memo: HashMap<u32, Item<'a>>,
    copies: usize,
}

impl<'a> Machine<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            reader: Cursor::new(bytes),
            at: 0,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            copies: 0,
        }
    }

    fn run(mut self) -> Result<Pickle<'a>, Fault> {
        loop {
            self.at = self.reader.position();
            let opcode = self.reader.byte("an opcode")?;
            if opcode == STOP {
                let root = self.pop()?;
                return Ok(Pickle { root, objects: self.objects });
            }
            match self.constant(opcode)? {
                Some(item) => self.stack.push(item),
                None => self.step(opcode)?,
            }
            let limit = budget::objects(self.reader.length());
            if self.objects.len().max(self.stack.len()).max(self.memo.len()) > limit {
                return self.fail(format!("the pickle makes more than {limit} objects: not a checkpoint"));
            }
        }
    }

    /// An error at the current opcode.
    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault { offset: self.at as u64, message: message.into() })
    }

    /// Counts `amount` items or bytes that are about to be copied.
    pub(super) fn charge(&mut self, amount: usize) -> Result<(), Fault> {
        self.copies = self.copies.saturating_add(amount);
        let limit = budget::copies(self.reader.length());
        if self.copies > limit {
            return self
                .fail(format!("the pickle copies its objects more than {limit} times: not a checkpoint"));
        }
        Ok(())
    }

    /// Stores an object.
    pub(super) fn object(&mut self, object: Object<'a>) -> Item<'a> {
        self.objects.push((self.at, object));
        Item::Object(self.objects.len() - 1)
    }

    /// The object that an item refers to.
    pub(super) fn look(&self, item: Item<'a>) -> Option<&Object<'a>> {
        match item {
            Item::Object(index) => Some(&self.objects[index].1),
            _ => None,
        }
    }

    /// The opcodes that push a plain value.
    fn constant(&mut self, opcode: u8) -> Result<Option<Item<'a>>, Fault> {
        let reader = &mut self.reader;
        Ok(Some(match opcode {
            NONE => Item::None,
            NEWTRUE => Item::Bool(true),
            NEWFALSE => Item::Bool(false),
            BININT => Item::Int(i32::from_le_bytes(reader.array("an integer")?).into()),
            BININT1 => Item::Int(reader.byte("an integer")?.into()),
            BININT2 => Item::Int(u16::from_le_bytes(reader.array("an integer")?).into()),
            LONG1 => long(prefixed1(reader, "an integer")?),
            LONG4 => long(prefixed4(reader, "an integer")?),
            BINFLOAT => Item::Float(f64::from_be_bytes(reader.array("a float")?)),
            BINUNICODE | SHORT_BINUNICODE | BINUNICODE8 => {
                let bytes = match opcode {
                    SHORT_BINUNICODE => prefixed1(reader, "a text")?,
                    BINUNICODE => prefixed4(reader, "a text")?,
                    _ => prefixed8(reader, "a text")?,
                };
                Item::Text(reader.text(bytes, "a text")?)
            }
            BINSTRING => string(prefixed4(reader, "a string")?),
            SHORT_BINSTRING => string(prefixed1(reader, "a string")?),
            SHORT_BINBYTES => Item::Bytes(prefixed1(reader, "bytes")?),
            BINBYTES => Item::Bytes(prefixed4(reader, "bytes")?),
            BINBYTES8 | BYTEARRAY8 => Item::Bytes(prefixed8(reader, "bytes")?),
            _ => return Ok(None),
        }))
    }

    /// All other opcodes.
    fn step(&mut self, opcode: u8) -> Result<(), Fault> {
        match opcode {
            PROTO => self.protocol()?,
            FRAME => {
                self.reader.array::<8>("a frame length")?;
            }
            MARK => self.marks.push(self.stack.len()),
            POP => self.discard()?,
            POP_MARK => {
                self.pop_mark()?;
            }
            DUP => self.stack.push(self.top()?),
            BINPUT | LONG_BINPUT | MEMOIZE | BINGET | LONG_BINGET => self.memo(opcode)?,
            GLOBAL => {
                let module = self.reader.line("a module name")?;
                let name = self.reader.line("a global's name")?;
                self.global(module, name)?;
            }
            STACK_GLOBAL => match (self.pop()?, self.pop()?) {
                (Item::Text(name), Item::Text(module)) => self.global(module, name)?,
                _ => return self.fail("the names of a global: expected two texts"),
            },
            REDUCE | NEWOBJ => {
                let arguments = self.pop()?;
                let called = self.pop()?;
                let result = self.call(called, arguments)?;
                self.stack.push(result);
            }
            BUILD => self.build()?,
            BINPERSID => {
                let identifier = self.pop()?;
                let storage = self.storage(identifier)?;
                self.stack.push(storage);
            }
            PERSID => return self.fail("persistent id: found a line of text, expected a tuple"),
            APPEND | APPENDS | ADDITEMS | SETITEM | SETITEMS => self.fill(opcode)?,
            _ => self.container(opcode)?,
        }
        Ok(())
    }

    /// The opcodes that store a value under a number, or fetch it.
    fn memo(&mut self, opcode: u8) -> Result<(), Fault> {
        let number = match opcode {
            BINPUT | BINGET => self.reader.byte("a memo number")?.into(),
            LONG_BINPUT | LONG_BINGET => self.reader.u32("a memo number")?,
            _ => u32::try_from(self.memo.len()).expect("a pickle of 16 MiB has fewer memo entries"),
        };
        if opcode != BINGET && opcode != LONG_BINGET {
            self.memo.insert(number, self.top()?);
            return Ok(());
        }
        let Some(&item) = self.memo.get(&number) else {
            return self.fail(format!("memo entry {number} is read before it is written"));
        };
        self.stack.push(item);
        Ok(())
    }

    /// The opcodes that make lists, tuples, sets and dicts.
    fn container(&mut self, opcode: u8) -> Result<(), Fault> {
        let object = match opcode {
            EMPTY_LIST => Object::List(Vec::new()),
            EMPTY_DICT => Object::Dict(Vec::new()),
            EMPTY_SET => Object::Set(Vec::new()),
            EMPTY_TUPLE => Object::Tuple(Vec::new()),
            LIST => Object::List(self.pop_mark()?),
            TUPLE => Object::Tuple(self.pop_mark()?),
            FROZENSET => Object::Set(self.pop_mark()?),
            TUPLE1 | TUPLE2 | TUPLE3 => Object::Tuple(self.pop_many(usize::from(opcode - TUPLE1) + 1)?),
            DICT => {
                let items = self.pop_mark()?;
                Object::Dict(self.pair_up(&items)?)
            }
            _ => {
                let message = format!("opcode: found {opcode:#04x}, expected one of pickle protocols 2 to 5");
                return self.fail(message);
            }
        };
        let item = self.object(object);
        self.stack.push(item);
        Ok(())
    }

    /// Adds the topmost items to the container below them.
    fn fill(&mut self, opcode: u8) -> Result<(), Fault> {
        let items = match opcode {
            APPEND => self.pop_many(1)?,
            SETITEM => self.pop_many(2)?,
            _ => self.pop_mark()?,
        };
        let Item::Object(index) = self.top()? else {
            return self.fail("items for a value that is not a list, set or dict");
        };
        let pairs = matches!(opcode, SETITEM | SETITEMS);
        match &mut self.objects[index].1 {
            Object::List(list) | Object::Set(list) if !pairs => list.extend(items),
            Object::Dict(_) if pairs => {
                let new = self.pair_up(&items)?;
                if let Object::Dict(old) = &mut self.objects[index].1 {
                    old.extend(new);
                }
            }
            _ => return self.fail("items for an object of another kind, expected a list, set or dict"),
        }
        Ok(())
    }

    /// Keys and values in turn.
    fn pair_up(&self, items: &[Item<'a>]) -> Result<Vec<(Item<'a>, Item<'a>)>, Fault> {
        match items.as_chunks::<2>() {
            (pairs, []) => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
            _ => self.fail("a dict gets a key without a value"),
        }
    }

    /// State for an object. The one kind torch writes is `_metadata` of a state dict, which we do not need.
    fn build(&mut self) -> Result<(), Fault> {
        self.pop()?;
        match self.look(self.top()?) {
            Some(Object::Dict(_)) => Ok(()),
            _ => self.fail("state for an object, expected it only for an OrderedDict"),
        }
    }

    fn protocol(&mut self) -> Result<(), Fault> {
        match self.reader.byte("the protocol number")? {
            2..=5 => Ok(()),
            found => self.fail(format!("pickle protocol: found {found}, expected 2 to 5")),
        }
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), Fault> {
        let Some(global) = Global::find(module, name) else {
            let shown: String = format!("{module}.{name}").chars().take(200).collect();
            let message = format!(
                "global: found {shown}, expected a tensor, a torch dtype or plain data; \
                 nothing else is read, and nothing is ever run"
            );
            return self.fail(message);
        };
        self.stack.push(Item::Global(global));
        Ok(())
    }

    /// Drops the top of the stack, or the newest mark when nothing is above it.
    fn discard(&mut self) -> Result<(), Fault> {
        if self.stack.len() == self.fence() && self.marks.pop().is_some() {
            return Ok(());
        }
        self.pop()?;
        Ok(())
    }

    /// Height of the stack that the newest open mark protects.
    fn fence(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Item<'a>, Fault> {
        match self.stack.last() {
            Some(&item) if self.stack.len() > self.fence() => Ok(item),
            _ => self.fail("the opcode needs a value, the stack has none"),
        }
    }

    fn pop(&mut self) -> Result<Item<'a>, Fault> {
        let item = self.top()?;
        self.stack.pop();
        Ok(item)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Item<'a>>, Fault> {
        if self.stack.len() - self.fence() < count {
            return self.fail(format!("the opcode needs {count} values, the stack has fewer"));
        }
        Ok(self.stack.split_off(self.stack.len() - count))
    }

    fn pop_mark(&mut self) -> Result<Vec<Item<'a>>, Fault> {
        match self.marks.pop() {
            // The fence was never crossed, so the mark is not above the top.
            Some(height) => Ok(self.stack.split_off(height)),
            None => self.fail("the opcode needs a mark, none is open"),
        }
    }
}

/// Bytes whose length is given by the byte before them.
fn prefixed1<'a>(reader: &mut Cursor<'a>, what: &str) -> Result<&'a [u8], Fault> {
    let length = reader.byte(what)?;
    reader.take(length.into(), what)
}

/// Bytes whose length is given by the four bytes before them. The signed lengths of the oldest opcodes are never negative in a file that is
/// not damaged; such a length is then too long.
fn prefixed4<'a>(reader: &mut Cursor<'a>, what: &str) -> Result<&'a [u8], Fault> {
    let length = reader.u32(what)?;
    reader.take(length.into(), what)
}

/// Bytes whose length is given by the eight bytes before them.
fn prefixed8<'a>(reader: &mut Cursor<'a>, what: &str) -> Result<&'a [u8], Fault> {
    let length = reader.u64(what)?;
    reader.take(length, what)
}

/// A whole number: two's complement, little-endian, no bytes for zero.
fn long(bytes: &[u8]) -> Item<'_> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let sign = if negative { 0xff } else { 0 };
    let mut low = [sign; 8];
    let kept = bytes.len().min(8);
    low[..kept].copy_from_slice(&bytes[..kept]);
    let number = i64::from_le_bytes(low);
    let fits = bytes[kept..].iter().all(|&byte| byte == sign) && (number < 0) == negative;
    if fits { Item::Int(number) } else { Item::BigInt(bytes) }
}

/// A string of Python 2: text if it can be.
fn string(bytes: &[u8]) -> Item<'_> {
    str::from_utf8(bytes).map_or(Item::Bytes(bytes), Item::Text)
}
