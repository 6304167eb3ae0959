//! The prompts: OpenCompass 0.5.4 `datasets/needlebench_v2` (Apache-2.0).

use super::config::{Language, QuestionPosition, Task, TraceQuestion};

/// Returns the prompt around a document, with `{context}`, `{question}` and, for `multi`, `{last_person}`.
pub(super) fn document_prompt(task: Task, language: Language, position: QuestionPosition) -> &'static str {
    use Language::{En, Zh};
    use QuestionPosition::{End, Start};
    match (task, language, position) {
        (Task::Parallel, En, End) => include_str!("templates/parallel_en_end.txt"),
        (Task::Parallel, En, Start) => include_str!("templates/parallel_en_start.txt"),
        (Task::Parallel, Zh, End) => include_str!("templates/parallel_zh_end.txt"),
        (Task::Parallel, Zh, Start) => include_str!("templates/parallel_zh_start.txt"),
        (Task::Multi, En, End) => include_str!("templates/multi_en_end.txt"),
        (Task::Multi, En, Start) => include_str!("templates/multi_en_start.txt"),
        (Task::Multi, Zh, End) => include_str!("templates/multi_zh_end.txt"),
        (Task::Multi, Zh, Start) => include_str!("templates/multi_zh_start.txt"),
        (Task::Single | Task::Trace, En, End) => include_str!("templates/single_en_end.txt"),
        (Task::Single | Task::Trace, En, Start) => include_str!("templates/single_en_start.txt"),
        (Task::Single | Task::Trace, Zh, End) => include_str!("templates/single_zh_end.txt"),
        (Task::Single | Task::Trace, Zh, Start) => include_str!("templates/single_zh_start.txt"),
    }
}

/// Returns the prompt of a chain of relations, with `{shuffled_story}` and the names of the persons.
pub(super) fn trace_prompt(question: TraceQuestion, language: Language) -> &'static str {
    match (question, language) {
        (TraceQuestion::Eldest, Language::En) => include_str!("templates/trace_eldest_en.txt"),
        (TraceQuestion::Eldest, Language::Zh) => include_str!("templates/trace_eldest_zh.txt"),
        (TraceQuestion::Ancestor, Language::En) => include_str!("templates/trace_ancestor_en.txt"),
        (TraceQuestion::Ancestor, Language::Zh) => include_str!("templates/trace_ancestor_zh.txt"),
        (TraceQuestion::Descendant, Language::En) => include_str!("templates/trace_descendant_en.txt"),
        (TraceQuestion::Descendant, Language::Zh) => include_str!("templates/trace_descendant_zh.txt"),
        (TraceQuestion::Distance, Language::En) => include_str!("templates/trace_distance_en.txt"),
        (TraceQuestion::Distance, Language::Zh) => include_str!("templates/trace_distance_zh.txt"),
    }
}

/// Fills a prompt. Each place is filled once, so that a value may contain braces.
pub(super) fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let length: usize = values.iter().map(|(_, value)| value.len()).sum();
    let mut text = String::with_capacity(template.len() + length);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        text.push_str(before);
        let close = from.find('}');
        let name = close.map_or("", |close| &from[1..close]);
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => {
                text.push_str(value);
                rest = &from[name.len() + 2..];
            }
            None => {
                text.push('{');
                rest = &from[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_places_are_filled() {
        let text = filled(r"\boxed{a} {x} {y} { {x", &[("x", "{y}"), ("y", "2")]);
        assert_eq!(text, r"\boxed{a} {y} 2 { {x");
    }

    #[test]
    fn every_prompt_has_its_places() {
        for language in [Language::En, Language::Zh] {
            for position in [QuestionPosition::End, QuestionPosition::Start] {
                for task in [Task::Single, Task::Parallel, Task::Multi] {
                    let prompt = document_prompt(task, language, position);
                    assert!(prompt.contains("{context}") && prompt.contains("{question}"), "{task:?}");
                    assert_eq!(prompt.contains("{last_person}"), task == Task::Multi, "{task:?}");
                }
            }
            for question in TraceQuestion::ALL {
                assert!(trace_prompt(question, language).contains("{shuffled_story}"), "{question:?}");
            }
        }
    }
}
