//! The prompts of NeedleBench's first edition: OpenCompass 0.5.4 `datasets/needlebench` (Apache-2.0).

use super::arguments::Wording;
use crate::needle::config::{Language, Task};
use crate::needle::templates::filled;

/// Returns the prompt of a question about a document.
pub(super) fn prompt(task: Task, language: Language, document: &str, question: &str) -> String {
    let template = match (language, task) {
        (Language::En, Task::Parallel) => concat!(
            "You are an intelligent AI assistant skilled in answering user questions.\n",
            "Please keep your answers concise and clear. Do not talk about irrelevant topics or repeat your ",
            "answers.\nThe document given to you by the user is {context}\n\n",
            "Now, the questions are: {question}\n",
        ),
        (Language::En, _) => concat!(
            "You are an intelligent AI assistant skilled in answering user questions.\n",
            "Please keep your answers concise and clear. Do not talk about irrelevant topics or repeat your ",
            "answers.\nThe document given to you by the user is {context}\n\n",
            "Now, the question is: {question}",
        ),
        (Language::Zh, Task::Parallel) => concat!(
            "你是一个善于回答用户问题的智能AI助手\n",
            "请保持你的回答简洁清楚。不要说和下面文档中的无关的话，或重复你的回答\n",
            "请先仔细阅读下面的文档再依次回答最后提出的问题\n",
            "用户现在给你的文档是{context}\n\n现在请问：{question}\n",
        ),
        (Language::Zh, _) => concat!(
            "你是一个善于回答用户问题的智能AI助手\n",
            "请保持你的回答简洁清楚。不要说和下面文档中的无关的话，或重复你的回答\n",
            "用户现在给你的文档是{context}\n\n现在请问：{question}",
        ),
    };
    filled(template, &[("context", document), ("question", question)])
}

/// The words of a language around the form of the answer.
struct Words {
    /// Begins the part of a question that asks for a form.
    form: &'static str,
    /// The advice.
    advice: &'static str,
    /// The advice before the form, with what separates them.
    separator: &'static str,
    /// What a text to be completed leaves out.
    opening: &'static str,
    /// Number of letters at the end of the question that stand for the answer.
    gap: usize,
}

const ENGLISH: Words = Words {
    form: "Please answer in the format",
    advice: "Before answering, please consider what in the document is most relevant to this question.",
    separator: " ",
    opening: "Please answer in the format '",
    gap: 10,
};

const CHINESE: Words = Words {
    form: "请按照",
    advice: "在回答之前，请思考文档中与此问题最相关的内容是什么。",
    separator: "",
    opening: "请按照'",
    gap: 16,
};

/// Words a question as upstream does with `guide`.
pub(super) fn worded(
    task: Task,
    language: Language,
    wording: Wording,
    question: &str,
) -> Result<String, String> {
    let words = match language {
        Language::En => ENGLISH,
        Language::Zh => CHINESE,
    };
    if wording == Wording::Plain {
        return Ok(question.to_owned());
    }
    if task == Task::Multi {
        return Ok(format!("{question}{}", words.advice));
    }
    let mut parts = question.split(words.form);
    let (Some(before), Some(after)) = (parts.next(), parts.next()) else {
        return Err(format!("question: found `{question}`, expected `{}` in it", words.form));
    };
    let guided = format!("{before}{}{}{}{after}", words.advice, words.separator, words.form);
    if wording == Wording::Guided || task == Task::Parallel {
        return Ok(guided);
    }
    let opened = guided.replace(words.opening, "");
    let letters = opened.chars().count().saturating_sub(words.gap);
    Ok(opened.chars().take(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_guided_or_completed() {
        let question = "What is it? Please answer in the format 'The gem is ________.'";
        let worded = |wording| worded(Task::Single, Language::En, wording, question).expect("a form");
        assert_eq!(worded(Wording::Plain), question);
        let guided = worded(Wording::Guided);
        assert!(guided.starts_with("What is it? Before answering, please consider"), "{guided}");
        assert!(guided.ends_with("question. Please answer in the format 'The gem is ________.'"), "{guided}");
        let completed = worded(Wording::Completed);
        assert!(completed.ends_with("to this question. The gem is "), "{completed}");
        let error = super::worded(Task::Single, Language::Zh, Wording::Guided, question);
        let error = error.expect_err("no form");
        assert!(error.contains("请按照"), "{error}");
    }
}
