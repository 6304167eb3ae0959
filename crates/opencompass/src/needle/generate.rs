//! [`generate`]: the questions of a set.

use internlm_model::tokenizer::Tokenizer;
use serde_json::{Map, Value, json};

use super::config::{Language, NeedleConfig, Task, TraceQuestion};
use super::document::Needle;
use super::haystack::{Haystack, value};
use super::sources::{KnownNeedle, NeedleSources};
use super::story::Story;
use super::templates::{document_prompt, filled, trace_prompt};
use crate::Result;
use crate::random::PythonRandom;

/// A question with its place in the set: the columns `prompt`, `answer`, `repeat`, and `length` and `depth` or
/// `question_type`.
pub type NeedleRow = Map<String, Value>;

/// Makes the questions of a set, repeat by repeat, and hands each to `emit`. Sets of long documents are larger than
/// memory, so none is kept.
///
/// The tokenizer counts the tokens of documents; `trace` needs none.
///
/// Needles, names and the order of the texts are drawn as upstream draws them. Documents differ from upstream's, which
/// counts tokens of another model, cuts sentences and comes near to the length only.
///
/// # Errors
/// [`Error::Value`](crate::Error::Value) for settings that cannot be used, sources that are missing and documents that
/// cannot be made; the errors of `emit`.
pub fn generate(
    config: &NeedleConfig,
    sources: &NeedleSources,
    tokenizer: Option<&Tokenizer>,
    emit: &mut dyn FnMut(NeedleRow) -> Result<()>,
) -> Result<()> {
    config.check()?;
    if config.task == Task::Trace {
        return trace(config, sources, emit);
    }
    let tokenizer =
        tokenizer.ok_or_else(|| value("tokenizer", "none", "the tokenizer that counts the tokens"))?;
    let longest = config.lengths.iter().max().copied().unwrap_or(0);
    let mut texts: Vec<&String> = sources.texts.iter().collect();
    for repeat in 0..config.repeats {
        PythonRandom::new(repeat as u64).shuffle(&mut texts);
        let question = Question::draw(config, sources, repeat)?;
        let haystack = Haystack::new(&texts, tokenizer, longest)?;
        for length in &config.lengths {
            for depth in question.depths(config) {
                let document =
                    haystack.document(&question.needles_at(config, depth), length - config.buffer)?;
                let mut row = question.row(config, &document);
                row.insert("length".to_owned(), json!(length));
                if config.task != Task::Parallel {
                    row.insert("depth".to_owned(), json!(depth));
                }
                row.insert("repeat".to_owned(), json!(repeat));
                emit(row)?;
            }
        }
    }
    Ok(())
}

/// What one repeat hides and asks.
struct Question {
    /// The sentences in their order.
    needles: Vec<String>,
    question: String,
    answer: String,
    /// `multi`: the person that the question is about.
    last_person: String,
}

impl Question {
    fn draw(config: &NeedleConfig, sources: &NeedleSources, repeat: usize) -> Result<Self> {
        match config.task {
            Task::Parallel => Self::parallel(config, sources, repeat),
            Task::Multi => Self::relations(config, sources, repeat),
            Task::Single | Task::Trace => Self::single(config, sources, repeat),
        }
    }

    /// The needles of a language.
    fn known(config: &NeedleConfig, sources: &NeedleSources) -> Result<Vec<KnownNeedle>> {
        let name = config.language.name();
        let known: Vec<KnownNeedle> =
            sources.needles.iter().filter(|needle| needle.language == name).cloned().collect();
        if known.is_empty() {
            return Err(value("needles", "none", format!("needles with the language `{name}`")));
        }
        Ok(known)
    }

    fn single(config: &NeedleConfig, sources: &NeedleSources, repeat: usize) -> Result<Self> {
        let known = Self::known(config, sources)?;
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
        let mut known = Self::known(config, sources)?;
        PythonRandom::new(0).shuffle(&mut known);
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
    fn depths(&self, config: &NeedleConfig) -> Vec<u32> {
        match config.task {
            Task::Parallel => config.depths.iter().take(1).copied().collect(),
            _ => config.depths.clone(),
        }
    }

    fn needles_at(&self, config: &NeedleConfig, depth: u32) -> Vec<Needle> {
        let place = |index: usize| match config.task {
            Task::Parallel => config.depths[index],
            _ => (depth + config.gap * index as u32).min(100),
        };
        let needles = self.needles.iter().enumerate();
        needles.map(|(index, text)| Needle::line(text, f64::from(place(index)))).collect()
    }

    fn row(&self, config: &NeedleConfig, document: &str) -> NeedleRow {
        let template = document_prompt(config.task, config.language, config.question);
        let values = [
            ("context", document),
            ("question", self.question.as_str()),
            ("last_person", self.last_person.as_str()),
        ];
        let mut row = NeedleRow::new();
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

fn story(config: &NeedleConfig, sources: &NeedleSources, seed: u64) -> Result<Story> {
    let mut random = PythonRandom::new(seed);
    Story::draw(&sources.names, config.needles, config.language, &mut random).ok_or_else(|| {
        value("names", sources.names.len().to_string(), format!("at least {} names", config.needles + 1))
    })
}

/// The questions about chains of relations, which are those of upstream letter by letter.
fn trace(
    config: &NeedleConfig,
    sources: &NeedleSources,
    emit: &mut dyn FnMut(NeedleRow) -> Result<()>,
) -> Result<()> {
    for question in &config.trace {
        let place = TraceQuestion::ALL.iter().position(|other| other == question).unwrap_or(0);
        for repeat in 0..config.repeats {
            let story = story(config, sources, (repeat + 1 + 10_000 * place) as u64)?;
            let (relations, generations) = (story.relations.concat(), story.generations.to_string());
            let (eldest, youngest) = (story.eldest(), story.youngest());
            let (person, answer) = match question {
                TraceQuestion::Eldest | TraceQuestion::Ancestor => (youngest, eldest),
                TraceQuestion::Descendant => (eldest, youngest),
                TraceQuestion::Distance => (eldest, generations.as_str()),
            };
            let values = [
                ("shuffled_story", relations.as_str()),
                ("last_person", youngest),
                ("person", person),
                ("n", generations.as_str()),
                ("person_a", eldest),
                ("person_b", youngest),
            ];
            let mut row = NeedleRow::new();
            row.insert("prompt".to_owned(), filled(trace_prompt(*question, config.language), &values).into());
            row.insert("answer".to_owned(), answer.into());
            row.insert("question_type".to_owned(), json!(question));
            row.insert("repeat".to_owned(), json!(repeat));
            emit(row)?;
        }
    }
    Ok(())
}
