//! The rule sets, each rule by a text that fails it and nothing before it.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wanjuan_data::filter::{
    FineWeb, GopherQuality, GopherQualityConfig, GopherRepetition, Language, LanguageConfig,
};
use wanjuan_data::{Document, Stage, Verdict};

use crate::site::sentences;

fn prose() -> String {
    sentences(7, 24).join("\n")
}

#[test]
fn good_prose_passes_everything() {
    let text = prose();
    assert_eq!(GopherQuality::default().reason(&text), None);
    assert_eq!(GopherRepetition::default().reason(&text), None);
    assert_eq!(FineWeb::default().reason(&text), None);
}

#[test]
fn gopher_quality_names_the_rule() {
    let many = |word: &str| format!("{word} ").repeat(60);
    let cases = [
        ("Too short to be the text of a page.".to_owned(), "too-few-words"),
        (many("a of it"), "short-words"),
        (many("extraordinarily incomprehensible"), "long-words"),
        (many("the word # and"), "hash-signs"),
        (many("the word... and"), "ellipses"),
        ("- the dog and the cat have it\n".repeat(20), "bullet-lines"),
        ("the dog and the cat and the bird have it with them…\n".repeat(20), "ellipsis-lines"),
        (many("the dog and 100 200 300"), "words-without-letters"),
        (many("Birds sing songs every morning"), "stop-words"),
    ];
    for (text, rule) in cases {
        let reason = GopherQuality::default().reason(&text).map(|reason| reason.rule.into_owned());
        assert_eq!(reason.as_deref(), Some(rule), "{}", &text[..text.len().min(60)]);
    }
}

#[test]
fn zero_switches_a_gopher_rule_off() {
    let mut config = GopherQualityConfig::default();
    config.min_words = 0;
    config.min_stop_words = 0;
    assert_eq!(GopherQuality::new(config).reason("Short text without punctuation marks"), None);
}

#[test]
fn fineweb_names_the_rule() {
    let cases = [
        (prose().replace('.', ""), "punctuated-lines"),
        (prose() + &"\nshort line.".repeat(60), "short-lines"),
        (format!("{}\n{}", prose(), sentences(7, 6).join("\n")), "duplicate-line-chars"),
        (sentences(9, 24).join("\n\n\n\n\n\n\n"), "line-feeds"),
    ];
    for (text, rule) in cases {
        let reason = FineWeb::default().reason(&text).map(|reason| reason.rule.into_owned());
        assert_eq!(reason.as_deref(), Some(rule));
    }
}

#[test]
fn languages_are_told_apart() {
    let mut keep = LanguageConfig::default();
    keep.keep = vec!["zh".to_owned()];
    let stage = Language::new(keep).expect("needs no model");
    let chinese = "今天天气晴朗，适合出门散步。公园里有很多人，孩子们在草地上玩耍，老人们坐在长椅上聊天。大家都很高兴。".repeat(2);
    let Verdict::Keep(document) = stage.apply(Document::new("d", "1", &chinese)) else {
        panic!("Chinese was not kept");
    };
    assert_eq!(document.language.as_deref(), Some("zh"));
    let Verdict::Drop(document, reason) = stage.apply(Document::new("d", "2", &prose())) else {
        panic!("English was kept");
    };
    assert_eq!((document.language.as_deref(), reason.detail.as_deref()), (Some("en"), Some("en")));
}

/// Standard output, standard error and exit code of the verb `filter`.
fn verb(arguments: &[&str], input: &str) -> (String, String, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"))
        .arg("filter")
        .args(arguments)
        .env("INTERNLM_LOG", "off")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("is piped");
    let input = input.to_owned();
    // A verb that refuses its arguments does not read.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).is_ok());
    let output = child.wait_with_output().expect("ends");
    writer.join().expect("writes");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("is UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code())
}

fn rows(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
}

#[test]
fn the_verb_decides_in_order_and_does_not_rewrite() {
    let good = format!("{}\nno end of a line", prose());
    let documents: Vec<Value> = vec![
        json!({"id": "a", "content": good}),
        json!({"id": "b", "content": "Buy now. {\n"}),
        json!({"id": "c", "content": "Lorem ipsum dolor sit amet.", "url": "https://example.org/"}),
    ];
    let input: String = documents.iter().map(|document| format!("{document}\n\n")).collect();
    let (output, _, code) = verb(&["--rules", "c4,gopher-quality"], &input);
    let rows = rows(&output);
    assert_eq!(code, Some(0));
    assert_eq!(rows[0], json!({"id": "a", "keep": true, "reason": null, "value": null}));
    assert_eq!(
        rows[1],
        json!({"id": "b", "keep": false, "reason": "too-few-sentences", "value": 0.0, "threshold": 5.0, "rule": "c4"})
    );
    assert_eq!(rows[2]["reason"], "lorem-ipsum");
    let (each, _, _) = verb(&["--rules", "c4,gopher-quality", "--each", "--text"], &input);
    let each = self::rows(&each);
    assert_eq!(each[0]["rules"]["c4"]["text"], json!(prose()));
    assert_eq!(each[1]["rules"]["gopher-quality"]["reason"], "too-few-words");
    let many = input.repeat(300);
    let one = verb(&["--rules", "c4,fineweb", "--threads", "1"], &many).0;
    assert_eq!(one.lines().count(), 900);
    assert_eq!(verb(&["--rules", "c4,fineweb", "--threads", "2"], &many).0, one);
}

#[test]
fn ids_are_texts_or_integers() {
    let line = |id: &str| format!("{{\"id\": {id}, \"content\": \"text\"}}\n");
    let ids = ["\"a\\\"b\"", "7", "-7", "18446744073709551615"];
    let (output, _, code) = verb(&["--rules", "fineweb"], &ids.map(line).concat());
    let read: Vec<String> = rows(&output).iter().map(|row| row["id"].to_string()).collect();
    assert_eq!((read, code), (ids.map(str::to_owned).to_vec(), Some(0)));
    let (_, error, code) = verb(&["--rules", "fineweb"], &line("[1]"));
    assert_eq!(code, Some(2));
    assert!(error.contains("found an `id` that is neither a text nor an integer"), "{error}");
}

/// The same prose with any white space that no reader sees is decided alike.
#[test]
fn white_space_at_the_ends_of_lines_and_texts_does_not_decide() {
    let text = sentences(7, 24).join("\n\n");
    let forms = [
        text.clone(),
        text.replace('\n', "\r\n"),
        text.replace('\n', "\r"),
        text.replace("\n\n", "\n \t\u{3000}\n"),
        text.replace('\n', " \n"),
        format!("{0}{text}{0}", "\n".repeat(40)),
        format!("{0}{text}{0}", "\r\n".repeat(40)),
    ];
    let input: String =
        forms.iter().map(|form| json!({"id": "a", "content": form}).to_string() + "\n").collect();
    let all = "gopher-quality,gopher-repetition,c4,c4-paragraphs,fineweb,refinedweb,separators,abnormal-characters,punctuation";
    let (output, _, code) = verb(&["--rules", all, "--each"], &input);
    let rows = rows(&output);
    assert_eq!((rows.len(), code), (forms.len(), Some(0)));
    for (row, form) in rows.iter().zip(&forms) {
        assert_eq!(row["rules"], rows[0]["rules"], "{form:?}");
    }
}

#[test]
fn the_verb_takes_given_words_and_settings() {
    let words = vec!["given"; 7];
    let document =
        json!({"id": "a", "content": "One sentence, given as five.", "words": words, "sentences": [5]});
    let rules = ["--rules", "gopher-quality,c4", "--each", "--compat", "datatrove"];
    let row = &rows(&verb(&rules, &document.to_string()).0)[0]["rules"];
    assert_eq!(
        (&row["gopher-quality"]["reason"], &row["gopher-quality"]["value"]),
        (&json!("gopher_short_doc"), &json!(7.0))
    );
    assert_eq!(row["c4"]["keep"], true);
    let texts =
        json!({"id": "a", "content": document["content"], "sentences": ["One sentence,", " given as five."]});
    let set = ["--rules", "c4", "--compat", "datatrove", "--set", "c4.min-sentences=3"];
    assert_eq!(rows(&verb(&set, &texts.to_string()).0)[0]["value"], 2.0);
}

#[test]
fn the_verb_reads_word_lists() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("en"), "darn\n").expect("writes");
    let lists = format!("c4-bad-words.lists={}", folder.path().display());
    let document = json!({"id": "a", "content": "Well, Darn it."}).to_string();
    let (output, _, _) = verb(&["--rules", "c4-bad-words", "--set", &lists], &document);
    assert_eq!(
        (&rows(&output)[0]["reason"], &rows(&output)[0]["detail"]),
        (&json!("bad-words"), &json!("darn"))
    );
    let missing = verb(&["--rules", "c4-bad-words", "--set", "c4-bad-words.lists=nowhere"], &document);
    assert_eq!(missing.2, Some(2));
    assert!(missing.1.contains("nowhere: found no list"), "{}", missing.1);
}

#[test]
fn the_verb_finds_test_questions_by_their_index() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let index = folder.path().join("tests.ngrams");
    let question = "one two three four five six seven eight nine ten eleven twelve thirteen";
    internlm_kit::ngrams::NgramIndex::of([question]).write(&index).expect("writes");
    let set = format!("decontaminate.index={}", index.display());
    let document = |id: &str, text: &str| json!({"id": id, "content": text}).to_string();
    let lines = [document("a", &format!("A quiz: {question}!")), document("b", "Something else.")].join("\n");
    let (output, _, _) = verb(&["--rules", "decontaminate", "--set", &set], &lines);
    let found = rows(&output);
    assert_eq!((&found[0]["reason"], &found[0]["value"]), (&json!("contaminated"), &json!(1.0)));
    assert_eq!((&found[0]["detail"], &found[1]["keep"]), (&json!(question), &json!(true)));
    let missing = verb(&["--rules", "decontaminate", "--set", "decontaminate.index=nowhere"], &lines);
    assert_eq!(missing.2, Some(2));
    assert!(missing.1.contains("nowhere: cannot read"), "{}", missing.1);
}

#[test]
fn bad_lines_and_bad_rules_are_named() {
    let good = json!({"id": "a", "content": "text"}).to_string();
    let (output, error, code) = verb(&["--rules", "fineweb"], &format!("{good}\n{{\"id\": 1}}\n"));
    assert_eq!((rows(&output).len(), code), (1, Some(2)));
    assert!(error.contains(&format!("standard input: byte {}: found", good.len() + 1)), "{error}");
    for (arguments, expected) in [
        (
            vec!["--rules", "fineweb,gopher"],
            "--rules: found \"gopher\", expected the name of a rule set: gopher-quality, gopher-repetition, c4, ",
        ),
        (vec!["--rules", "extract"], "expected the name of a rule set"),
        (
            vec!["--rules", "fineweb", "--set", "c4.policy=false"],
            "expected RULES.KEY=VALUE with RULES one of fineweb",
        ),
        (
            vec!["--rules", "fineweb", "--set", "fineweb.nonsense=1"],
            "--set fineweb.nonsense=1: unknown field",
        ),
        (vec!["--rules", "punctuation", "--compat", "datatrove"], "compat"),
    ] {
        let (_, error, code) = verb(&arguments, &good);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[test]
fn hostile_documents_are_decided_by_every_rule_set() {
    let rules = "gopher-quality,gopher-repetition,c4,c4-paragraphs,fineweb,refinedweb,separators,abnormal-characters,punctuation";
    let parts = ["word ", "x", "汉", "\n", "[", "。…...#", "e\u{301}"];
    let document =
        |part: &&str| json!({"id": part, "content": part.repeat((1 << 18) / part.len())}).to_string() + "\n";
    let input: String = parts.iter().map(document).collect();
    let (output, _, code) = verb(&["--rules", rules, "--each"], &input);
    assert_eq!((rows(&output).len(), code), (parts.len(), Some(0)));
    assert!(rows(&output).iter().all(|row| row["keep"] == false && row["rules"].as_object().is_some_and(|rules| rules.len() == 9)));
}
