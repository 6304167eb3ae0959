//! `internlm-model tokenize`: text to ids and back.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use internlm_kit::file::AtPath;

use super::model::ModelArg;
use crate::tokenizer::Special;
use crate::{Error, TokenId, Tokenizer};

/// Turn text into token ids, or token ids into text
///
/// MODEL may also be a tokenizer alone: a folder, a SentencePiece .model or a tokenizer.json.
#[derive(Args, Debug)]
#[command(
    override_usage = "internlm-model tokenize [OPTIONS] <MODEL> <--text <TEXT>|--file <FILE>|--decode <DECODE>>",
    after_help = "Examples:
  internlm-model tokenize runs/tiny/data/tokenizer --text 'Hello, world!'
  internlm-model tokenize tokenizer.model --file book.txt --bos
  git log -1 --format=%B | internlm-model tokenize tokenizer.json --file -
  internlm-model tokenize model.gguf --decode ids.json"
)]
pub(super) struct TokenizeArgs {
    #[command(flatten)]
    model: ModelArg,
    #[command(flatten)]
    input: Input,
    /// Recognize special tokens in the text; when decoding, show them
    #[arg(long)]
    special: bool,
    /// Put the begin-of-sequence token first
    #[arg(long)]
    bos: bool,
    /// Choose what is printed for a text
    #[arg(long, value_enum, default_value_t = Format::Ids)]
    format: Format,
}

/// What is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One JSON list of ids
    Ids,
    /// One line per token: id, tab, vocabulary entry as JSON text
    Tokens,
}

/// What to convert.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Input {
    /// Encode this text
    #[arg(long, allow_hyphen_values = true)]
    text: Option<String>,
    /// Encode this file, whole and untrimmed; `-` is standard input
    #[arg(long)]
    file: Option<PathBuf>,
    /// Decode the ids of this file, a JSON list
    #[arg(long)]
    decode: Option<PathBuf>,
}

pub(super) fn run(args: &TokenizeArgs) -> anyhow::Result<()> {
    let tokenizer = Tokenizer::load(args.model.path())?;
    if let Some(path) = &args.input.decode {
        let special = if args.special { Special::Keep } else { Special::Skip };
        let ids: Vec<TokenId> = super::json::read(path, "a JSON list of ids")?;
        return Ok(internlm_kit::outln!("{}", tokenizer.decode(&ids, special))?);
    }
    let text = match (&args.input.text, &args.input.file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => read_text(path)?,
        (None, None) => String::new(),
    };
    let mut ids = if args.special { tokenizer.encode_with_special(&text) } else { tokenizer.encode(&text) };
    if args.bos {
        let bos = tokenizer.bos().ok_or_else(|| {
            Error::argument("--bos", "a vocabulary without a begin-of-sequence token", "one that names it")
        })?;
        ids.insert(0, bos);
    }
    match args.format {
        Format::Ids => internlm_kit::outln!("{}", serde_json::to_string(&ids)?)?,
        Format::Tokens => {
            let mut stdout = internlm_kit::stdout::lock();
            for id in ids {
                writeln!(stdout, "{id}\t{}", serde_json::to_string(&tokenizer.token(id))?)?;
            }
            stdout.flush()?;
        }
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String, Error> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).at("standard input", "read")?;
        bytes
    } else {
        internlm_kit::file::read(path)?
    };
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to() as u64;
        Error::format(path, offset, "not UTF-8 text")
    })
}
