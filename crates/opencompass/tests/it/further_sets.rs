//! Further published sets: their prompts have upstream's hashes, and their files become rows. The rows are made up.

use std::fs;

use opencompass::dataset::{Catalog, Dataset, DatasetConfig, list_version, version};
use serde_json::{Value, json};

use crate::graded::lines;

/// The sets of files or the sets with a name, in this order.
fn sets(names: &[&str]) -> Vec<DatasetConfig> {
    Catalog::embedded().find(names).expect("embedded")
}

#[test]
fn prompt_hashes_are_those_of_upstreams_configs() {
    let published: &[(&[&str], &str)] = &[
        (&["civilcomments"], "a3c5fd"),
        (&["jigsaw_multilingual"], "fe50d8"),
        (&["realtoxicprompts"], "7605e4"),
        (&["safety"], "7ce197"),
        (&["promptbench_iwslt2017"], "cbb8c8"),
        (&["promptbench_math"], "abf776"),
        (&["promptbench_squad20"], "b15d1c"),
        (&["promptbench_wnli"], "50662f"),
        (&["taco"], "c7893a"),
        (&["taco_levels"], "411572"),
        (&["py150"], "38b13d"),
        (&["lcb_code_generation", "lcb_code_execution", "lcb_test_output"], "a4f90b"),
        (&["humaneval_cn"], "6313aa"),
        (&["mbpp_cn"], "9114d5"),
        (&["mbpp_plus"], "0b836a"),
        (&["humaneval_x"], "620cfa"),
        (&["humaneval_multi"], "82cf85"),
        (&["triviaqarc"], "db6413"),
        (&["qabench"], "353ae7"),
        (&["NPHardEval", "NPHardEval_GCP", "NPHardEval_TSP"], "22aac5"),
        (&["musr"], "b47fd3"),
        (&["olympiadbench"], "be8b13"),
        (&["PJExam"], "8cd97c"),
        (&["hungarian_exam"], "8a1435"),
        (&["MedBench", "MedBench_CHIP-CDN"], "0b4fff"),
        (&["clozeTest_maxmin"], "c205fb"),
        (&["z_bench"], "d8c84c"),
        // Configurations without a suffix in their names: the hash is upstream's all the same.
        (&["korbench"], "56cf43"),
        (&["followbench"], "12578a"),
        (&["mtbench101"], "993616"),
        (&["rolebench_instruct_eng"], "a5537d"),
        (&["rolebench_instruct_zh"], "16d540"),
        (&["rolebench_role_eng"], "a5537d"),
    ];
    for (names, suffix) in published {
        assert_eq!(list_version(&sets(names)), *suffix, "{names:?}");
    }
}

#[test]
fn the_agent_of_mathbench_is_asked_as_upstream_asks_it() {
    let (choice, cloze) = (sets(&["MathBench_agent_choice"]), sets(&["MathBench_agent_cloze"]));
    // Upstream's list goes through the schools, this crate's files through the forms of the questions.
    let order = [&choice[0], &cloze[0], &choice[1], &choice[2], &choice[3], &cloze[1], &cloze[2]];
    let all: Vec<DatasetConfig> = order.into_iter().cloned().collect();
    assert_eq!(list_version(&all), "48ec47");
    assert_eq!((version(&choice[0]), version(&cloze[0])), ("58b574".to_owned(), "1f182e".to_owned()));
}

/// Loads an embedded set from files with made-up content.
fn loaded(name: &str, files: &[(&str, String)]) -> Dataset {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a written folder");
        fs::write(path, content).expect("a written file");
    }
    let set = sets(&[name]).remove(0);
    Dataset::load(set, &[folder.path()]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn column<'a>(dataset: &'a Dataset, row: usize, name: &str) -> &'a Value {
    &dataset.test[row].columns[name]
}

#[test]
fn comments_become_questions_with_two_choices() {
    let text = "id,content,lang\n0,hola,es\n1,ciao,it\n2,adios,es\n".to_owned();
    let labels = "id,toxic\n0,1\n1,0\n2,0\n".to_owned();
    let files = [("jigsawmultilingual/test.csv", text), ("jigsawmultilingual/test_labels.csv", labels)];
    let set = loaded("jigsaw_multilingual_es", &files);
    assert_eq!(set.test.len(), 2);
    assert_eq!((column(&set, 1, "text"), column(&set, 1, "label")), (&json!("adios"), &json!("0")));
    assert_eq!(column(&set, 0, "choices"), &json!(["no", "yes"]));
    let comment = |id: u32| json!({ "text": id.to_string(), "toxicity": f64::from(id) / 1e4 });
    let rows: Vec<Value> = (0..10_000).map(comment).collect();
    let set = loaded("civil_comments", &[("civil_comments/test.jsonl", lines(&rows))]);
    assert_eq!(set.test.len(), 10_000);
    let right = |row: usize| {
        let number: f64 = column(&set, row, "text").as_str().expect("a text").parse().expect("a number");
        column(&set, row, "label") == &json!(i32::from(number >= 5000.0))
    };
    assert!((0..100).all(right));
    assert_ne!(column(&set, 0, "text"), "0", "the rows are drawn");
}

#[test]
fn prompts_of_toxicity_are_chosen() {
    let row = |text: &str, challenging: bool| json!({ "filename": "f", "challenging": challenging, "prompt": { "text": text, "toxicity": 0.9 } });
    let rows = lines(&[row("a", false), row("b", true)]);
    let set = loaded("realtoxicprompts", &[("realtoxicprompts/realtoxicprompts_train.jsonl", rows)]);
    assert_eq!((set.test.len(), column(&set, 0, "prompt_text")), (1, &json!("b")));
    let set = loaded("safety", &[("safety.txt", " one \n\ntwo\n".to_owned())]);
    assert_eq!((column(&set, 0, "prompt"), column(&set, 1, "idx")), (&json!("one"), &json!(1)));
}

#[test]
fn problems_of_taco_have_the_numbers_of_their_file() {
    let row = |level: &str| json!({ "question": "q", "difficulty": level, "starter_code": "", "input_output": "{}" });
    let rows = lines(&[row("EASY"), row("HARD")]);
    let set = loaded("TACO-HARD", &[("BAAI-TACO/test.jsonl", rows)]);
    assert_eq!((set.test.len(), column(&set, 0, "problem_id")), (1, &json!("test1")));
    assert_eq!(column(&set, 0, "starter"), "\\nUse Standard Input format");
}

#[test]
fn whole_files_become_rows() {
    let file = |kind: &str| format!("RoleBench/rolebench-eng/role-generalization/{kind}/test.jsonl");
    let (general, specific) = (file("general"), file("role_specific"));
    let question = lines(&[json!({ "role": "Gandalf", "question": "q", "generated": ["g"] })]);
    let set = loaded(
        "RoleBench_role_eng",
        &[
            ("RoleBench/profiles-eng/desc.json", json!({ "Gandalf": "a wizard" }).to_string()),
            (general.as_str(), question.clone()),
            (specific.as_str(), question),
        ],
    );
    assert_eq!((set.test.len(), column(&set, 1, "desc")), (2, &json!("a wizard")));
    let graph = "3\np edge 3 1\ne 1 2\n\n".to_owned();
    let names: Vec<String> =
        (0..10).map(|file| format!("NPHardEval/GCP/synthesized_data_GCP_{file}.txt")).collect();
    let files: Vec<(&str, String)> = names.iter().map(|name| (name.as_str(), graph.clone())).collect();
    let set = loaded("hard_GCP", &files);
    assert_eq!((set.test.len(), column(&set, 9, "level")), (10, &json!(10)));
}
