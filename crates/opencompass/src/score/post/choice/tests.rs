//! Results of upstream's functions, and where the fixed readings differ.

use super::*;

fn read(named: &Named, reading: Reading, text: &str) -> Value {
    let entry = ENTRIES.iter().find(|entry| entry.name == named.name()).expect("an entry of this file");
    entry.create(named, reading).expect("arguments that fit")(text)
}

#[test]
fn letters_behind_answer() {
    let gpqa = Named::new("GPQA_Simple_Eval_postprocess");
    for (text, compat, fixed) in [
        ("Answer: B", "B", "B"),
        ("answer: c", "c", "C"),
        ("Answer: A. Wait. **Answer**: $\\text{D}$", "A", "D"),
    ] {
        assert_eq!(read(&gpqa, Reading::Compat, text), compat, "{text}");
        assert_eq!(read(&gpqa, Reading::Fixed, text), fixed, "{text}");
    }
    assert!(read(&gpqa, Reading::Compat, "B").is_null());
}

#[test]
fn selections_and_choices() {
    for (text, answer) in [("my selection 3!", "Selection 3"), ("a 2", "Selection 2"), (" none ", "none")] {
        assert_eq!(selection(text), answer, "{text}");
    }
    assert_eq!((choice("so b."), choice(" none ")), ("B".to_owned(), "none".to_owned()));
}

#[test]
fn stereotypes() {
    for (text, compat, fixed) in [
        ("A", "A", "A"),
        ("Sentence B is", "B", "B"),
        ("Because B", "B", "B"),
        ("Another one", "A", "invalid"),
        ("I say B", "invalid", "B"),
        ("Both A and B", "invalid", "invalid"),
    ] {
        assert_eq!((crowspairs(text).as_str(), fixed_crowspairs(text).as_str()), (compat, fixed), "{text}");
    }
}

#[test]
fn labels_of_supergpqa() {
    let named = Named::new("supergpqa_option");
    for (text, letter) in [
        (r"So the best option is $\boxed{B}$:", Some("B")),
        ("The correct answer is (C).\nSo we hope", Some("C")),
        ("ANSWER: **D**", Some("D")),
        ("[E]:", Some("E")),
        ("perhaps", None),
    ] {
        assert_eq!(read(&named, Reading::Compat, text), Value::from(letter), "{text}");
    }
}

#[test]
fn cleansed_answers() {
    let named = Named::new("answer_cleansing").with("options", 5);
    assert_eq!(read(&named, Reading::Compat, "I understand A through E. It is C, not D"), "C");
    assert_eq!(read(&named, Reading::Compat, "nothing"), json!([]));
    assert!(answer_cleansing(&named.clone().with("method", "x"), Reading::Compat).is_err());
    assert!(answer_cleansing(&named.with("options", 0), Reading::Compat).is_err());
}
