//! The loaders of RULER's tasks. Each takes whole files: its sources, then the vocabulary that counts tokens.

use serde::Deserialize;

use super::super::cell::arguments;
use super::super::entry::LoaderEntry;
use super::coded;
use super::frequent_words::{CommonWords, Frequencies};
use super::needles::{HaystackKind, Hidden, Kind, Needles};
use super::pairs::{WordPairs, sorted, words};
use super::questions::{QuestionFile, Questions, Source};
use super::search::{Budget, Limit, Retry, SEED};
use super::variables::Variables;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::needle::{Number, SourceFiles};
use crate::random::PythonRandom;

/// Entries of the registry.
pub(in crate::dataset) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "ruler_niah", upstream: &["RulerNiahDataset"], load: niah },
    LoaderEntry { name: "ruler_vt", upstream: &["RulerVtDataset"], load: vt },
    LoaderEntry { name: "ruler_cwe", upstream: &["RulerCweDataset"], load: cwe },
    LoaderEntry { name: "ruler_fwe", upstream: &["RulerFweDataset"], load: fwe },
    LoaderEntry { name: "ruler_qa", upstream: &["RulerQaDataset"], load: qa },
];

/// Length from which lines of a haystack are added in larger steps.
const LONG: usize = 4096;

/// Maximum number of tokens of an example.
const TOKENS: usize = 1 << 24;
/// Maximum of the other numbers that say what an example has.
const PARTS: usize = 1000;
/// Maximum number of chains, and of their links.
const CHAINS: usize = 100;

/// Checks a number that says how large examples are.
fn at_most(key: &str, number: Number, most: usize) -> Result<usize, String> {
    match number.0 {
        number if number <= most => Ok(number),
        number => Err(format!("{key}: found {number}, expected at most {most}")),
    }
}

/// Reads the files of a set; `None` if only the arguments are checked.
fn opened(
    rows: Vec<Columns>,
    names: &[&str],
    tokenizer: Option<&str>,
) -> Result<Option<SourceFiles>, String> {
    if rows.is_empty() { Ok(None) } else { SourceFiles::read(rows, names, tokenizer).map(Some) }
}

/// Arguments of `ruler_niah`, with upstream's names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NiahArguments {
    max_seq_length: Number,
    num_samples: Number,
    tokens_to_generate: Number,
    type_haystack: HaystackKind,
    type_needle_k: Kind,
    type_needle_v: Kind,
    num_needle_k: Number,
    num_needle_v: Number,
    num_needle_q: Number,
    tokenizer: Option<String>,
}

impl NiahArguments {
    fn hidden(&self) -> Result<Hidden, String> {
        let keys = at_most("num_needle_k", self.num_needle_k, PARTS)?;
        let values = at_most("num_needle_v", self.num_needle_v, PARTS)?;
        let queries = at_most("num_needle_q", self.num_needle_q, PARTS)?;
        if keys == 0 || values == 0 || queries == 0 {
            let message = "num_needle_k, num_needle_v, num_needle_q: found 0, expected at least 1 of each";
            return Err(message.to_owned());
        }
        let (haystack, key, value) = (self.type_haystack, self.type_needle_k, self.type_needle_v);
        Ok(Hidden { haystack, key, value, keys, values, queries })
    }
}

/// `ruler_niah`: find the values of keys. Files: essays with one JSON object per line where the haystack is `essay`, nouns,
/// adjectives, vocabulary.
fn niah(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let arguments: NiahArguments = arguments(named)?;
    let hidden = arguments.hidden()?;
    let length = at_most("max_seq_length", arguments.max_seq_length, TOKENS)?;
    let answer = at_most("tokens_to_generate", arguments.tokens_to_generate, TOKENS)?;
    let names = niah_files(hidden.haystack);
    let Some(files) = opened(rows, names, arguments.tokenizer.as_deref())? else { return Ok(Vec::new()) };
    let (essays, lists) = match hidden.haystack {
        HaystackKind::Essay => (essays(&files.texts[0])?, &files.texts[1..]),
        HaystackKind::Repeat | HaystackKind::Needle => (String::new(), &files.texts[..]),
    };
    let essays: Vec<&str> = essays.split(' ').collect();
    let pairs = WordPairs::new(&words(&lists[1]), &words(&lists[0]));
    if pairs.count == 0 {
        return Err("nouns and adjectives: found no words, expected one per line".to_owned());
    }
    let (step, limit) = match hidden.haystack {
        HaystackKind::Essay => (500, Limit::Measured(essays.len())),
        _ if length < LONG => (5, Limit::None),
        _ => (25, Limit::None),
    };
    let budget = Budget { tokens: &files.tokens, length, answer, step, limit, retry: Retry::Smaller };
    budget.rows(Needles::new(hidden, &essays, &pairs), arguments.num_samples.0)
}

/// What the files of a haystack are.
fn niah_files(haystack: HaystackKind) -> &'static [&'static str] {
    const FILES: [&str; 3] = [
        "essays such as PaulGrahamEssays.jsonl",
        "wonderwords' nounlist.txt",
        "wonderwords' adjectivelist.txt",
    ];
    match haystack {
        HaystackKind::Essay => &FILES,
        HaystackKind::Repeat | HaystackKind::Needle => &FILES[1..],
    }
}

/// The texts of a JSON-lines file with single spaces between words, as upstream joins them.
fn essays(lines: &str) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Line {
        #[serde(default)]
        text: String,
    }
    let is_space = |letter: char| letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter);
    let mut joined = String::new();
    for (place, line) in lines.lines().enumerate() {
        let line: Line = serde_json::from_str(line).map_err(|error| {
            format!("essays: line {}: {error}, expected an object with `text`", place + 1)
        })?;
        joined.push_str(line.text.trim_matches(is_space));
        joined.push(' ');
    }
    let mut spaced = String::with_capacity(joined.len());
    for letter in joined.chars() {
        if !is_space(letter) {
            spaced.push(letter);
        } else if !spaced.ends_with(' ') {
            spaced.push(' ');
        }
    }
    Ok(spaced)
}

/// `ruler_vt`: follow assignments. File: vocabulary.
fn vt(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        max_seq_length: Number,
        num_samples: Number,
        tokens_to_generate: Number,
        num_chains: Number,
        num_hops: Number,
        tokenizer: Option<String>,
    }
    let arguments: Arguments = arguments(named)?;
    let length = at_most("max_seq_length", arguments.max_seq_length, TOKENS)?;
    let answer = at_most("tokens_to_generate", arguments.tokens_to_generate, TOKENS)?;
    let chains = at_most("num_chains", arguments.num_chains, CHAINS)?;
    let hops = at_most("num_hops", arguments.num_hops, CHAINS)?;
    if chains == 0 {
        return Err("num_chains: found 0, expected at least 1".to_owned());
    }
    let Some(files) = opened(rows, &[], arguments.tokenizer.as_deref())? else { return Ok(Vec::new()) };
    let (limit, retry) = (Limit::None, Retry::Same);
    let budget = Budget { tokens: &files.tokens, length, answer, step: 10, limit, retry };
    budget.rows(Variables::new(chains, hops), arguments.num_samples.0)
}

/// `ruler_cwe`: name the most common words. Files: nouns, adjectives, verbs, vocabulary.
fn cwe(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        max_seq_length: Number,
        num_samples: Number,
        tokens_to_generate: Number,
        freq_cw: Number,
        freq_ucw: Number,
        num_cw: Number,
        tokenizer: Option<String>,
    }
    const FILES: [&str; 3] =
        ["wonderwords' nounlist.txt", "wonderwords' adjectivelist.txt", "wonderwords' verblist.txt"];
    let arguments: Arguments = arguments(named)?;
    let length = at_most("max_seq_length", arguments.max_seq_length, TOKENS)?;
    let answer = at_most("tokens_to_generate", arguments.tokens_to_generate, TOKENS)?;
    let frequencies = Frequencies {
        asked: at_most("num_cw", arguments.num_cw, PARTS)?,
        common: at_most("freq_cw", arguments.freq_cw, PARTS)?,
        uncommon: at_most("freq_ucw", arguments.freq_ucw, PARTS)?,
    };
    let Some(files) = opened(rows, &FILES, arguments.tokenizer.as_deref())? else { return Ok(Vec::new()) };
    let all = files.texts.iter().flat_map(|text| words(text)).map(str::to_owned);
    let all = sorted(all.collect());
    let mut all: Vec<&str> = all.iter().map(String::as_str).collect();
    PythonRandom::new(SEED).shuffle(&mut all);
    let (limit, retry) = (Limit::Cut(all.len()), Retry::Smaller);
    let budget = Budget { tokens: &files.tokens, length, answer, step: 10, limit, retry };
    budget.rows(CommonWords::new(&all, length, frequencies), arguments.num_samples.0)
}

/// `ruler_fwe`: name the most frequent made-up words. File: vocabulary.
fn fwe(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        max_seq_length: Number,
        num_samples: Number,
        tokenizer: Option<String>,
    }
    let arguments: Arguments = arguments(named)?;
    let length = at_most("max_seq_length", arguments.max_seq_length, TOKENS)?;
    match opened(rows, &[], arguments.tokenizer.as_deref())? {
        Some(files) => coded::rows(&files.tokens, length, arguments.num_samples.0),
        None => Ok(Vec::new()),
    }
}

/// `ruler_qa`: answer from one of many documents. Files: questions with documents, vocabulary.
fn qa(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        max_seq_length: Number,
        num_samples: Number,
        tokens_to_generate: Number,
        dataset: Source,
        tokenizer: Option<String>,
    }
    const FILES: [&str; 1] = ["questions such as dev-v2.0.json or hotpotqa.json"];
    let arguments: Arguments = arguments(named)?;
    let length = at_most("max_seq_length", arguments.max_seq_length, TOKENS)?;
    let answer = at_most("tokens_to_generate", arguments.tokens_to_generate, TOKENS)?;
    let Some(files) = opened(rows, &FILES, arguments.tokenizer.as_deref())? else { return Ok(Vec::new()) };
    let file = QuestionFile::parse(arguments.dataset, &files.texts[0])?;
    let (limit, retry) = (Limit::Cut(file.documents()), Retry::Smaller);
    let budget = Budget { tokens: &files.tokens, length, answer, step: 10, limit, retry };
    budget.rows(Questions::new(&file), arguments.num_samples.0)
}
