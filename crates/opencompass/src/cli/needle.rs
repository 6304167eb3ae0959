//! `opencompass needle`: makes the rows of a needle set from the user's texts.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use internlm_kit::file::{self, AtPath, AtomicFile};
use internlm_kit::outln;
use internlm_model::tokenizer::Tokenizer;

use crate::counted::counted;
use crate::needle::{NeedleConfig, NeedleSources, generate};

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  opencompass needle needle.toml --tokenizer model.gguf --texts essays.jsonl \
                        --needles needles.jsonl --names names.json --out needle.jsonl\n\n\
                        The file needle.toml has the keys task, language, lengths, depths, buffer, repeats, needles, \
                        gap, question and trace."
)]
pub(super) struct Arguments {
    /// The settings of the set in TOML.
    config: PathBuf,
    /// Model folder or GGUF file whose tokenizer counts the tokens.
    #[arg(long, value_name = "MODEL")]
    tokenizer: PathBuf,
    /// Texts that make the haystack: JSON lines with `text`. May be repeated.
    #[arg(long, value_name = "FILE")]
    texts: Vec<PathBuf>,
    /// Facts that are hidden: JSON lines like upstream's needles.jsonl. May be repeated.
    #[arg(long, value_name = "FILE")]
    needles: Vec<PathBuf>,
    /// Names of persons for relations: upstream's names.json.
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// File of the rows in JSON lines.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = file::read_to_string(&arguments.config)?;
    let config: NeedleConfig = internlm_kit::config::parse_unchecked(&text, &arguments.config, &[""; 0])?;
    let mut sources = NeedleSources::default();
    for path in &arguments.texts {
        sources = sources.with_texts(&file::read_to_string(path)?)?;
    }
    for path in &arguments.needles {
        sources = sources.with_needles(&file::read_to_string(path)?)?;
    }
    if let Some(path) = &arguments.names {
        sources = sources.with_names(&file::read_to_string(path)?, config.language)?;
    }
    let tokenizer = Tokenizer::load(&arguments.tokenizer).map_err(|source| crate::Error::Weights {
        model: "tokenizer".to_owned(),
        source: Box::new(source),
    })?;
    let mut out = AtomicFile::create(&arguments.out)?;
    let mut rows = 0_usize;
    generate(&config, &sources, Some(&tokenizer), &mut |row| {
        let line = internlm_kit::journal::line(&row).and_then(|line| out.write_all(&line));
        rows += 1;
        Ok(line.at(&arguments.out, "write")?)
    })?;
    out.commit()?;
    outln!("{}: {}", arguments.out.display(), counted(rows, "row"))?;
    Ok(ExitCode::SUCCESS)
}
