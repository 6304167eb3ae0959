//! The tables: names, texts and what is near an unknown name.

use super::catalog::{LLAMA_CPP, LMDEPLOY, NamedTemplate, find, nearest};
use super::form::Form;

fn all() -> impl Iterator<Item = &'static NamedTemplate> {
    LMDEPLOY.iter().chain(LLAMA_CPP.iter())
}

#[test]
fn every_name_is_found_and_there_once() {
    let names: Vec<&str> = all().flat_map(|template| &template.names).map(String::as_str).collect();
    assert_eq!(names.len(), 13 + 52, "LMDeploy's and llama.cpp's, of which two are LMDeploy's too");
    for name in &names {
        assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
        assert!(
            find(name).is_some_and(|template| template.names.iter().any(|other| other == name)),
            "{name}"
        );
    }
    assert!(["", "Chatml", "hf", "qwen"].iter().all(|name| find(name).is_none()), "nothing is guessed");
}

#[test]
fn every_text_has_a_place_in_its_form() {
    let forms = [include_str!("roles.jinja"), include_str!("boxes.jinja"), include_str!("rounds.jinja")];
    for template in all() {
        let source = match template.form {
            Form::Roles => forms[0],
            Form::Boxes | Form::Thinking => forms[1],
            Form::Rounds => forms[2],
        };
        let words: Vec<&str> = source.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let unknown = template.texts.keys().find(|key| !words.contains(&key.as_str()));
        assert_eq!(unknown, None, "{:?}", template.names);
    }
    // Tools are told of in a text, and reasoning is looked for only where the form begins it.
    for word in ["tools", "tool_calls", "thinking", "enable_thinking", "reasoning_effort", "<think>"] {
        assert!(forms.iter().all(|form| !form.contains(word)), "{word}");
    }
}

#[test]
fn unknown_names_are_compared_with_all_others() {
    assert_eq!(nearest("chatml", 1), ["chatml"]);
    assert_eq!(nearest("mistral-v4", 3), ["mistral-v1", "mistral-v3", "mistral-v7"]);
    assert_eq!(nearest("Llama3", 2), ["llama3", "llama2"]);
    assert_eq!(nearest("gpt_oss", 1), ["gpt-oss"]);
    assert_eq!(nearest("深い", 2).len(), 2);
}
