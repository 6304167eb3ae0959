//! `wanjuan-data filter`: asks rule sets about documents without rewriting them.

use std::borrow::Cow;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use internlm_kit::config::{ConfigError, parse_unchecked};
use internlm_kit::file::AtPath;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::filter::{Decision, RuleSet, Sentences, View};
use crate::stage_table::BuiltStage;
use crate::{Error, Result, StageConfig};

/// Arguments of `filter`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data filter --rules gopher-quality,gopher-repetition,c4,fineweb < docs.jsonl > decisions.jsonl
  wanjuan-data filter --rules c4,fineweb --set c4.min-sentences=-1 --each < docs.jsonl
  wanjuan-data filter --rules c4-bad-words --set c4-bad-words.lists=ldnoobw < docs.jsonl
  wanjuan-data filter --rules gopher-quality --compat datatrove < docs-with-words.jsonl")]
pub(super) struct FilterArguments {
    /// Apply these rule sets in order: gopher-quality, gopher-repetition, c4, c4-paragraphs, c4-bad-words, fineweb,
    /// refinedweb, separators, abnormal-characters, punctuation, decontaminate. The first one that drops a document gives
    /// the reason; each of them looks at the original text.
    #[arg(long, value_delimiter = ',', required = true)]
    rules: Vec<String>,
    /// Decide, and name reasons, as another program does. Documents may then carry its `words` (texts) and `sentences`
    /// (texts, or their number in each line). Default: our own decisions.
    #[arg(long, value_enum)]
    compat: Option<CompatArgument>,
    /// Override one setting of a rule set, such as c4.min-sentences=3; repeatable.
    #[arg(long = "set", value_name = "RULES.KEY=VALUE")]
    overrides: Vec<String>,
    /// Add the decision of each rule set on its own, under the key `rules`.
    #[arg(long)]
    each: bool,
    /// With --each, add the text that is left by rule sets that change it.
    #[arg(long, requires = "each")]
    text: bool,
    /// Number of worker threads; 0 for one per core. The output does not depend on it.
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CompatArgument {
    /// The decisions and names of datatrove 0.10.
    Datatrove,
}

/// A line of the input.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    id: Id<'a>,
    #[serde(borrow, alias = "text")]
    content: Cow<'a, str>,
    language: Option<String>,
    #[serde(borrow)]
    words: Option<Vec<Word<'a>>>,
    sentences: Option<Sentences>,
}

/// The id of a document, printed as it was read.
#[derive(Deserialize, Serialize)]
#[serde(untagged, expecting = "an `id` that is neither a text nor an integer")]
enum Id<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Number(i64),
    LargeNumber(u64),
}

/// A word of the input, in place where JSON spells it as it is.
#[derive(Deserialize)]
struct Word<'a>(#[serde(borrow)] Cow<'a, str>);

/// A line of the output.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a Id<'a>,
    #[serde(flatten)]
    ruling: Ruling<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A decision.
#[derive(Serialize)]
struct Ruling<'a> {
    keep: bool,
    reason: Option<&'a str>,
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

impl<'a> Ruling<'a> {
    fn of(decision: &'a Decision) -> Self {
        let reason = decision.reason();
        Self {
            keep: reason.is_none(),
            reason: reason.map(|reason| reason.rule.as_ref()),
            value: reason.and_then(|reason| reason.value),
            threshold: reason.and_then(|reason| reason.threshold),
            detail: reason.and_then(|reason| reason.detail.as_deref()),
            text: None,
        }
    }
}

/// Size of a batch of input in bytes; bounds the memory taken.
const BATCH_BYTES: usize = 8 << 20;

pub(super) fn run(arguments: &FilterArguments) -> anyhow::Result<()> {
    let rules = rule_sets(arguments)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    let (mut input, mut output) = (io::stdin().lock(), internlm_kit::stdout::lock());
    let mut offset = 0;
    loop {
        let batch = read_batch(&mut input, &mut offset)?;
        if batch.is_empty() {
            break;
        }
        let decide = |(offset, line): &(u64, Vec<u8>)| decide(arguments, &rules, *offset, line);
        let rows: Vec<Result<Vec<u8>>> = pool.install(|| batch.par_iter().map(decide).collect());
        for row in rows {
            // Rows before a bad line are written.
            let row = row.inspect_err(|_| output.flush().unwrap_or_default())?;
            output.write_all(&row)?;
        }
    }
    Ok(output.flush()?)
}

/// The rule sets that the command line names.
fn rule_sets(arguments: &FilterArguments) -> anyhow::Result<Vec<Box<dyn RuleSet>>> {
    let unused = |set: &&String| !arguments.rules.iter().any(|name| prefixed(set, name).is_some());
    if let Some(set) = arguments.overrides.iter().find(unused) {
        let names = arguments.rules.join(", ");
        anyhow::bail!(bad_usage(
            "--set",
            format!("{set:?}"),
            format!("RULES.KEY=VALUE with RULES one of {names}")
        ));
    }
    let build = |name: &String| -> anyhow::Result<Box<dyn RuleSet>> {
        let known = StageConfig::rule_sets();
        let unknown = || {
            let expected = format!("the name of a rule set: {}", known.join(", "));
            bad_usage("--rules", format!("{name:?}"), expected)
        };
        if !known.contains(&name.as_str()) {
            return Err(unknown().into());
        }
        let compat = arguments.compat.map_or("", |CompatArgument::Datatrove| "compat = \"datatrove\"\n");
        let overrides: Vec<String> =
            arguments.overrides.iter().filter_map(|set| prefixed(set, name)).map(str::to_owned).collect();
        // The name goes through TOML, whose quotes it must not end.
        let toml = format!("stage = {}\n{compat}", toml::Value::String(name.clone()));
        // Names the override as it was given.
        let given = |error: ConfigError| match error {
            ConfigError::Override { text, message } => {
                ConfigError::Override { text: format!("{name}.{text}"), message }
            }
            other => other,
        };
        let config: StageConfig = parse_unchecked(&toml, "--rules", &overrides).map_err(given)?;
        match config.build()? {
            BuiltStage::Rules(rules) => Ok(rules),
            BuiltStage::Stage(_) | BuiltStage::Pass(_) => Err(unknown().into()),
        }
    };
    arguments.rules.iter().map(build).collect()
}

/// `set` without `name.` in front.
fn prefixed<'a>(set: &'a str, name: &str) -> Option<&'a str> {
    set.strip_prefix(name)?.strip_prefix('.')
}

fn bad_usage(option: &'static str, found: String, expected: String) -> Error {
    Error::Usage { option, found, expected }
}

/// Lines with their offsets; none at the end of the input.
fn read_batch(input: &mut impl BufRead, offset: &mut u64) -> Result<Vec<(u64, Vec<u8>)>> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while bytes < BATCH_BYTES {
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line).at("standard input", "read")?;
        if read == 0 {
            break;
        }
        if !line.trim_ascii().is_empty() {
            batch.push((*offset, line));
        }
        bytes += read;
        *offset += read as u64;
    }
    Ok(batch)
}

/// The row of one record.
fn decide(
    arguments: &FilterArguments,
    rules: &[Box<dyn RuleSet>],
    offset: u64,
    line: &[u8],
) -> Result<Vec<u8>> {
    let record: Record<'_> = serde_json::from_slice(line).map_err(|error| Error::Format {
        path: PathBuf::from("standard input"),
        offset,
        found: error.to_string(),
        expected: "one JSON object per line, with `id` and `content`".to_owned(),
    })?;
    let mut view = View::new(&record.content);
    if let Some(language) = &record.language {
        view = view.with_language(language);
    }
    if let Some(words) = &record.words {
        view = view.with_words(words.iter().map(|word| word.0.as_ref()).collect());
    }
    if let Some(sentences) = &record.sentences {
        view = view.with_sentences(sentences);
    }
    let mut decisions = Vec::new();
    for set in rules {
        decisions.push((set.name(), set.decide(&view)));
        if !arguments.each && decisions.last().is_some_and(|(_, decision)| decision.reason().is_some()) {
            break;
        }
    }
    Ok(row(arguments, &record.id, &decisions))
}

fn row(arguments: &FilterArguments, id: &Id<'_>, decisions: &[(&'static str, Decision)]) -> Vec<u8> {
    let first = decisions.iter().find(|(_, decision)| decision.reason().is_some());
    let each = |(name, decision): &(&'static str, Decision)| {
        let text = match decision {
            Decision::Rewrite(text) if arguments.text => Some(text.as_str()),
            _ => None,
        };
        let ruling = serde_json::to_value(Ruling { text, ..Ruling::of(decision) });
        ((*name).to_owned(), ruling.expect("decisions are plain data"))
    };
    let row = Row {
        id,
        ruling: Ruling::of(first.map_or(&Decision::Keep, |(_, decision)| decision)),
        rule: first.map(|(name, _)| *name),
        rules: arguments.each.then(|| decisions.iter().map(each).collect()),
    };
    let mut bytes = serde_json::to_vec(&row).expect("decisions are plain data");
    bytes.push(b'\n');
    bytes
}
