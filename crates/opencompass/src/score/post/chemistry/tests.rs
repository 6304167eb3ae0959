//! Results of upstream's functions.

use super::*;

fn read(named: &Named, text: &str) -> Value {
    let entry = ENTRIES.iter().find(|entry| entry.name == named.name()).expect("an entry of this file");
    entry.create(named, Reading::Compat).expect("arguments that fit")(text)
}

#[test]
fn tags_or_the_last_thing_like_them() {
    let task = |task: &str| Named::new("LLM4Chem_postprocess").with("task", task);
    for (name, text, answer) in [
        ("retrosynthesis", "<SMILES> C;O </SMILES>", "C.O"),
        ("property_prediction-hiv", "<think>no</think>It is true.", "Yes"),
        ("property_prediction-esol", "<SMILES>C1</SMILES> is -2.5", "-2.5"),
        ("name_conversion-i2f", "So H2O", "H2O"),
        ("name_conversion-s2i", "water", ""),
        ("molecule_captioning", "It is</s>", "It is"),
    ] {
        assert_eq!(read(&task(name), text), answer, "{text}");
    }
    assert!(llm4chem(&task("x"), Reading::Compat).is_err());
    assert_eq!(material("<Material> Fe O </material>"), "Fe O");
    assert_eq!(retrosynthesis("<SMILES>C</SMILES><SMILES> O </SMILES>"), "O");
}

#[test]
fn properties_are_read_from_json() {
    let property = |property: &str| Named::new("LLM4Mat_postprocessor").with("property", property);
    for (name, text, value) in [
        ("gap", "```json\n{\"gap\": 1.5}\n```", Value::from(1.5)),
        ("gap", "It is {gap: 2}", Value::from(2.0)),
        ("gap", "It is {gap: wide}", "".into()),
        ("is_stable", "{\"is_stable\": \"Yes\"}", "True".into()),
        ("Direct_or_indirect", "{'Direct_or_indirect': 'direct'}", "Direct".into()),
        ("gap", "none", "".into()),
    ] {
        assert_eq!(read(&property(name), text), value, "{text}");
    }
}

#[test]
fn molecules_need_rdkit() {
    let task = |task: &str| Named::new("Mol_Instructions_postprocess_Mol").with("task", task);
    assert_eq!(read(&task("property_prediction_str"), "It is 0. 1 2 eV<|im_end|>"), "0.12");
    assert_eq!(read(&task("property_prediction_str"), "none"), 0);
    let error = molecule(&task("retrosynthesis"), Reading::Compat).err().expect("refused").to_string();
    assert!(error.contains("RDKit"), "{error}");
}
