//! Relations between persons, in the same words and the same random order as upstream's.
//! OpenCompass 0.5.4 `datasets/needlebench_v2/atc.py` (Apache-2.0).

use super::config::Language;
use crate::random::PythonRandom;

/// A chain of relations, from the eldest person to the youngest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Story {
    /// The persons, the eldest first.
    pub(super) names: Vec<String>,
    /// One sentence per relation, in random order.
    pub(super) relations: Vec<String>,
    /// Number of generations between the first person and the last.
    pub(super) generations: usize,
}

impl Story {
    /// Draws a story of so many relations. `None` if there are not enough names.
    pub(super) fn draw(
        names: &[String],
        relations: usize,
        language: Language,
        random: &mut PythonRandom,
    ) -> Option<Self> {
        let names = random.sample(names, relations + 1)?;
        let terms = terms(language);
        let sentences = match language {
            Language::En => ENGLISH,
            Language::Zh => CHINESE,
        };
        let mut generations = 0;
        let mut relations = Vec::with_capacity(relations);
        for pair in names.windows(2) {
            let sentence = *random.choice(sentences);
            let (term, distance) = *random.choice(terms);
            generations += distance;
            let sentence = sentence.replace("{relationship}", term);
            relations.push(sentence.replace("{A}", &pair[0]).replace("{B}", &pair[1]));
        }
        random.shuffle(&mut relations);
        Some(Self { names, relations, generations })
    }

    /// The eldest person.
    pub(super) fn eldest(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// The youngest person.
    pub(super) fn youngest(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }
}

/// Returns the terms of relations with their numbers of generations.
pub(super) fn terms(language: Language) -> &'static [(&'static str, usize)] {
    match language {
        Language::En => ENGLISH_TERMS,
        Language::Zh => CHINESE_TERMS,
    }
}

/// Sentences in which `{A}` is the elder one.
const ENGLISH: &[&str] = &[
    "{A} is {B}'s {relationship}.",
    "{B}'s {relationship} is {A}.",
    "{A}, as {B}'s {relationship}, has a significant impact on {B}'s upbringing.",
    "{A} is not only {B}'s {relationship} but also {B}'s role model.",
    "During {B}'s upbringing, {A} was not only {B}'s {relationship}, but also {B}'s guardian.",
    "For {B}, {A} is not just a {relationship}, but also a friend.",
    "For {B}, {A} is more than just a {relationship}; {A} is a lifelong mentor of {B}.",
];

/// The same in Chinese.
const CHINESE: &[&str] = &[
    "{A}是{B}的{relationship}。",
    "{B}的{relationship}是{A}。",
    "{A}作为{B}的{relationship}，对{B}的成长有重要影响。",
    "{A}不仅是{B}的{relationship}，还是{B}的榜样。",
    "{A}在{B}的成长过程中，不仅仅是{B}的{relationship}，还是{B}的监护人。",
    "{A}对{B}来说，不只是一个{relationship}，还是一个朋友。",
];

/// Terms with their numbers of generations.
const ENGLISH_TERMS: &[(&str, usize)] = &[
    ("father", 1),
    ("mother", 1),
    ("dad", 1),
    ("mom", 1),
    ("grandfather", 2),
    ("grandmother", 2),
    ("maternal grandmother", 2),
    ("maternal grandfather", 2),
    ("paternal grandfather", 2),
    ("paternal grandmother", 2),
];

/// The same in Chinese.
const CHINESE_TERMS: &[(&str, usize)] = &[
    ("父亲", 1),
    ("母亲", 1),
    ("爸爸", 1),
    ("妈妈", 1),
    ("爷爷", 2),
    ("奶奶", 2),
    ("姥姥", 2),
    ("姥爷", 2),
    ("外公", 2),
    ("外婆", 2),
];
