//! `internlm-model tokenize`: text to ids and back.

use std::fs;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::tokenizer::Special;
use crate::{Error, TokenId, Tokenizer};

/// Print the ids of a text as one JSON list, or the text of ids.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  internlm-model tokenize --model runs/tiny/data/tokenizer --text 'Hello, world!'
  internlm-model tokenize --model tokenizer.model --file book.txt --bos
  internlm-model tokenize --model model.gguf --decode ids.json")]
pub(super) struct TokenizeArgs {
    /// Model folder, GGUF file, SentencePiece .model or tokenizer.json.
    #[arg(long)]
    model: PathBuf,
    #[command(flatten)]
    input: Input,
    /// Recognize special tokens in the text (and show them when decoding).
    #[arg(long)]
    special: bool,
    /// Start with the begin-of-sequence token.
    #[arg(long)]
    bos: bool,
    /// Print ids only, or ids beside the bytes they stand for.
    #[arg(long, value_enum, default_value_t = Format::Ids)]
    format: Format,
}

/// What is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One JSON list.
    Ids,
    /// One line per token: id, tab, vocabulary entry as JSON text.
    Tokens,
}

/// What to convert.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Input {
    /// Text to encode.
    #[arg(long, allow_hyphen_values = true)]
    text: Option<String>,
    /// File to encode, whole and untrimmed.
    #[arg(long)]
    file: Option<PathBuf>,
    /// JSON list of ids to decode.
    #[arg(long)]
    decode: Option<PathBuf>,
}

pub(super) fn run(args: &TokenizeArgs) -> anyhow::Result<()> {
    let tokenizer = Tokenizer::load(&args.model)?;
    if let Some(path) = &args.input.decode {
        let special = if args.special { Special::Keep } else { Special::Skip };
        return Ok(super::print(&format!("{}\n", tokenizer.decode(&read_ids(path)?, special)))?);
    }
    let text = match (&args.input.text, &args.input.file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => read_text(path)?,
        (None, None) => String::new(),
    };
    let mut ids = if args.special { tokenizer.encode_with_special(&text) } else { tokenizer.encode(&text) };
    if args.bos {
        let bos = tokenizer.bos().ok_or_else(|| {
            Error::Invalid("--bos: the vocabulary names no begin-of-sequence token".to_owned())
        })?;
        ids.insert(0, bos);
    }
    let mut text = String::new();
    match args.format {
        Format::Ids => text = serde_json::to_string(&ids)? + "\n",
        Format::Tokens => {
            for id in ids {
                text.push_str(&format!("{id}\t{}\n", serde_json::to_string(&tokenizer.token(id))?));
            }
        }
    }
    Ok(super::print(&text)?)
}

fn read_text(path: &PathBuf) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(|source| Error::read(path, source))?;
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to() as u64;
        Error::format(path, offset, "not UTF-8 text")
    })
}

fn read_ids(path: &PathBuf) -> Result<Vec<TokenId>, Error> {
    let text = read_text(path)?;
    serde_json::from_str(&text)
        .map_err(|error| Error::Invalid(format!("{}: expected a JSON list of ids: {error}", path.display())))
}
