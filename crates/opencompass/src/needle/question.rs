//! [`Question`]: what one repeat of a needle set hides and asks. OpenCompass 0.5.4 `datasets/needlebench_v2` (Apache-2.0).

use serde_json::{Map, Value};

use super::config::{Language, NeedleConfig, Task};
use super::document::Needle;
use super::haystack::value;
use super::sources::{KnownNeedle, NeedleSources};
use super::story::Story;
use super::templates::{document_prompt, filled};
use crate::Result;
use crate::random::PythonRandom;

/// What one repeat hides and asks.
pub(super) struct Question {
    /// The sentences in their order.
    pub(super) needles: Vec<String>,
    /// The question behind the document, with the form of the answer.
    pub(super) question: String,
    /// The expected answer in the form that the evaluator takes apart.
    pub(super) answer: String,
    /// `multi`: the person that the question is about.
    pub(super) last_person: String,
}

impl Question {
    /// Draws the question of a repeat, whose number is the seed.
    pub(super) fn draw(config: &NeedleConfig, sources: &NeedleSources, repeat: usize) -> Result<Self> {
        match config.task {
            Task::Parallel => Self::parallel(config, sources, repeat),
            Task::Multi => Self::relations(config, sources, repeat),
            Task::Single | Task::Trace => Self::single(config, sources, repeat),
        }
    }

    /// The needles of the language, of those given.
    fn of_language(config: &NeedleConfig, needles: &[KnownNeedle]) -> Result<Vec<KnownNeedle>> {
        let name = config.language.name();
        let known: Vec<KnownNeedle> =
            needles.iter().filter(|needle| needle.language == name).cloned().collect();
        if known.is_empty() {
            return Err(value("needles", "none", format!("needles with the language `{name}`")));
        }
        Ok(known)
    }

    fn single(config: &NeedleConfig, sources: &NeedleSources, repeat: usize) -> Result<Self> {
        let known = Self::of_language(config, &sources.needles)?;
        let needle = PythonRandom::new(repeat as u64).choice(&known).clone();
        Ok(Self {
            answer: format!("\n{}\n*{}", needle.needle, needle.arg2),
            question: needle.retrieval_question,
            needles: vec![needle.needle],
            last_person: String::new(),
        })
    }

    /// Needles about different things and with different answers. Upstream chooses them without a seed; here the first
    /// choice has the seed 0.
    fn parallel(config: &NeedleConfig, sources: &NeedleSources, repeat: usize) -> Result<Self> {
        let mut needles = sources.needles.clone();
        PythonRandom::new(0).shuffle(&mut needles);
        let known = Self::of_language(config, &needles)?;
        let mut chosen: Vec<KnownNeedle> = Vec::new();
        for needle in known {
            let is_new = chosen.iter().all(|other| other.arg1 != needle.arg1 && other.arg2 != needle.arg2);
            if is_new && chosen.len() < config.depths.len() {
                chosen.push(needle);
            }
        }
        if chosen.len() < config.depths.len() {
            let expected = format!("{}, one per depth", config.depths.len());
            return Err(value("needles", format!("{} different ones", chosen.len()), expected));
        }
        PythonRandom::new(repeat as u64).shuffle(&mut chosen);
        let keywords: Vec<&str> = chosen.iter().map(|needle| needle.arg2.as_str()).collect();
        let depths: Vec<String> = config.depths.iter().map(ToString::to_string).collect();
        Ok(Self {
            answer: format!("{}#{}", keywords.join("*"), depths.join("*")),
            question: joined_questions(&chosen, config.language),
            needles: chosen.into_iter().map(|needle| needle.needle).collect(),
            last_person: String::new(),
        })
    }

    fn relations(config: &NeedleConfig, sources: &NeedleSources, repeat: usize) -> Result<Self> {
        let story = story(config, sources, repeat as u64)?;
        let person = story.youngest().to_owned();
        let question = match config.language {
            Language::En => format!(
                "Given the context described above, who is the eldest relative that '{person}' can trace back to in the \
                 context?"
            ),
            Language::Zh => format!("在上面提供的文本中，'{person}'的能够向上追溯到的最年长的亲人是谁？"),
        };
        Ok(Self {
            answer: story.eldest().to_owned(),
            question,
            needles: story.relations,
            last_person: person,
        })
    }

    /// The depths of the documents: one document has all depths of `parallel`.
    pub(super) fn depths(&self, config: &NeedleConfig) -> Vec<u32> {
        match config.task {
            Task::Parallel => config.depths.iter().take(1).copied().collect(),
            _ => config.depths.clone(),
        }
    }

    /// The needles at their places in the document.
    pub(super) fn needles_at(&self, config: &NeedleConfig, depth: u32) -> Vec<Needle> {
        let place = |index: usize| match config.task {
            Task::Parallel => config.depths[index],
            _ => (depth + config.gap * index as u32).min(100),
        };
        let needles = self.needles.iter().enumerate();
        needles.map(|(index, text)| Needle::line(text, f64::from(place(index)))).collect()
    }

    /// The columns `prompt` and `answer` around a document.
    pub(super) fn row(&self, config: &NeedleConfig, document: &str) -> Map<String, Value> {
        let template = document_prompt(config.task, config.language, config.question);
        let values = [
            ("context", document),
            ("question", self.question.as_str()),
            ("last_person", self.last_person.as_str()),
        ];
        let mut row = Map::new();
        row.insert("prompt".to_owned(), filled(template, &values).into());
        row.insert("answer".to_owned(), self.answer.clone().into());
        row
    }
}

/// All questions in one, and the form of all answers.
fn joined_questions(needles: &[KnownNeedle], language: Language) -> String {
    let (mark, stop) = match language {
        Language::En => ('?', '.'),
        Language::Zh => ('？', '。'),
    };
    let questions: Vec<String> = needles
        .iter()
        .map(|needle| format!("{}{mark}", needle.retrieval_question.split(mark).next().unwrap_or_default()))
        .collect();
    let form = |needle: &KnownNeedle| {
        let quoted = needle.retrieval_question.split('\'').nth(1).unwrap_or_default();
        quoted.split(stop).next().unwrap_or_default().to_owned()
    };
    let forms: Vec<String> = needles.iter().map(form).collect();
    let (questions, forms) = (questions.join("、"), forms.join("、"));
    match language {
        Language::En => format!("{questions}Please answer in the format of '{forms}'"),
        Language::Zh => format!("{questions}请按照'{forms}'的格式回答。"),
    }
}

/// Draws a chain of as many relations as the set has needles.
pub(super) fn story(config: &NeedleConfig, sources: &NeedleSources, seed: u64) -> Result<Story> {
    let mut random = PythonRandom::new(seed);
    Story::draw(&sources.names, config.needles, config.language, &mut random).ok_or_else(|| {
        value("names", sources.names.len().to_string(), format!("at least {} names", config.needles + 1))
    })
}
