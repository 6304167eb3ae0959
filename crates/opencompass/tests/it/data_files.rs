//! Data files in every format, and the columns that are computed from them.

use std::fs;
use std::io::Write;
use std::path::Path;

use opencompass::Error;
use opencompass::dataset::{Catalog, Dataset, DatasetConfig, Origin, RowRange};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A dataset over `data` with further lines for the file.
fn load(folder: &Path, source: &str, reader: &str) -> Result<Dataset, Error> {
    let text = format!(
        "name = \"x\"\nprompt = {{ text = \"{{q}}\" }}\ninfer = {{ mode = \"gen\" }}\nscore = {{ evaluator = \"acc\" }}\n\
         [source]\n{source}\n[reader]\n{reader}\n"
    );
    Dataset::load(DatasetConfig::parse(&text, "x.toml")?, &[folder])
}

/// Every row as `q=a`.
fn pairs(dataset: &Dataset) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows = dataset.test.iter();
    rows.map(|row| format!("{}={}", text(&row.columns["q"]), text(&row.gold(&dataset.config.reader))))
        .collect()
}

const READER: &str = "input = [\"q\"]\noutput = \"a\"";

#[test]
fn every_format_gives_the_same_rows() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (name, bytes, keys) in [
        ("a.jsonl", "\u{feff}{\"q\": \"1,1\", \"a\": \"2\"}\n\n{\"q\": \"ü\", \"a\": \"3\"}\n", ""),
        ("a.json", "[{\"q\": \"1,1\", \"a\": \"2\"}, {\"q\": \"ü\", \"a\": \"3\"}]", "format = \"json\""),
        ("a.csv", "\u{feff}q,a\n\"1,1\",2\nü,3\n", "format = \"csv\""),
        ("b.csv", "\"1,1\",2\nü,3\n", "format = \"csv\"\ncolumns = [\"q\", \"a\"]"),
        ("a.tsv", "q\ta\n1,1\t2\nü\t3\n", "format = \"tsv\""),
    ] {
        fs::write(folder.path().join(name), bytes).expect("writes");
        let dataset = load(folder.path(), &format!("files = [\"{name}\"]\n{keys}"), READER).expect(name);
        assert_eq!(pairs(&dataset), ["1,1=2", "ü=3"], "{name}");
        assert_eq!(dataset.hashes.len(), 1);
    }
    fs::write(folder.path().join("a.txt"), "one\n\n two\n").expect("writes");
    let reader = "input = [\"text\"]\noutput = \"text\"";
    let error = load(folder.path(), "files = [\"a.txt\"]\nformat = \"txt\"", reader)
        .expect_err("the answer is an input");
    assert!(error.to_string().contains("found the output column `text`, expected only inputs"), "{error}");
}

#[test]
fn a_member_of_an_archive_is_read_and_its_name_kept() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = fs::File::create(folder.path().join("set.zip")).expect("creates");
    let mut archive = zip::ZipWriter::new(file);
    archive.start_file("deep/test.csv", zip::write::SimpleFileOptions::default()).expect("starts");
    archive.write_all(b"q,a\nx,1\n").expect("writes");
    archive.finish().expect("finishes");
    let member = "files = [\"set.zip!deep/test.csv\"]\nformat = \"csv\"";
    let dataset = load(folder.path(), member, READER).expect("loads");
    assert_eq!(pairs(&dataset), ["x=1"]);
    assert!(dataset.hashes.contains_key("set.zip!deep/test.csv"));
    let error = load(folder.path(), "files = [\"set.zip!other.csv\"]", READER).expect_err("no such member");
    assert!(error.to_string().contains("set.zip: member other.csv"), "{error}");
}

#[test]
fn columns_come_from_inside_a_row_and_answers_become_letters() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let row = |answer: &str, labels: Value| {
        json!({"q": "?", "choices": {"text": ["x", "y"], "label": labels}, "key": answer}).to_string()
    };
    let rows = [row("2", json!(["1", "2"])), row("B", json!(["A", "B"])), row("1", json!(["1", "2", "3"]))];
    fs::write(folder.path().join("a.jsonl"), rows.join("\n")).expect("writes");
    let reader = "input = [\"q\", \"first\"]\noutput = \"key\"\nfields = { first = \"/choices/text/0\" }\n\
                  answer_key = { column = \"key\", labels = \"/choices/label\", letters = \"AB\" }\n\
                  map = { first = \"general\" }";
    let dataset = load(folder.path(), "files = [\"a.jsonl\"]", reader).expect("loads");
    // The third row has another number of labels and is left out.
    assert_eq!(pairs(&dataset), ["?=B", "?=B"]);
    assert_eq!(dataset.test[0].columns["first"], "x");
    assert_eq!(dataset.test[0].visible.keys().collect::<Vec<_>>(), ["q", "first", "key"]);
    fs::write(folder.path().join("a.jsonl"), row("9", json!(["1", "2"]))).expect("writes");
    let error = load(folder.path(), "files = [\"a.jsonl\"]", reader).expect_err("9 is not a label");
    assert!(error.to_string().contains("row 0: found the answer \"9\""), "{error}");
}

#[test]
fn rows_may_be_inside_of_json_or_compressed() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("writes");
    write(
        "a.json",
        br#"{"v": 1, "data": {"x": {"q": "x", "a": "1"}, "y": {"q": "y", "a": "2", "key": "own"}}}"#,
    );
    write("b.json", br#"[["x", "1"], ["y", "2"]]"#);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"{\"q\": \"x\", \"a\": \"1\"}\n").expect("writes to memory");
    write("c.jsonl.gz", &encoder.finish().expect("writes to memory"));
    write("d.txt", b"x\n\n 1 \n2\n");
    let rows = |source: &str, reader: &str| pairs(&load(folder.path(), source, reader).expect(source));
    assert_eq!(rows("files = [\"a.json\"]\nformat = \"json\"\nrecords = \"/data\"", READER), ["x=1", "y=2"]);
    let keyed = "input = [\"q\"]\noutput = \"key\"";
    assert_eq!(rows("files = [\"a.json\"]\nformat = \"json\"\nrecords = \"/data\"", keyed), ["x=x", "y=own"]);
    let placed = "input = [\"q\"]\noutput = \"a\"\nfields = { q = \"/0\", a = \"/1\" }";
    assert_eq!(rows("files = [\"b.json\"]\nformat = \"json\"", placed), ["x=1", "y=2"]);
    assert_eq!(rows("files = [\"c.jsonl.gz\"]", READER), ["x=1"]);
    let pair = "files = [\"d.txt\"]\nformat = \"lines\"\n\
                loader = [{ name = \"pair\", column = \"text\", names = [\"q\", \"a\"] }]";
    assert_eq!(rows(pair, READER), ["x=1", "=2"]);
    let fails = |source: &str| load(folder.path(), source, READER).expect_err(source).to_string();
    let text = fails("files = [\"a.json\"]\nformat = \"json\"\nrecords = \"/rows\"");
    assert!(text.contains("a.json: found no `/rows`, expected the rows there"), "{text}");
    assert!(fails("files = [\"a.json\"]\nformat = \"parquet\"").contains("convert the file"));
    let text = fails("files = [\"a.json\"]\nloader = [\"explod\"]");
    assert!(text.contains("source.loader: loader: found `explod`, expected `explode`?"), "{text}");
}

#[test]
fn examples_may_have_loaders_of_their_own() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("a.jsonl"), "{\"q\": \"x\", \"a\": [\"1\", \"2\"]}\n").expect("writes");
    let source = "files = [\"a.jsonl\"]\ntrain_files = [\"a.jsonl\"]\n\
                  train_loader = [{ name = \"first\", columns = [\"a\"] }]";
    let dataset = load(folder.path(), source, READER).expect("loads");
    assert_eq!(
        (&dataset.test[0].columns["a"], &dataset.train[0].columns["a"]),
        (&json!(["1", "2"]), &json!("1"))
    );
}

#[test]
fn a_subset_is_the_one_that_upstream_draws() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let rows: String = (0..100).map(|row| format!("{{\"q\": \"{row}\", \"a\": \"\"}}\n")).collect();
    fs::write(folder.path().join("a.jsonl"), rows).expect("writes");
    // random.Random(5).shuffle(rows); rows[:5]
    for size in ["5", "0.05"] {
        let reader = format!("{READER}\n[split]\ntest_range = {size}");
        let dataset = load(folder.path(), "files = [\"a.jsonl\"]", &reader).expect("loads");
        assert_eq!(pairs(&dataset), ["91=", "2=", "30=", "33=", "58="], "{size}");
    }
    assert!(
        load(folder.path(), "files = [\"a.jsonl\"]", &format!("{READER}\n[split]\ntest_range = -1")).is_err()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_the_system_cannot_read_is_failed_work_and_not_bad_input() {
    use internlm_kit::exit::BadInput;
    let folder = tempfile::tempdir().expect("temporary folder");
    // A regular file whose first byte is an I/O error, as on a failing disk.
    let error = load(folder.path(), "files = [\"/proc/self/mem\"]", READER).expect_err("cannot be read");
    assert!(matches!(&error, Error::DataFile { dataset, .. } if dataset == "x"), "{error}");
    assert!(error.to_string().starts_with("dataset x: /proc/self/mem: cannot read: "), "{error}");
    assert!(!error.is_bad_input(), "{error}");
    let error = Catalog::embedded().find(&["missing.toml"]).expect_err("not there");
    assert!(matches!(error, Error::File(_)) && error.is_bad_input(), "{error}");
}

#[test]
fn the_license_of_a_set_is_read_in_both_spellings() {
    for key in ["license", "licence"] {
        let text = format!(
            "name = \"x\"\nsource = {{ files = [\"a\"] }}\nreader = {{ input = [\"q\"], output = \"a\" }}\n\
             prompt = {{ text = \"{{q}}\" }}\ninfer = {{ mode = \"gen\" }}\nscore = {{ evaluator = \"acc\" }}\n\
             meta = {{ {key} = \"MIT\" }}\n"
        );
        assert_eq!(DatasetConfig::parse(&text, "x.toml").expect(key).meta.license, "MIT");
    }
}

#[test]
fn the_first_folder_that_has_a_file_wins() {
    let (near, far) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let write = |folder: &Path, answer: &str| {
        fs::write(folder.join("a.jsonl"), format!("{{\"q\": \"q\", \"a\": \"{answer}\"}}")).expect("writes");
    };
    write(far.path(), "far");
    let config = || {
        let text = "name = \"x\"\nsource = { files = [\"a.jsonl\"] }\nreader = { input = [\"q\"], output = \"a\" }\n\
                    prompt = { text = \"{q}\" }\ninfer = { mode = \"gen\" }\nscore = { evaluator = \"acc\" }\n";
        DatasetConfig::parse(text, "x.toml").expect("a dataset file")
    };
    let folders = [near.path(), far.path()];
    assert_eq!(pairs(&Dataset::load(config(), &folders).expect("loads")), ["q=far"]);
    write(near.path(), "near");
    assert_eq!(pairs(&Dataset::load(config(), &folders).expect("loads")), ["q=near"]);
}

#[test]
fn a_users_file_replaces_the_embedded_one_of_its_name() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let embedded = Catalog::embedded();
    assert_eq!(embedded.find(&["gsm8k"]).expect("embedded")[0].score.post.len(), 1);
    let mine = "name = \"mine\"\nsource = { files = [\"a\"] }\nreader = { input = [\"q\"], output = \"a\" }\n\
                prompt = { text = \"{q}\" }\ninfer = { mode = \"gen\" }\nscore = { evaluator = \"acc\" }\n";
    fs::write(folder.path().join("gsm8k.toml"), mine).expect("writes");
    fs::write(folder.path().join("notes.md"), "not a dataset").expect("writes");
    let catalog = Catalog::open(&[folder.path()]).expect("opens");
    assert_eq!(catalog.entries().count(), embedded.entries().count());
    let entry = catalog.entries().find(|entry| entry.stem == "gsm8k").expect("there");
    assert!(matches!(&entry.origin, Origin::File(path) if path.starts_with(folder.path())));
    // By stem, by name, by pattern and by path: always the same set, and only once.
    let path = folder.path().join("gsm8k.toml").display().to_string();
    let found = catalog.find(&["gsm8k", "mine", "mi*", "m?ne", &path]).expect("finds");
    assert_eq!(found.iter().map(|set| set.name.as_str()).collect::<Vec<_>>(), ["mine"]);
}

#[test]
fn subsets_replace_their_keys_in_every_string() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let text = "name = \"exam-${name}\"\nreader = { input = [\"q\"], output = \"a\" }\n\
                prompt = { text = \"About ${title}: {q}\" }\ninfer = { mode = \"gen\" }\nscore = { evaluator = \"acc\" }\n\
                [source]\nfiles = [\"${name}.csv\"]\nformat = \"csv\"\n\
                [[subset]]\nname = \"law\"\ntitle = \"the law\"\n[[subset]]\nname = \"art\"\ntitle = \"art\"\n";
    fs::write(folder.path().join("exam.toml"), text).expect("writes");
    let sets = Catalog::open(&[folder.path()]).expect("opens").find(&["exam"]).expect("finds");
    assert_eq!(sets.len(), 2);
    assert_eq!((sets[0].name.as_str(), sets[1].source.files[0].as_str()), ("exam-law", "art.csv"));
    assert_eq!(sets[0].prompt.text.as_deref(), Some("About the law: {q}"));
}

/// What Python's `range(count)[from:to]` gives.
fn python_slice(rows: &[usize], from: Option<i64>, to: Option<i64>) -> Vec<usize> {
    let length = rows.len() as i64;
    let index = |bound: i64| if bound < 0 { (bound + length).max(0) } else { bound.min(length) };
    let (from, to) = (from.map_or(0, index), to.map_or(length, index));
    (0..length).filter(|at| (from..to).contains(at)).map(|at| rows[at as usize]).collect()
}

proptest! {
    #[test]
    fn slices_select_what_python_selects(
        slices in proptest::collection::vec((proptest::option::of(-9_i64..9), proptest::option::of(-9_i64..9)), 0..3),
        count in 0_usize..12,
    ) {
        let bound = |bound: &Option<i64>| bound.map_or(String::new(), |bound| bound.to_string());
        let text: String = slices.iter().map(|(from, to)| format!("[{}:{}]", bound(from), bound(to))).collect();
        let range = RowRange::parse(&text).expect("slices");
        let expected = slices
            .iter()
            .fold((0..count).collect::<Vec<_>>(), |rows, (from, to)| python_slice(&rows, *from, *to));
        prop_assert_eq!(range.of(count).collect::<Vec<_>>(), expected, "{}", text);
        prop_assert_eq!(String::from(range), text);
    }

    #[test]
    fn any_bytes_are_rows_or_a_message(bytes in proptest::collection::vec(any::<u8>(), 0..60), format in 0_usize..5) {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::write(folder.path().join("a"), &bytes).expect("writes");
        let format = ["jsonl", "json", "csv", "tsv", "txt"][format];
        let source = format!("files = [\"a\"]\nformat = \"{format}\"");
        if let Err(error) = load(folder.path(), &source, READER) {
            prop_assert!(matches!(error, Error::Data { .. }), "{}", error);
        }
    }
}
