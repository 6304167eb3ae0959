//! Parsers of tool calls and reasoning: every format, and any way to cut a reply into pieces.

mod fixtures;

use std::fs;
use std::sync::LazyLock;

use internlm_kit::testing::shared_data;
use internlm_model::chat::{ChatTemplate, JinjaTemplate};
use internlm_model::tokenizer::Special;
use internlm_model::{TokenId, Tokenizer};
use lmdeploy::parse::{
    Delta, FormatParser, Functions, ParseOptions, Parser, ReasoningFormat, Section, ToolFormat,
};
use lmdeploy::protocol::ToolDefinition;
use proptest::prelude::*;
use serde_json::{Value, json};

use self::fixtures::Fixture;
use crate::fixture::tokenizer;

/// Marks that released vocabularies have as special tokens.
const MARKS: [&str; 17] = [
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<arg_key>",
    "</arg_key>",
    "<arg_value>",
    "</arg_value>",
    "<|python_tag|>",
    "<|tool_calls_section_begin|>",
    "<|tool_calls_section_end|>",
    "<|tool_call_begin|>",
    "<|tool_call_end|>",
    "<|tool_call_argument_begin|>",
    "｜DSML｜",
    "<|other|>",
    "<|eom_id|>",
];

/// A vocabulary in which all of [`MARKS`] are special tokens.
pub(crate) static MARKED: LazyLock<Tokenizer> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("temporary folder");
    let tokenizer = tokenizer();
    tokenizer.save(folder.path()).expect("saves");
    let path = folder.path().join("tokenizer_config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("reads")).expect("JSON");
    for (id, mark) in (tokenizer.vocab_size()..).zip(MARKS) {
        config["added_tokens_decoder"][id.to_string()] = json!({"content": mark, "special": true});
    }
    fs::write(&path, config.to_string()).expect("writes");
    let marked = Tokenizer::load(folder.path()).expect("loads");
    assert!(MARKS.iter().all(|mark| marked.special(mark).is_some_and(|id| marked.is_special(id))));
    marked
});

/// Functions of every kind of argument.
pub(crate) fn tools() -> Vec<ToolDefinition> {
    let function = |name: &str, properties: Value| {
        ToolDefinition::function(name, "", json!({"type": "object", "properties": properties}))
    };
    vec![
        function("add", json!({"a": {"type": "integer"}, "b": {"type": "number"}})),
        function(
            "get_weather",
            json!({
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "detail": {"type": "boolean"},
                "tags": {"type": "array"},
            }),
        ),
        function("note", json!({"text": {"type": "string"}})),
        function("now", json!({})),
    ]
}

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| Functions::of(&tools()));

/// The smallest parts in which a reply can come.
#[derive(Clone, Copy, Debug)]
enum Atom {
    Text(char),
    Special(TokenId),
}

fn atoms(tokenizer: &Tokenizer, text: &str) -> Vec<Atom> {
    let mut decoder = tokenizer.stream_decoder(Special::Skip);
    let mut atoms = Vec::new();
    for id in tokenizer.encode_with_special(text) {
        atoms.extend(decoder.push(id).chars().map(Atom::Text));
        if tokenizer.is_special(id) {
            atoms.push(Atom::Special(id));
        }
    }
    atoms
}

/// What deltas add up to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Found {
    content: String,
    thought: String,
    calls: Vec<(String, String)>,
    ids: Vec<Option<String>>,
    broken: usize,
}

impl Found {
    fn add(&mut self, deltas: Vec<Delta>) {
        for delta in deltas {
            match delta {
                Delta::Content(text) => self.content += &text,
                Delta::Reasoning(text) => self.thought += &text,
                Delta::CallStart { index, name, id } => {
                    assert_eq!(index, self.calls.len(), "indices rise");
                    self.calls.push((name, String::new()));
                    self.ids.push(id);
                }
                Delta::CallArguments { index, text } => {
                    assert_eq!(index + 1, self.calls.len(), "arguments are of the last call");
                    self.calls[index].1 += &text;
                }
            }
        }
    }
}

/// Parses a reply whose pieces end where `ends` says, and at special tokens.
fn parse(
    tokenizer: &Tokenizer,
    options: ParseOptions,
    atoms: &[Atom],
    mut ends: impl FnMut(usize) -> bool,
) -> Found {
    let mut parser = FormatParser::new(tokenizer, options);
    let mut found = Found::default();
    let mut text = String::new();
    for (index, atom) in atoms.iter().enumerate() {
        match atom {
            Atom::Text(character) => text.push(*character),
            Atom::Special(id) => found.add(parser.push(&std::mem::take(&mut text), &[*id])),
        }
        if ends(index) {
            found.add(parser.push(&std::mem::take(&mut text), &[]));
        }
    }
    found.add(parser.push(&text, &[]));
    found.add(parser.finish());
    found.broken = found.calls.len() - parser.complete();
    found
}

fn options(fixture: &Fixture) -> ParseOptions {
    ParseOptions::new(fixture.tools)
        .with_reasoning(fixture.reasoning, fixture.start)
        .with_functions(FUNCTIONS.clone())
}

/// Bits that depend on `seed` and `index` only.
fn is_end(seed: u64, index: usize) -> bool {
    let mixed = (seed ^ index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 32).is_multiple_of(1 + seed % 7)
}

#[test]
fn every_format_is_read_whole_and_in_any_two_pieces() {
    for tokenizer in [&tokenizer(), &*MARKED] {
        for fixture in fixtures::all() {
            let atoms = atoms(tokenizer, fixture.text);
            let whole = parse(tokenizer, options(&fixture), &atoms, |_| false);
            let calls: Vec<(&str, &str)> =
                whole.calls.iter().map(|(name, arguments)| (name.as_str(), arguments.as_str())).collect();
            let found = (whole.content.as_str(), whole.thought.as_str(), calls.as_slice(), whole.broken);
            let expected = (fixture.content, fixture.thought, fixture.calls, fixture.broken);
            assert_eq!(found, expected, "{fixture:?}");
            for (_, arguments) in whole.calls.iter().take(whole.calls.len() - whole.broken) {
                serde_json::from_str::<serde_json::Map<String, Value>>(arguments).expect(fixture.text);
            }
            for cut in 0..atoms.len() {
                assert_eq!(
                    parse(tokenizer, options(&fixture), &atoms, |end| end == cut),
                    whole,
                    "{fixture:?}"
                );
            }
            assert_eq!(parse(tokenizer, options(&fixture), &atoms, |_| true), whole, "{fixture:?}");
        }
    }
}

#[test]
fn what_is_cut_off_is_delivered_as_far_as_it_came() {
    for tokenizer in [&tokenizer(), &*MARKED] {
        for fixture in fixtures::all() {
            let atoms = atoms(tokenizer, fixture.text);
            for length in 0..atoms.len() {
                let cut = parse(tokenizer, options(&fixture), &atoms[..length], |_| false);
                assert!(cut.calls.len() <= fixture.calls.len(), "{fixture:?}");
                for ((name, arguments), expected) in cut.calls.iter().zip(fixture.calls) {
                    assert_eq!(name, expected.0, "{fixture:?}");
                    assert!(expected.1.starts_with(arguments), "{fixture:?}: {arguments}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_pieces_give_the_same_reply(seed in any::<u64>()) {
        for tokenizer in [&tokenizer(), &*MARKED] {
            for fixture in fixtures::all() {
                let atoms = atoms(tokenizer, fixture.text);
                let whole = parse(tokenizer, options(&fixture), &atoms, |_| false);
                let cut = parse(tokenizer, options(&fixture), &atoms, |index| is_end(seed, index));
                prop_assert_eq!(cut, whole, "{:?}", fixture);
            }
        }
    }

    #[test]
    fn any_pieces_of_any_text_give_the_same_reply_and_text_without_marks_is_content(
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        seed in any::<u64>(),
    ) {
        // Parts of replies of all formats in any order.
        let all: String = fixtures::all().iter().map(|fixture| fixture.text).collect();
        let characters: Vec<char> = all.chars().collect();
        let part = |place: &prop::sample::Index| {
            let start = place.index(characters.len());
            characters[start..].iter().take(start % 40).collect::<String>()
        };
        let text: String = places.iter().map(part).collect();
        for tokenizer in [&tokenizer(), &*MARKED] {
            let atoms = atoms(tokenizer, &text);
            for fixture in fixtures::all() {
                let whole = parse(tokenizer, options(&fixture), &atoms, |_| false);
                let cut = parse(tokenizer, options(&fixture), &atoms, |index| is_end(seed, index));
                prop_assert_eq!(&cut, &whole, "{:?}: {:?}", fixture.tools, text);
                let letters = |found: &Found| found.content.chars().filter(|c| !c.is_whitespace()).count();
                let plain = !text.contains('<') && !text.contains('{') && !text.contains('｜');
                if plain && fixture.start == Section::Content {
                    prop_assert_eq!(letters(&whole), text.chars().filter(|c| !c.is_whitespace()).count());
                }
            }
            let options = ParseOptions::new(ToolFormat::None).with_special(Special::Keep);
            prop_assert_eq!(parse(tokenizer, options, &atoms, |_| true).content, text.as_str());
        }
    }
}

#[test]
fn nothing_waits_longer_than_it_must() {
    let tokenizer = tokenizer();
    let content = |text: &str| vec![Delta::Content(text.to_owned())];
    let mut parser = FormatParser::new(&tokenizer, ParseOptions::new(ToolFormat::Qwen));
    assert_eq!(parser.push("a <tool_c", &[]), content("a "));
    assert_eq!(parser.push("x", &[]), content("<tool_cx"));
    assert!(parser.push("<tool_call>{\"name\": \"add\", \"argum", &[]).is_empty());
    assert!(parser.push("ents\": ", &[]).is_empty());
    let start = Delta::CallStart { index: 0, name: "add".to_owned(), id: None };
    assert_eq!(parser.push("{\"a", &[])[0], start);
    let more = |text: &str| vec![Delta::CallArguments { index: 0, text: text.to_owned() }];
    assert_eq!(parser.push("\": 1", &[]), more("\":1"));
    assert_eq!(parser.push("2}", &[]), more("2}"));
    assert_eq!(parser.push("}</tool_call>b", &[]), content("b"));
}

#[test]
fn marks_that_are_special_tokens_are_not_found_in_text() {
    let text = "a <tool_call>{\"name\": \"add\"}</tool_call> <think> b";
    let atoms: Vec<Atom> = text.chars().map(Atom::Text).collect();
    let thinking =
        ParseOptions::new(ToolFormat::Qwen).with_reasoning(ReasoningFormat::Think, Section::Content);
    assert_eq!(parse(&MARKED, thinking.clone(), &atoms, |_| true).content, text);
    let found = parse(&tokenizer(), thinking, &atoms, |_| true);
    assert_eq!((found.content.as_str(), found.thought.as_str(), found.calls.len()), ("a ", "b", 1));
}

#[test]
fn other_special_tokens_are_content_when_they_are_wanted() {
    let atoms = atoms(&MARKED, "a<|other|>b<think>c<|other|></think>");
    let options =
        ParseOptions::new(ToolFormat::Qwen).with_reasoning(ReasoningFormat::Think, Section::Content);
    let found = parse(&MARKED, options.clone(), &atoms, |_| true);
    assert_eq!((found.content.as_str(), found.thought.as_str()), ("ab", "c"));
    let found = parse(&MARKED, options.with_special(Special::Keep), &atoms, |_| true);
    assert_eq!((found.content.as_str(), found.thought.as_str()), ("a<|other|>b", "c<|other|>"));
}

#[test]
fn kimi_names_its_calls_and_deepseek_v3_reasons_when_the_prompt_says_so() {
    let fixture = fixtures::all().into_iter().find(|fixture| fixture.tools == ToolFormat::KimiK2);
    let fixture = fixture.expect("there is one");
    let found = parse(&tokenizer(), options(&fixture), &atoms(&tokenizer(), fixture.text), |_| true);
    assert_eq!(found.ids, [Some("functions.add:0".to_owned()), Some("functions.now:1".to_owned())]);
    let atoms: Vec<Atom> = "<think>a</think>b".chars().map(Atom::Text).collect();
    for (start, content, thought) in
        [(Section::Content, "<think>a</think>b", ""), (Section::Reasoning, "b", "a")]
    {
        let options = ParseOptions::new(ToolFormat::None).with_reasoning(ReasoningFormat::DeepseekV3, start);
        let found = parse(&tokenizer(), options, &atoms, |_| true);
        assert_eq!((found.content.as_str(), found.thought.as_str()), (content, thought));
    }
}

#[test]
fn reasoning_may_stay_in_the_content_with_its_marks() {
    let text = "<think>\n{\"name\": \"now\"}\n</think>\n\nb\n{\"name\": \"now\", \"arguments\": {}}";
    for (tokenizer, start, text) in [
        (tokenizer(), Section::Content, text),
        (MARKED.clone(), Section::Content, text),
        (MARKED.clone(), Section::Reasoning, text.trim_start_matches("<think>")),
    ] {
        let options = ParseOptions::new(ToolFormat::Json)
            .with_reasoning(ReasoningFormat::InContent, start)
            .with_functions(FUNCTIONS.clone());
        let atoms = atoms(&tokenizer, text);
        let (content, _) = text.split_once("{\"name\": \"now\", ").expect("a call");
        for every in [1, 2, 7, 1000] {
            let found = parse(&tokenizer, options.clone(), &atoms, |place| place % every == 0);
            assert_eq!((found.content.as_str(), found.thought.as_str()), (content, ""), "{start:?} {every}");
            assert_eq!(found.calls, [("now".to_owned(), "{}".to_owned())], "drafts are not called");
        }
    }
}

#[test]
fn published_templates_say_their_formats() {
    let Some(folder) = shared_data("tokenizers/chat_templates") else { return };
    let formats = [
        ("NousResearch-Hermes", ToolFormat::Qwen, ReasoningFormat::None),
        ("Qwen-Qwen2.5", ToolFormat::Qwen, ReasoningFormat::None),
        ("meta-llama-Llama-3", ToolFormat::Llama3, ReasoningFormat::None),
        ("deepseek-ai", ToolFormat::Json, ReasoningFormat::Think),
        ("llama-cpp-deepseek-r1", ToolFormat::Json, ReasoningFormat::Think),
        ("", ToolFormat::Json, ReasoningFormat::None),
    ];
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let source = fs::read_to_string(&path).expect("text");
        let template = JinjaTemplate::new(&source, None, None).expect("a template");
        let template = ChatTemplate::Jinja(Box::new(template));
        let expected = formats.iter().find(|(start, ..)| name.starts_with(start));
        let (_, tools, reasoning) = expected.expect("the last one fits all");
        assert_eq!(ToolFormat::of(Some(&template), &tokenizer()), *tools, "{name}");
        assert_eq!(ReasoningFormat::of(Some(&template), &tokenizer()), *reasoning, "{name}");
    }
}
