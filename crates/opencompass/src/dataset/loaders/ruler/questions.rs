//! `ruler_qa`: a question about one document among many (`RulerQaDataset`).

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;

use super::pairs::sorted;
use super::search::{SEED, Sample, Task, Unfit};
use crate::prompt::python_str;
use crate::random::PythonRandom;

const TEMPLATE: &str = "Answer the question based on the given documents. Only give me the answer and do not output any \
    other words.\n\nThe following are given documents.\n\n{context}\n\nAnswer the question based on the given documents. Only \
    give me the answer and do not output any other words.\n\nQuestion: {query} Answer:";

/// The source of questions.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    /// SQuAD 2.0, `dev-v2.0.json`.
    Squad,
    /// HotpotQA with distractors.
    Hotpotqa,
}

/// A question with its documents.
struct Question {
    query: String,
    answers: Vec<String>,
    /// Documents with the answer, or for HotpotQA all that belong to the question.
    context: Vec<usize>,
    /// Other documents of the same article.
    more: Vec<usize>,
}

/// Questions and documents, each once and sorted.
pub(super) struct QuestionFile {
    questions: Vec<Question>,
    documents: Vec<String>,
}

impl QuestionFile {
    /// Parses the file of a source.
    pub(super) fn parse(source: Source, text: &str) -> Result<Self, String> {
        match source {
            Source::Squad => squad(text),
            Source::Hotpotqa => hotpot(text),
        }
    }

    /// Number of different documents.
    pub(super) fn documents(&self) -> usize {
        self.documents.len()
    }
}

/// The task with its file and random numbers.
#[derive(Clone)]
pub(super) struct Questions<'a> {
    file: &'a QuestionFile,
    /// The documents in the order of upstream's list, which is shuffled where all of them are shown.
    order: Vec<usize>,
    random: PythonRandom,
}

impl<'a> Questions<'a> {
    /// Starts with upstream's seed.
    pub(super) fn new(file: &'a QuestionFile) -> Self {
        Self { file, order: (0..file.documents.len()).collect(), random: PythonRandom::new(SEED) }
    }

    /// The documents of an example, by their places in the file.
    fn chosen(&mut self, question: &Question, size: usize) -> Result<Vec<usize>, Unfit> {
        let (context, more) = (&question.context, &question.more);
        let wanted = size.checked_sub(context.len());
        let mut places = context.clone();
        match wanted {
            Some(wanted) if wanted <= more.len() => {
                places.extend(self.random.sample(more, wanted).ok_or(Unfit::Size)?);
            }
            Some(wanted) => {
                places.extend(more);
                let all = 0..self.order.len();
                let others: Vec<usize> = all.filter(|place| !places.contains(place)).collect();
                let wanted = wanted - more.len();
                places.extend(self.random.sample(&others, wanted).ok_or(Unfit::Size)?);
            }
            None => return Err(Unfit::Size),
        }
        Ok(places.into_iter().map(|place| self.order[place]).collect())
    }
}

impl Task for Questions<'_> {
    fn example(&mut self, index: usize, size: usize) -> Result<Sample, Unfit> {
        let file = self.file;
        let question = file.questions.get(index).ok_or(Unfit::Index(file.questions.len()))?;
        let documents = if size < file.documents.len() {
            let mut documents = self.chosen(question, size)?;
            PythonRandom::new(SEED).shuffle(&mut documents);
            documents
        } else {
            PythonRandom::new(SEED).shuffle(&mut self.order);
            self.order.clone()
        };
        let shown = documents.iter().enumerate();
        let shown = shown.map(|(place, document)| {
            let text = &file.documents[*document];
            format!("Document {}:\n{text}", place + 1)
        });
        let context = shown.collect::<Vec<_>>().join("\n\n");
        let (before, after) = TEMPLATE.split_once("{context}").unwrap_or_default();
        let prompt = format!("{before}{context}{}", after.replace("{query}", &question.query));
        let answer = question.answers.clone();
        let closing = format!(" {}", python_str(&json!(answer)));
        Ok(Sample { prompt, answer, closing })
    }
}

/// Places of documents by their texts.
fn places(documents: &[String]) -> HashMap<&str, usize> {
    documents.iter().enumerate().map(|(place, document)| (document.as_str(), place)).collect()
}

/// The questions of SQuAD that have an answer.
fn squad(text: &str) -> Result<QuestionFile, String> {
    #[derive(Deserialize)]
    struct File {
        data: Vec<Article>,
    }
    #[derive(Deserialize)]
    struct Article {
        paragraphs: Vec<Paragraph>,
    }
    #[derive(Deserialize)]
    struct Paragraph {
        context: String,
        qas: Vec<Asked>,
    }
    #[derive(Deserialize)]
    struct Asked {
        question: String,
        answers: Vec<Answer>,
        is_impossible: bool,
    }
    #[derive(Deserialize)]
    struct Answer {
        text: String,
    }
    let File { data } = serde_json::from_str(text).map_err(|error| format!("SQuAD 2.0: {error}"))?;
    let paragraphs = data.iter().flat_map(|article| &article.paragraphs);
    let documents = sorted(paragraphs.map(|paragraph| paragraph.context.clone()).collect());
    let places = places(&documents);
    let mut questions = Vec::new();
    for article in &data {
        let paragraphs = article.paragraphs.iter();
        let all: Vec<usize> = paragraphs.map(|paragraph| places[paragraph.context.as_str()]).collect();
        for (paragraph, place) in article.paragraphs.iter().zip(&all) {
            for asked in paragraph.qas.iter().filter(|asked| !asked.is_impossible) {
                questions.push(Question {
                    query: asked.question.clone(),
                    answers: asked.answers.iter().map(|answer| answer.text.clone()).collect(),
                    context: vec![*place],
                    more: all.iter().copied().filter(|other| other != place).collect(),
                });
            }
        }
    }
    drop(places);
    Ok(QuestionFile { questions, documents })
}

/// The questions of HotpotQA.
fn hotpot(text: &str) -> Result<QuestionFile, String> {
    #[derive(Deserialize)]
    struct Asked {
        question: String,
        answer: String,
        /// Titles with their sentences.
        context: Vec<(String, Vec<String>)>,
    }
    let all: Vec<Asked> = serde_json::from_str(text).map_err(|error| format!("HotpotQA: {error}"))?;
    let document = |(title, sentences): &(String, Vec<String>)| format!("{title}\n{}", sentences.concat());
    let documents = sorted(all.iter().flat_map(|asked| asked.context.iter().map(document)).collect());
    let places = places(&documents);
    let question = |asked: &Asked| Question {
        query: asked.question.clone(),
        answers: vec![asked.answer.clone()],
        context: asked.context.iter().map(|entry| places[document(entry).as_str()]).collect(),
        more: Vec::new(),
    };
    let questions = all.iter().map(question).collect();
    drop(places);
    Ok(QuestionFile { questions, documents })
}
