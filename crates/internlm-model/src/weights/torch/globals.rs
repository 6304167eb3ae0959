//! The globals a pickle may name: a fixed list, none of which runs Python.
//!
//! Follows `_get_allowed_globals` of `torch/_weights_only_unpickler.py`, cut to dense tensors and plain data.

use std::fmt;

use crate::weights::Encoding;

/// (encoding, name of the dtype, name of the storage class) of `torch`; the newer integers have no such class.
const TYPES: [(Encoding, &str, Option<&str>); 13] = [
    (Encoding::F64, "float64", Some("DoubleStorage")),
    (Encoding::F32, "float32", Some("FloatStorage")),
    (Encoding::F16, "float16", Some("HalfStorage")),
    (Encoding::Bf16, "bfloat16", Some("BFloat16Storage")),
    (Encoding::I8, "int8", Some("CharStorage")),
    (Encoding::I16, "int16", Some("ShortStorage")),
    (Encoding::I32, "int32", Some("IntStorage")),
    (Encoding::I64, "int64", Some("LongStorage")),
    (Encoding::U8, "uint8", Some("ByteStorage")),
    (Encoding::U16, "uint16", None),
    (Encoding::U32, "uint32", None),
    (Encoding::U64, "uint64", None),
    (Encoding::Bool, "bool", Some("BoolStorage")),
];

/// The name of `encoding` as an attribute of `torch`: `bfloat16`; `None` for block formats.
pub(super) fn dtype_name(encoding: Encoding) -> Option<&'static str> {
    TYPES.iter().find(|(known, ..)| *known == encoding).map(|(_, name, _)| *name)
}

/// The storage class of `encoding`: `BFloat16Storage`.
pub(super) fn storage_name(encoding: Encoding) -> Option<&'static str> {
    TYPES.iter().find(|(known, ..)| *known == encoding).and_then(|(.., storage)| *storage)
}

/// A class or function of Python that this module knows how to stand in for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildTensorV2,
    RebuildTensorV3,
    RebuildParameter,
    RebuildParameterWithState,
    Storage(Encoding),
    UntypedStorage,
    DType(Encoding),
    Device,
    Size,
    Encode,
    Dict,
    List,
    Tuple,
    Set,
    FrozenSet,
    Int,
    Float,
    Text,
    Bytes,
    ByteArray,
}

impl Global {
    /// The global of this name, if it is on the list.
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        match module {
            "collections" if name == "OrderedDict" => Some(Self::OrderedDict),
            "_codecs" if name == "encode" => Some(Self::Encode),
            "torch._utils" => Self::rebuild(name),
            "torch.storage" => Self::untyped(name),
            "torch" => Self::of_torch(name),
            // Protocol 2 writes the name the module had in Python 2.
            "builtins" | "__builtin__" => Self::builtin(name),
            _ => None,
        }
    }

    fn rebuild(name: &str) -> Option<Self> {
        match name {
            "_rebuild_tensor" => Some(Self::RebuildTensor),
            "_rebuild_tensor_v2" => Some(Self::RebuildTensorV2),
            "_rebuild_tensor_v3" => Some(Self::RebuildTensorV3),
            "_rebuild_parameter" => Some(Self::RebuildParameter),
            "_rebuild_parameter_with_state" => Some(Self::RebuildParameterWithState),
            _ => None,
        }
    }

    fn untyped(name: &str) -> Option<Self> {
        matches!(name, "UntypedStorage" | "_UntypedStorage").then_some(Self::UntypedStorage)
    }

    fn of_torch(name: &str) -> Option<Self> {
        match name {
            "device" => return Some(Self::Device),
            "Size" => return Some(Self::Size),
            _ => {}
        }
        TYPES
            .iter()
            .find_map(|&(encoding, dtype, storage)| match name {
                _ if name == dtype => Some(Self::DType(encoding)),
                _ if Some(name) == storage => Some(Self::Storage(encoding)),
                _ => None,
            })
            .or_else(|| Self::untyped(name))
    }

    fn builtin(name: &str) -> Option<Self> {
        match name {
            "dict" => Some(Self::Dict),
            "list" => Some(Self::List),
            "tuple" => Some(Self::Tuple),
            "set" => Some(Self::Set),
            "frozenset" => Some(Self::FrozenSet),
            "int" | "long" => Some(Self::Int),
            "float" => Some(Self::Float),
            "str" | "unicode" => Some(Self::Text),
            "bytes" => Some(Self::Bytes),
            "bytearray" => Some(Self::ByteArray),
            _ => None,
        }
    }
}

impl fmt::Display for Global {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::OrderedDict => "collections.OrderedDict",
            Self::RebuildTensor => "torch._utils._rebuild_tensor",
            Self::RebuildTensorV2 => "torch._utils._rebuild_tensor_v2",
            Self::RebuildTensorV3 => "torch._utils._rebuild_tensor_v3",
            Self::RebuildParameter => "torch._utils._rebuild_parameter",
            Self::RebuildParameterWithState => "torch._utils._rebuild_parameter_with_state",
            Self::UntypedStorage => "torch.storage.UntypedStorage",
            Self::Device => "torch.device",
            Self::Size => "torch.Size",
            Self::Encode => "_codecs.encode",
            Self::Dict => "dict",
            Self::List => "list",
            Self::Tuple => "tuple",
            Self::Set => "set",
            Self::FrozenSet => "frozenset",
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "str",
            Self::Bytes => "bytes",
            Self::ByteArray => "bytearray",
            Self::Storage(encoding) => return write!(formatter, "torch storage class of {encoding}"),
            Self::DType(encoding) => return write!(formatter, "torch dtype {encoding}"),
        };
        formatter.write_str(name)
    }
}
