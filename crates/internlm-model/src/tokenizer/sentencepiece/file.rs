//! The contents of a `.model` file: `ModelProto` of `sentencepiece_model.proto`.

use std::path::Path;

use super::protobuf::{Field, Fields, Value};
use crate::{Error, Result};

/// What a piece is; the numbers of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tokenizer) enum PieceKind {
    /// Learned text.
    Normal,
    /// `<unk>`.
    Unknown,
    /// `<s>`, `</s>`: never matched as text.
    Control,
    /// Matched before everything else.
    UserDefined,
    /// Never produced.
    Unused,
    /// `<0x0A>`.
    Byte,
}

impl PieceKind {
    /// From the number in the file, which GGUF shares.
    pub(in crate::tokenizer) fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => return None,
        })
    }

    /// The number in the file.
    pub(in crate::tokenizer) fn number(self) -> u64 {
        match self {
            Self::Normal => 1,
            Self::Unknown => 2,
            Self::Control => 3,
            Self::UserDefined => 4,
            Self::Unused => 5,
            Self::Byte => 6,
        }
    }
}

/// One vocabulary entry; its id is its position.
#[derive(Clone, Debug)]
pub(in crate::tokenizer) struct Piece {
    pub(in crate::tokenizer) text: String,
    pub(in crate::tokenizer) score: f32,
    pub(in crate::tokenizer) kind: PieceKind,
}

/// How pieces are chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tokenizer) enum ModelType {
    /// The most likely segmentation.
    Unigram,
    /// Merges by score.
    Bpe,
}

/// What happens to text first.
#[derive(Clone, Debug)]
pub(in crate::tokenizer) struct Normalizer {
    /// Compiled character map; empty for identity.
    pub(in crate::tokenizer) charsmap: Vec<u8>,
    pub(in crate::tokenizer) add_dummy_prefix: bool,
    pub(in crate::tokenizer) remove_extra_whitespaces: bool,
}

/// A parsed model.
#[derive(Clone, Debug)]
pub(in crate::tokenizer) struct Model {
    pub(in crate::tokenizer) pieces: Vec<Piece>,
    pub(in crate::tokenizer) model_type: ModelType,
    pub(in crate::tokenizer) byte_fallback: bool,
    pub(in crate::tokenizer) normalizer: Normalizer,
    /// Ids of bos, eos and pad; negative ones are absent.
    pub(in crate::tokenizer) bos: i64,
    pub(in crate::tokenizer) eos: i64,
    pub(in crate::tokenizer) pad: i64,
}

impl Model {
    /// Parses the bytes of a `.model` file.
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        // Absent fields have the defaults of the .proto.
        let normalizer =
            Normalizer { charsmap: Vec::new(), add_dummy_prefix: true, remove_extra_whitespaces: true };
        let mut model = Self {
            pieces: Vec::new(),
            model_type: ModelType::Unigram,
            byte_fallback: false,
            normalizer,
            bos: 1,
            eos: 2,
            pad: -1,
        };
        let mut fields = Fields::new(path, bytes, 0);
        while let Some(field) = fields.next()? {
            match (field.number, field.value) {
                (1, Value::Bytes(bytes, offset)) => model.pieces.push(piece(path, bytes, offset)?),
                (2, Value::Bytes(bytes, offset)) => model.trainer_spec(path, bytes, offset)?,
                (3, Value::Bytes(bytes, offset)) => model.normalizer_spec(path, bytes, offset)?,
                _ => {}
            }
        }
        if model.pieces.is_empty() {
            return Err(Error::tokenizer(path, "found no pieces, expected a SentencePiece model"));
        }
        Ok(model)
    }

    fn trainer_spec(&mut self, path: &Path, bytes: &[u8], offset: u64) -> Result<()> {
        let mut fields = Fields::new(path, bytes, offset);
        while let Some(Field { number, value }) = fields.next()? {
            match (number, value.int32()) {
                (3, Some(1)) => self.model_type = ModelType::Unigram,
                (3, Some(2)) => self.model_type = ModelType::Bpe,
                (3, Some(other)) => {
                    let message = format!("model_type: found {other}, expected 1 (unigram) or 2 (BPE)");
                    return Err(Error::tokenizer(path, message));
                }
                (24, Some(1)) => {
                    let message = "treat_whitespace_as_suffix: found true, expected false";
                    return Err(Error::tokenizer(path, message));
                }
                (35, Some(flag)) => self.byte_fallback = flag != 0,
                (41, Some(id)) => self.bos = id,
                (42, Some(id)) => self.eos = id,
                (43, Some(id)) => self.pad = id,
                _ => {}
            }
        }
        Ok(())
    }

    fn normalizer_spec(&mut self, path: &Path, bytes: &[u8], offset: u64) -> Result<()> {
        let mut fields = Fields::new(path, bytes, offset);
        while let Some(Field { number, value }) = fields.next()? {
            match (number, value) {
                (2, Value::Bytes(charsmap, _)) => self.normalizer.charsmap = charsmap.to_vec(),
                (3, Value::Varint(flag)) => self.normalizer.add_dummy_prefix = flag != 0,
                (4, Value::Varint(flag)) => self.normalizer.remove_extra_whitespaces = flag != 0,
                (5, Value::Varint(0)) => {
                    let message = "escape_whitespaces: found false, expected true";
                    return Err(Error::tokenizer(path, message));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn piece(path: &Path, bytes: &[u8], offset: u64) -> Result<Piece> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: PieceKind::Normal };
    let mut fields = Fields::new(path, bytes, offset);
    while let Some(Field { number, value }) = fields.next()? {
        match number {
            1 => {
                let bytes = value.bytes().unwrap_or_default();
                piece.text = String::from_utf8(bytes.to_vec())
                    .map_err(|_| Error::format(path, offset, "a piece that is not UTF-8"))?;
            }
            2 => piece.score = value.float().unwrap_or_default(),
            3 => {
                let number = value.varint().unwrap_or_default();
                piece.kind = PieceKind::from_number(number).ok_or_else(|| {
                    Error::format(path, offset, format!("piece type: found {number}, expected 1 to 6"))
                })?;
            }
            _ => {}
        }
    }
    Ok(piece)
}
