//! `needle_chain`: the chains of relations of NeedleBench's first edition (`NeedleBenchATCDataset`).
//! Prompts: OpenCompass 0.5.4 `datasets/needlebench` (Apache-2.0).

use serde::Deserialize;
use serde_json::json;

use crate::dataset::Named;
use crate::needle::config::Language;
use crate::needle::generate::NeedleRow;
use crate::needle::source_files::{Number, whole_texts};
use crate::needle::sources::NeedleSources;
use crate::needle::story::terms;
use crate::random::PythonRandom;

/// Maximum number of persons of a chain.
const PERSONS: usize = 10_000;

/// Orders of the four choices, each of which makes a question.
const PATTERNS: [&str; 4] = ["ABCD", "BCDA", "CDAB", "DABC"];

/// How a chain is told and asked about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// Relations in random order; one of four persons is the answer.
    Choice,
    /// Relations in random order.
    Shuffled,
    /// Relations from the eldest person to the youngest.
    Ordered,
}

/// The arguments; numbers may be texts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    form: Form,
    language: Language,
    /// Number of persons, one more than there are relations.
    needles: Number,
    repeats: Number,
}

/// `needle_chain`: who is the eldest person? The file is that of names. Chains of `choice` have the number of the repeat as
/// seed. Upstream draws the others without a seed; here a set has the seed 0.
///
/// # Errors
/// The argument or file that cannot be used, with what was expected.
pub(crate) fn load_chains(named: &Named, rows: Vec<NeedleRow>) -> Result<Vec<NeedleRow>, String> {
    let Arguments { form, language, needles: Number(persons), repeats: Number(repeats) } =
        named.arguments().map_err(|error| error.to_string())?;
    if !(2..=PERSONS).contains(&persons) {
        return Err(format!("needles: found {persons}, expected 2 to {PERSONS} persons"));
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let texts = whole_texts(rows)?;
    let [names] = &texts[..] else {
        return Err(format!("found {} files, expected the names, such as names.json", texts.len()));
    };
    let sources = NeedleSources::default().with_names(names, language).map_err(|error| error.to_string())?;
    let mut random = PythonRandom::new(0);
    let mut found = Vec::new();
    for repeat in 0..repeats {
        if form == Form::Choice {
            random = PythonRandom::new(repeat as u64);
        }
        let few = || format!("names: found {}, expected more than {persons}", sources.names.len());
        let chain = random.sample(&sources.names, persons).ok_or_else(few)?;
        let story = told(&mut random, &chain, language, form);
        let youngest = chain.last().map_or("", String::as_str);
        let question = format!("{story} {}", asked(language, form).replace("{youngest}", youngest));
        if form == Form::Choice {
            let options = options(&mut random, &chain, &sources.names).ok_or_else(few)?;
            found.extend(PATTERNS.map(|pattern| choice(repeat, &question, &options, pattern)));
        } else {
            let answer = format!("{0}*{0}", chain[0]);
            found.push(NeedleRow::from_iter([
                ("prompt".to_owned(), question.into()),
                ("answer".to_owned(), answer.into()),
            ]));
        }
    }
    Ok(found)
}

/// Tells the relations of a chain.
fn told(random: &mut PythonRandom, chain: &[String], language: Language, form: Form) -> String {
    let sentences = match language {
        Language::En => ENGLISH,
        Language::Zh => CHINESE,
    };
    let mut parts = Vec::with_capacity(chain.len());
    for pair in chain.windows(2) {
        let sentence = *random.choice(sentences);
        let (term, _) = *random.choice(terms(language));
        let sentence = sentence.replace("{relationship}", term);
        parts.push(sentence.replace("{A}", &pair[0]).replace("{B}", &pair[1]));
    }
    // Upstream's list of relations ends with an empty text, which is shuffled too.
    parts.push(String::new());
    if form != Form::Ordered {
        random.shuffle(&mut parts);
    }
    parts.concat()
}

/// The first persons of a chain, and other ones if there are fewer than four.
fn options(random: &mut PythonRandom, chain: &[String], names: &[String]) -> Option<Vec<String>> {
    let mut options: Vec<String> = chain.iter().take(PATTERNS.len()).cloned().collect();
    let missing = PATTERNS.len() - options.len();
    if missing > 0 {
        let others: Vec<String> = names.iter().filter(|name| !chain.contains(name)).cloned().collect();
        options.extend(random.sample(&others, missing)?);
    }
    Some(options)
}

/// The question with its choices in one of their orders. The first person is the answer.
fn choice(repeat: usize, question: &str, options: &[String], pattern: &str) -> NeedleRow {
    let letters = || ('A'..='D').zip(pattern.bytes());
    let lines =
        letters().map(|(letter, shown)| format!("{letter}. {}\n", options[usize::from(shown - b'A')]));
    let right: String = letters().filter(|(_, shown)| *shown == b'A').map(|(letter, _)| letter).collect();
    let question = format!("{}\n{}", question.trim(), lines.collect::<String>());
    NeedleRow::from_iter([
        ("question".to_owned(), question.into()),
        ("answer".to_owned(), format!("{repeat}--{right}--{pattern}").into()),
        ("repeat".to_owned(), json!(repeat)),
    ])
}

/// What is asked about a chain.
fn asked(language: Language, form: Form) -> &'static str {
    match (language, form) {
        (Language::En, Form::Choice) => include_str!("chain_choice_en.txt"),
        (Language::Zh, Form::Choice) => include_str!("chain_choice_zh.txt"),
        (Language::En, _) => include_str!("chain_en.txt"),
        (Language::Zh, _) => include_str!("chain_zh.txt"),
    }
}

/// Sentences in which `{A}` is the elder one.
const ENGLISH: &[&str] = &[
    "{A} is {B}'s {relationship}.",
    "{B}'s {relationship} is {A}.",
    "{A}, as {B}'s {relationship}, has a significant impact on {B}'s upbringing.",
    "{A} is not only {B}'s {relationship} but also {B}'s role model.",
    "{B} is the child of {A}.",
    "For {B}, {A} is not just a {relationship}, but also a friend.",
    "{A} plays the role of {B}'s {relationship} in {B}'s life.",
    "{B} considers {A} as their {relationship}.",
];

/// The same in Chinese.
const CHINESE: &[&str] = &[
    "{A}是{B}的{relationship}。",
    "{B}的{relationship}是{A}。",
    "{A}作为{B}的{relationship}，对{B}的成长有重要影响。",
    "{A}不仅是{B}的{relationship}，还是{B}的榜样。",
    "{B}是{A}所生的孩子。",
    "{A}对{B}来说，不只是一个{relationship}，还是一个朋友。",
    "{A}在{B}的生命中扮演着{relationship}的角色。",
    "{B}把{A}视为其{relationship}。",
];
