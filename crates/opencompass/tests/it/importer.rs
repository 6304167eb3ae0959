//! The importer of upstream's Python configurations: what it reads, what it refuses, and prompt hashes.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use opencompass::dataset::version;
use opencompass::import::{UpstreamConfig, UpstreamDataset, upstream_hash};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::shared;

/// The `infer_cfg` that the last dataset of the only list has.
fn infer_cfg(source: &str) -> Value {
    let config =
        UpstreamConfig::parse(source, "configs/x.py").unwrap_or_else(|error| panic!("{error}\n{source}"));
    let (_, list) = &config.lists()[0];
    list.last().expect("a dataset").entry()["infer_cfg"].clone()
}

/// The value of an expression, after `setup`.
fn value(setup: &str, expression: &str) -> Value {
    infer_cfg(&format!("{setup}\nlist_of_sets = [dict(infer_cfg=dict(x={expression}))]\n"))["x"].clone()
}

fn fault(source: &str) -> String {
    UpstreamConfig::parse(source, "x.py").expect_err(source).to_string()
}

#[test]
fn expressions_are_worth_what_python_computes() {
    let cases = [
        ("", "1 + 2 * 3 - 7 // 2", json!(4)),
        ("", "-7 % 3", json!(2)),
        ("", "2 ** 10 / 4", json!(256.0)),
        ("", "[i * j for i in range(3) if i for j in (1, 2)]", json!([1, 2, 2, 4])),
        ("", "{k: v for k, v in zip('ab', [1, 2])}", json!({"a": 1, "b": 2})),
        ("", "sum([[1], [2, 3]], [])", json!([1, 2, 3])),
        ("n = 'x'", r#"f'{n}{{y}}{n!r}: {3.14159:.2f} {7:03d}' "\n" 'z'"#, json!("x{y}'x': 3.14 007\nz")),
        ("", "'%s-%d' % ('a', 3) + 'b' * 2", json!("a-3bb")),
        ("", "'{} {name}'.format(1, name='n')", json!("1 n")),
        ("x = [1, 2, 3]", "x[-1] if 2 in x and not 5 in x else None", json!(3)),
        ("x = [1, 2, 3]\ny = x\ny.append(4)", "x[1:] + [len(x)]", json!([2, 3, 4, 4])),
        (
            "import copy\nx = dict(a=[1])\ny = copy.deepcopy(x)\ny['a'].append(2)",
            "[x, y.a]",
            json!([{"a": [1]}, [1, 2]]),
        ),
        (
            "a_sets = [1]\nb_sets = [2]",
            "sum((v for k, v in locals().items() if k.endswith('_sets')), [])",
            json!([1, 2]),
        ),
        (
            "from a.b import C as D",
            "dict(type=D, f=[*(1, 2), D.x], **{'k': 0 < 1 <= 1})",
            json!({"type": "a.b.C", "f": [1, 2, "a.b.C.x"], "k": true}),
        ),
        (
            "def f(a, b=2):\n    if a > 1:\n        return [a, b]\n    raise ValueError('x')",
            "f(3)",
            json!([3, 2]),
        ),
        (
            "x = 0\nfor i in range(9):\n    if i == 2: continue\n    if i == 5: break\n    x += i",
            "x",
            json!(8),
        ),
        ("import os", "os.path.join('a', 'b') + os.environ.get('HOME', 'c')", json!("a/bc")),
        ("for i in [1]:\n    globals()['y_' + str(i)] = 5\ndel i", "y_1", json!(5)),
        (
            "a, (b, c) = 1, [2, 3]",
            r"(a, b, c, 'x\ty', r'\d', 'Question: Q'.split(': ', 1))",
            json!([1, 2, 3, "x\ty", r"\d", ["Question", "Q"]]),
        ),
        ("", "{1: 'a', None: [True, 1.0]}", json!({"1": "a", "null": [true, 1.0]})),
    ];
    for (setup, expression, expected) in cases {
        assert_eq!(value(setup, expression), expected, "{setup}\n{expression}");
    }
}

#[test]
fn what_is_not_supported_is_named_with_its_line() {
    let cases = [
        ("x = 1\nwhile x:\n    x = 0\n", "x.py: line 2: `while` is not supported"),
        ("x = {1, 2}\n", "x.py: line 1: sets are not supported"),
        ("\nx = eval('1')\n", "x.py: line 2: name `eval` is not defined"),
        ("from a import f\nx = f(1)\n", "x.py: line 2: calling `a.f` with these arguments is not supported"),
        ("x = y\n", "x.py: line 1: name `y` is not defined"),
        ("x = (1,\n\n", "x.py: line 3: found the end of the line, expected `)`"),
        ("x = open('/etc/passwd').read()\n", "x.py: line 1: open: found /etc/passwd, expected a file in "),
        ("x = 'a' * 9999999999\n", "x.py: line 1: the configuration computes too much"),
        ("x = 9223372036854775807 + 1\n", "x.py: line 1: `9223372036854775807 + 1` has more than 64 bits"),
        ("def f(x):\n    return f(x)\ny = f(1)\n", "nested too deeply"),
        ("x = [1]\nx.append(x)\ny = [dict(infer_cfg=x)]\n", "y: values are nested too deeply"),
        ("x = [dict(infer_cfg=dict(f=lambda a, b=1: a))]\n", "x: found `lambda`, expected plain data"),
    ];
    for (source, expected) in cases {
        let found = fault(source);
        assert!(found.contains(expected.trim_end()), "{source}\nfound {found}");
    }
    for nested in ["(".repeat(100_000), "[".repeat(5000), "-".repeat(100_000), "not ".repeat(100_000)] {
        let found = fault(&format!("x = {nested}1"));
        assert!(found.contains("levels of brackets and blocks"), "{found}");
    }
}

const SETTINGS: &str = "import os
names = ['a', 'b']
_hidden = 1
with open(os.path.join(os.path.dirname(__file__), 'hint.txt'), 'r') as f:
    hint = f.read()
";

const SUMS: &str = "from mmengine.config import read_base
with read_base():
    from .settings import names as all_names, hint
    from opencompass.configs.datasets.sums.settings import *  # noqa
sums_datasets = []
for _n in all_names:
    sums_datasets.append(dict(abbr=_n, infer_cfg=dict(p=hint + _n, n=names)))
";

#[test]
fn configurations_import_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let datasets = folder.path().join("configs/datasets/sums");
    fs::create_dir_all(&datasets).expect("a folder");
    let write = |name: &str, text: &str| fs::write(datasets.join(name), text).expect("written");
    write("hint.txt", "Add.\n");
    write("settings.py", SETTINGS);
    write("sums_gen.py", SUMS);
    let config = UpstreamConfig::read(datasets.join("sums_gen.py")).expect("read");
    let (name, list) = &config.lists()[0];
    assert_eq!((name.as_str(), list.len(), list[1].name()), ("sums_datasets", 2, "b"));
    assert_eq!(list[1].entry()["infer_cfg"], json!({"p": "Add.\nb", "n": ["a", "b"]}));

    write("lost.py", "\nfrom .settings import nothing\n");
    write("outer.py", "from .lost import x\n");
    write("circle.py", "from .circle import x\n");
    let error = |name: &str| UpstreamConfig::read(datasets.join(name)).expect_err(name).to_string();
    assert!(error("outer.py").contains("lost.py: line 2: `nothing` is not in "), "{}", error("outer.py"));
    assert!(error("circle.py").contains("circle.py: line 1: "), "{}", error("circle.py"));
    assert!(error("none.py").contains("none.py"), "{}", error("none.py"));
}

#[test]
fn a_config_becomes_a_dataset_file_with_the_same_version() {
    let source = "
from opencompass.openicl.icl_prompt_template import PromptTemplate
from opencompass.openicl.icl_retriever import FixKRetriever
from opencompass.openicl.icl_inferencer import GenInferencer
from opencompass.openicl.icl_evaluator import AccEvaluator
from opencompass.datasets import FooDataset
foo_datasets = [dict(
    abbr='foo', type=FooDataset, path='data/foo.csv', k=3,
    reader_cfg=dict(input_columns=['q', 'a'], output_column='a', test_range='[:9]', train_split='dev'),
    infer_cfg=dict(
        ice_template=dict(type=PromptTemplate, template=dict(
            begin='</E>',
            round=[dict(role='HUMAN', prompt='{q}'), dict(role='BOT', prompt='{a}')]), ice_token='</E>'),
        retriever=dict(type=FixKRetriever, fix_id_list=[0, 2]),
        inferencer=dict(type=GenInferencer, max_out_len=9, batch_size=4)),
    eval_cfg=dict(evaluator=dict(type=AccEvaluator), pred_role='BOT', more=1))]
";
    let config = UpstreamConfig::parse(source, "foo.py").expect("read");
    let dataset = &config.lists()[0].1[0];
    let lowered = dataset.lower().expect("expressed");
    assert_eq!(version(&lowered.config), dataset.hash()[..6], "{:?}", lowered.notes);
    let file = serde_json::to_value(&lowered.config).expect("plain data");
    assert_eq!(file["few_shot"]["ids"], json!([0, 2]));
    assert_eq!(file["source"]["files"], json!(["foo.csv"]));
    assert_eq!(file["reader"], json!({"input": ["q"], "output": "a"}));
    assert_eq!(file["prompt"]["begin"], json!(["</E>"]));
    assert_eq!(file["infer"]["upstream"], json!({"/inferencer/batch_size": 4}));
    assert_eq!(file["score"]["evaluator"], "acc");
    let notes = lowered.notes.join("\n");
    assert!(notes.contains(r#"FooDataset and {"k":3}"#), "{notes}");
    assert!(notes.contains("reader_cfg.train_split") && notes.contains("eval_cfg.more = 1"), "{notes}");
    assert_eq!(lowered.notes.len(), 3, "{notes}");
}

#[test]
fn golden_configs_hash_as_published_after_the_importer_has_read_them() {
    let Some(path) = shared::path("golden/opencompass/config_hash/public.jsonl.zst") else { return };
    let file = fs::File::open(path).expect("readable");
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(file).expect("zstd").read_to_string(&mut text).expect("UTF-8");
    let mut count = 0;
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let mut source = "true, false, null = True, False, None\nsets = [\n".to_owned();
        for entry in row["entries"].as_array().expect("entries") {
            // JSON is a Python literal, but for surrogates, which printing it again avoids.
            let config: Value =
                serde_json::from_str(entry["infer_cfg"].as_str().expect("text")).expect("JSON");
            source += &format!("dict(infer_cfg={config}),\n");
        }
        let config = UpstreamConfig::parse(&(source + "]\n"), "golden.py").expect("read");
        assert_eq!(upstream_hash(&config.lists()[0].1), row["hash"], "{}", row["config"]);
        count += 1;
    }
    assert_eq!(count, 100);
}

/// Reads all of OpenCompass' dataset configurations. `OPENCOMPASS_CONFIGS` names the folder `configs/datasets` of its
/// package.
#[test]
fn the_configs_of_the_package_load_and_match_their_suffixes() {
    let Some(folder) = std::env::var_os("OPENCOMPASS_CONFIGS") else { return };
    let mut files = Vec::new();
    python_files(Path::new(&folder), &mut files);
    let (mut loaded, mut suffixed, mut equal) = (0, 0, 0);
    let mut problems = Vec::new();
    for file in &files {
        let config = match UpstreamConfig::read(file) {
            Ok(config) => config,
            Err(error) => {
                problems.push(error.to_string());
                continue;
            }
        };
        loaded += 1;
        config.lists().iter().filter_map(|(_, list)| list.first()).for_each(lowers_openly);
        let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let Some(suffix) = stem.rsplit_once('_').map(|(_, suffix)| suffix) else { continue };
        let is_hash =
            suffix.len() == 6 && suffix.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hash || config.lists().is_empty() {
            continue;
        }
        suffixed += 1;
        if config.lists().iter().any(|(_, list)| upstream_hash(list).starts_with(suffix)) {
            equal += 1;
        } else {
            problems.push(format!("{}: other hashes", file.display()));
        }
    }
    let problems = problems.join("\n");
    assert!(loaded * 1514 >= files.len() * 1400, "{loaded} of {} load\n{problems}", files.len());
    assert!(equal * 100 >= suffixed * 99, "{equal} of {suffixed} match\n{problems}");
}

/// A dataset file asks the same, or says that it does not.
fn lowers_openly(dataset: &UpstreamDataset) {
    if let Ok(lowered) = dataset.lower() {
        let is_same = dataset.hash().starts_with(&version(&lowered.config));
        assert!(is_same || lowered.notes.last().is_some_and(|note| note.starts_with("the version is ")));
    }
}

fn python_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            python_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.push(path);
        }
    }
}

/// A source with most of the supported constructs, to be cut and mixed.
const SAMPLE: &str = "import os
from a.b import C
x = {'a': [1, 2.5, None], **dict(b=f'{C}{1:>3}{{')}
def f(a, b=1):
    return a[-1] if a else 'n%s' % b
for i, (k, v) in enumerate(x.items()):
    if i in (0, 1) and not k == 'c':
        x[k] = [f(y) for y in [[v]] if y] * 2
    elif k.startswith('b'): del x[k]
    else:
        x += 1
y = '''a\\n''' r'\\d' \"q\"
sets = [dict(infer_cfg=dict(x=x, y=y[1:].strip()))]
";

proptest! {
    #[test]
    fn no_text_makes_the_importer_panic(text in any::<String>()) {
        let _ = UpstreamConfig::parse(&text, "x.py");
    }

    #[test]
    fn no_bytes_make_the_importer_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = UpstreamConfig::parse(&String::from_utf8_lossy(&bytes), "x.py");
    }

    #[test]
    fn cut_sources_are_read_or_refused(start in 0..SAMPLE.len(), length in 0..SAMPLE.len(), other in 0..SAMPLE.len()) {
        let end = (start + length).min(SAMPLE.len());
        let _ = UpstreamConfig::parse(&SAMPLE[..end], "x.py");
        let _ = UpstreamConfig::parse(&format!("{}{}", &SAMPLE[start..end], &SAMPLE[other..]), "x.py");
    }

    #[test]
    fn mixed_tokens_are_read_or_refused(words in proptest::collection::vec(
        prop::sample::select(vec!["x", "=", "(", ")", "[", "]", "{", "}", ":", ",", ".", "\n", "\n    ", "for", "in", "if",
            "else", "f'{x}'", "'%s'", "%", "*", "**", "1", "9223372036854775807", "-", "//", "0", "lambda", "def", "not",
            "return", "range", "locals", "str", "is", "del", "with", "as", "from", "import", ";", "1e308"]), 0..40)) {
        let _ = UpstreamConfig::parse(&words.join(" "), "x.py");
        let _ = UpstreamConfig::parse(&format!("x = [1, 'a']\n{}", words.concat()), "x.py");
    }
}

#[test]
fn the_sample_is_read() {
    let source = SAMPLE.replace("        x += 1", "        pass");
    let config = UpstreamConfig::parse(&source, "x.py").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.lists()[0].0, "sets");
}
