//! Writing a `.model` file: what a vocabulary out of GGUF is saved as.

use super::file::{Model, ModelType};

/// Wire type of a message, a text or bytes.
const BYTES: u64 = 2;
/// Wire type of a whole number.
const VARINT: u64 = 0;
/// Wire type of an f32.
const FIXED32: u64 = 5;

impl Model {
    /// The bytes of a `ModelProto` that parses to this model.
    pub(in crate::tokenizer) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            let mut message = Vec::new();
            put_bytes(&mut message, 1, piece.text.as_bytes());
            put_varint(&mut message, 2 << 3 | FIXED32);
            message.extend(piece.score.to_le_bytes());
            put_number(&mut message, 3, piece.kind.number());
            put_bytes(&mut bytes, 1, &message);
        }
        let mut trainer = Vec::new();
        put_number(&mut trainer, 3, if self.model_type == ModelType::Bpe { 2 } else { 1 });
        put_number(&mut trainer, 35, u64::from(self.byte_fallback));
        for (field, id) in [(41, self.bos), (42, self.eos), (43, self.pad)] {
            // Negative numbers are written in two's complement.
            put_number(&mut trainer, field, id.cast_unsigned());
        }
        put_bytes(&mut bytes, 2, &trainer);
        let mut normalizer = Vec::new();
        put_bytes(&mut normalizer, 2, &self.normalizer.charsmap);
        put_number(&mut normalizer, 3, u64::from(self.normalizer.add_dummy_prefix));
        put_number(&mut normalizer, 4, u64::from(self.normalizer.remove_extra_whitespaces));
        put_bytes(&mut bytes, 3, &normalizer);
        bytes
    }
}

fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn put_number(bytes: &mut Vec<u8>, field: u64, number: u64) {
    put_varint(bytes, field << 3 | VARINT);
    put_varint(bytes, number);
}

fn put_bytes(bytes: &mut Vec<u8>, field: u64, content: &[u8]) {
    put_varint(bytes, field << 3 | BYTES);
    put_varint(bytes, content.len() as u64);
    bytes.extend_from_slice(content);
}
