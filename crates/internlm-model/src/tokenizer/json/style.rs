//! [`Style`]: how the vocabulary of a `tokenizer.json` is written.

use serde_json::Value;

use crate::tokenizer::byte_alphabet;

/// How vocabulary entries become bytes, read off the decoder of the file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Style {
    /// Entries are written in GPT-2's byte alphabet.
    byte_level: bool,
    /// This character stands for a space.
    space: Option<char>,
    /// `<0x0A>` stands for a byte.
    byte_fallback: bool,
    /// One space at the start of a text was added by encoding.
    pub(super) leading_space: bool,
}

impl Style {
    /// Reads the decoder of the file.
    pub(super) fn of(json: &Value) -> Result<Self, String> {
        let mut style = Self::default();
        let decoder = &json["decoder"];
        match decoder["type"].as_str() {
            Some("Sequence") => {
                for step in decoder["decoders"].as_array().into_iter().flatten() {
                    style.add(step)?;
                }
            }
            Some(_) => style.add(decoder)?,
            None => return Err("decoder: found none, expected ByteLevel, Metaspace or a Sequence".to_owned()),
        }
        Ok(style)
    }

    fn add(&mut self, step: &Value) -> Result<(), String> {
        match step["type"].as_str().unwrap_or("none") {
            "ByteLevel" => self.byte_level = true,
            "ByteFallback" => self.byte_fallback = true,
            "Fuse" => {}
            "Metaspace" => {
                self.space = step["replacement"].as_str().and_then(|text| text.chars().next());
                self.leading_space = step["prepend_scheme"] != "never" && step["add_prefix_space"] != false;
            }
            "Replace" if step["content"] == " " => {
                self.space = step["pattern"]["String"].as_str().and_then(|text| text.chars().next());
            }
            "Strip" if step["content"] == " " && step["start"] == 1 && step["stop"] == 0 => {
                self.leading_space = true;
            }
            other => {
                return Err(format!(
                    "decoder: found {other} {step}, expected ByteLevel, ByteFallback, Fuse, Metaspace, \
                     Replace of the space character, or Strip of one leading space"
                ));
            }
        }
        Ok(())
    }

    /// The bytes of one vocabulary entry.
    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        if self.byte_level
            && let Some(bytes) = byte_alphabet::bytes(name)
        {
            return bytes;
        }
        if self.byte_fallback
            && let Some(byte) = byte_piece(name)
        {
            return vec![byte];
        }
        match self.space {
            Some(space) => name.replace(space, " ").into_bytes(),
            None => name.as_bytes().to_vec(),
        }
    }
}

/// The byte of a piece like `<0x0A>`.
pub(in crate::tokenizer) fn byte_piece(name: &str) -> Option<u8> {
    let digits = name.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}
