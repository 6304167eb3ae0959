//! Language identification: the stage, the verb, and the sentences of FLORES-200 where they are.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use internlm_kit::exit::BadInput;
use serde_json::Value;
use wanjuan_data::filter::{Language, LanguageConfig};
use wanjuan_data::language::{LanguageId, LidModel, Whatlang};
use wanjuan_data::{Document, Stage, Verdict};

use crate::web_sets::{shared_data, unpack};

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/fasttext_models.json")).expect("is JSON")
}

/// The model of a golden, as a file.
fn write_model(path: &Path) {
    let golden = golden();
    let text = golden["models"]["hierarchical-cutoff.ftz"]["model"].as_str().expect("is text");
    let byte = |place: usize| u8::from_str_radix(&text[place..place + 2], 16).expect("is hexadecimal");
    let bytes: Vec<u8> = (0..text.len()).step_by(2).map(byte).collect();
    fs::write(path, bytes).expect("writes");
}

/// Exit code, stdout and stderr of `lid`.
fn lid(arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"))
        .arg("lid")
        .args(arguments)
        .env("INTERNLM_LOG", "off")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // A verb that fails before it reads closes the pipe.
    let _ = child.stdin.take().expect("is piped").write_all(input);
    let output = child.wait_with_output().expect("ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_verb_answers_line_by_line() {
    let lines =
        "The tide turns twice a day, and twice it turns back to the sea.\n\nzwei\n今天天气晴朗适合出门散步。";
    let (code, out, _) = lid(&[], lines.as_bytes());
    let labels: Vec<&str> = out.lines().map(|line| line.split('\t').next().unwrap_or_default()).collect();
    assert_eq!((code, labels), (Some(0), vec!["en", "und", "und", "zh"]));
    let folder = tempfile::tempdir().expect("temporary folder");
    let model = folder.path().join("m.ftz");
    write_model(&model);
    let (code, out, _) = lid(&["--model", &model.to_string_lossy()], b"bariba rebo bura\n \n\xff\xfe kake\n");
    assert_eq!(code, Some(0));
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("aa\t0.") && lines[1] == "und\t0.000000", "{out}");
}

#[test]
fn a_model_that_is_missing_or_damaged_is_named() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let model = folder.path().join("m.ftz");
    let name = model.to_string_lossy().into_owned();
    let (code, _, error) = lid(&["--model", &name], b"text\n");
    assert_eq!(code, Some(2));
    assert!(error.contains(&format!("{name}: found nothing, expected a fastText model")), "{error}");
    fs::write(&model, "no model at all").expect("writes");
    let (code, _, error) = lid(&["--model", &name], b"text\n");
    assert_eq!(code, Some(2));
    assert!(error.contains(&format!("{name}: byte 0: found 0x6d206f6e, expected")), "{error}");
    let mut config = LanguageConfig::default();
    config.model = Some(model);
    assert!(Language::new(config).expect_err("no model").is_bad_input());
}

#[test]
fn the_stage_asks_the_model_and_drops_below_its_score() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let model = folder.path().join("m.ftz");
    write_model(&model);
    let stage = |min_score| {
        let mut config = LanguageConfig::default();
        config.model = Some(model.clone());
        config.min_score = min_score;
        Language::new(config).expect("reads the model")
    };
    let golden = golden();
    let answers = golden["models"]["hierarchical-cutoff.ftz"]["answers"].as_array().expect("a list");
    let unsure = answers.iter().position(|answer| answer[1].as_f64() < Some(0.6)).expect("some are unsure");
    let mixed = Document::new("d", "1", golden["lines"][unsure].as_str().expect("is text"));
    let Verdict::Drop(document, reason) = stage(None).apply(mixed.clone()) else { panic!("was kept") };
    assert_eq!((&*reason.rule, reason.threshold), ("language-score", Some(0.65)));
    assert!(document.language.is_some() && document.lang_score == reason.value);
    assert!(matches!(stage(Some(0.0)).apply(mixed), Verdict::Keep(_)));
}

/// Labels and probabilities of the reference reader for lid.176.ftz, 200 sentences in each of 20 files.
#[test]
fn lid_176_gives_the_golden_labels() {
    let Some(data) = shared_data() else { return };
    let Some(folder) = unpack(&data.join("lang/flores200.tar.zst")) else { return };
    let model = LidModel::open(data.join("lang/lid.176.ftz")).expect("reads");
    let golden = fs::read_to_string(data.join("lang/lid176_flores.json")).expect("reads");
    let golden: Value = serde_json::from_str(&golden).expect("is JSON");
    let mut lines = 0;
    for (file, entry) in golden["languages"].as_object().expect("an object") {
        let path = folder.path().join("flores200").join(file).with_extension("dev");
        let text = fs::read_to_string(path).expect("reads");
        for (line, answer) in text.lines().zip(entry["top"].as_array().expect("a list")) {
            let found = model.detect(line);
            let wanted = answer[1].as_f64().expect("a number").min(1.0);
            assert_eq!(found.language, answer[0].as_str().expect("a label"), "{file}: {line}");
            assert!((found.confidence - wanted).abs() < 1e-4, "{file}: {line}: {found:?} is not {wanted}");
            lines += 1;
        }
    }
    assert_eq!(lines, 4000);
}

/// Documents of ten sentences: whatlang is right on 99 of 100 in the mean of the languages.
#[test]
fn whatlang_knows_documents() {
    let Some(data) = shared_data() else { return };
    let Some(folder) = unpack(&data.join("lang/flores200.tar.zst")) else { return };
    for (file, label) in [("eng_Latn", "en"), ("zho_Hans", "zh"), ("zho_Hant", "zh"), ("rus_Cyrl", "ru")] {
        let path = folder.path().join("flores200").join(file).with_extension("dev");
        let text = fs::read_to_string(path).expect("reads");
        let lines: Vec<&str> = text.lines().collect();
        let documents = lines.chunks_exact(10);
        let count = documents.len();
        let right = documents.filter(|lines| Whatlang.detect(&lines.join(" ")).language == label).count();
        assert!(right * 100 >= count * 99, "{file}: {right} of {count}");
    }
}

#[test]
fn the_config_of_the_documentation_is_read() {
    let text = "keep = [\"en\", \"zh\"]\nmodel = \"lid.176.ftz\"\nmin-score = 0.65\n";
    let config: LanguageConfig = toml::from_str(text).expect("is a config");
    assert_eq!((config.min_score, config.model.as_deref()), (Some(0.65), Some(Path::new("lid.176.ftz"))));
    assert!(toml::from_str::<LanguageConfig>("minimum = 1").is_err());
}
