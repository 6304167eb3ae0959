//! Texts of random ids under a grammar, checked with libraries that know nothing of it.

mod errors;
mod schemas;

use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
use serde_json::{Value, json};

use super::*;

/// A byte-level vocabulary with some longer tokens.
fn tokenizer() -> Tokenizer {
    let text = "{\"name\": [true, false, null, 12, 3.5], \"the\": \"quick brown fox\"}\n";
    train_bpe([text.to_owned()].into_iter(), &BpeTrainConfig::new(320).with_min_frequency(1))
        .expect("has room")
}

fn factory() -> GrammarFactory {
    let tokenizer = tokenizer();
    GrammarFactory::new(&tokenizer, &tokenizer.turn_ends(), tokenizer.vocab_size())
}

/// Random numbers that are the same everywhere (Steele, Lea and Flood: SplitMix).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 24) as f32
    }
}

/// A text of at most `limit` ids that are drawn at temperature 1 from random logits, and whether it is complete.
fn write(tokenizer: &Tokenizer, grammar: &Grammar, random: &mut Random, limit: usize) -> (String, bool) {
    let (mut state, mut ids) = (grammar.start(), Vec::new());
    for _ in 0..limit {
        let mut row: Vec<f32> = (0..tokenizer.vocab_size() + 5).map(|_| random.unit() * 2.0).collect();
        for (id, logit) in row.iter_mut().enumerate().take(tokenizer.vocab_size()) {
            // Ends are made more likely, or texts would not end.
            if matches!(tokenizer.token_bytes(TokenId(id as u32)), b"\"" | b"}" | b"]") {
                *logit += 4.0;
            }
        }
        state.allow(&mut row);
        assert!(row[tokenizer.vocab_size()..].iter().all(|logit| *logit == f32::NEG_INFINITY));
        let id = draw(&row, random);
        state.accept(id).expect("an allowed id");
        if tokenizer.turn_ends().contains(&id) {
            assert!(state.is_finished());
            return (tokenizer.decode(&ids, Special::Keep), true);
        }
        ids.push(id);
        if state.is_finished() {
            return (tokenizer.decode(&ids, Special::Keep), true);
        }
    }
    (tokenizer.decode(&ids, Special::Keep), false)
}

/// An id by its probability (Gumbel's maximum).
fn draw(row: &[f32], random: &mut Random) -> TokenId {
    let noisy = row.iter().map(|logit| logit - (-random.unit().max(1e-9).ln()).ln());
    let best = noisy.enumerate().max_by(|left, right| left.1.total_cmp(&right.1));
    TokenId(best.expect("a row").0 as u32)
}

#[test]
fn texts_of_regular_expressions_match() {
    let (factory, tokenizer, mut random) = (factory(), tokenizer(), Random(1));
    let atoms =
        ["[a-z]{2,4}", "\\d+", "(yes|no)", "x?", "[^\\n]{1,3}", "é", "\\.", "(ab)*", "[A-F0-9]{2}", "/"];
    let mut finished = 0;
    for _ in 0..50 {
        let count = 1 + random.below(5);
        let pattern: String = (0..count).map(|_| atoms[random.below(atoms.len())]).collect();
        let grammar = factory.compile(&GrammarSource::Regex(pattern.clone())).expect(&pattern);
        let whole = regex::Regex::new(&format!("^(?:{pattern})$")).expect(&pattern);
        for _ in 0..4 {
            let (text, complete) = write(&tokenizer, &grammar, &mut random, 200);
            finished += usize::from(complete);
            assert!(!complete || whole.is_match(&text), "{pattern}: {text:?}");
        }
    }
    assert!(finished > 150, "{finished} of 200 texts were complete");
}

#[test]
fn grammars_of_llama_cpp_are_taken() {
    let (factory, tokenizer, mut random) = (factory(), tokenizer(), Random(3));
    let lists = "root ::= \"[\" (item (\", \" item)*)? \"]\" # lists of lists\nitem ::= [0-9]{1,3} | root\n";
    let grammar = factory.compile(&GrammarSource::Lark(lists.to_owned())).expect("a grammar");
    let mut finished = 0;
    for _ in 0..20 {
        let (text, complete) = write(&tokenizer, &grammar, &mut random, 300);
        finished += usize::from(complete);
        // A number of JSON does not begin with zeros.
        let quoted = text.replace(|c: char| c.is_ascii_digit(), "1");
        assert!(
            !complete || serde_json::from_str::<Value>(&quoted).is_ok_and(|list| list.is_array()),
            "{text}"
        );
    }
    assert!(finished > 10, "{finished} of 20 texts were complete");
    let error = factory.compile(&GrammarSource::Lark("root ::= x".to_owned())).expect_err("no rule");
    assert_eq!(error.message, "found the name `x`, expected a rule `x ::= ..`");
}

#[test]
fn a_grammar_is_compiled_once_and_its_texts_are_independent() {
    let (factory, tokenizer) = (factory(), tokenizer());
    let source = GrammarSource::Choice(vec!["yes".to_owned(), "no".to_owned(), "a \"b\"\n".to_owned()]);
    let grammar = factory.compile(&source).expect("a grammar");
    assert!(Arc::ptr_eq(&grammar.inner, &factory.compile(&source).expect("the same").inner));
    let ids = |text: &str| tokenizer.encode(text);
    let (mut first, mut second) = (grammar.start(), grammar.start());
    for id in ids("yes") {
        first.accept(id).expect("fits");
    }
    assert!(first.is_finished() && !second.is_finished());
    for id in ids("a \"b\"\n") {
        second.accept(id).expect("fits");
    }
    assert!(second.is_finished());
    let end = tokenizer.turn_ends()[0];
    assert_eq!(first.accept(end), Ok(()));
    assert!(second.accept(ids("x")[0]).is_err());
}

#[test]
fn an_id_that_does_not_fit_fails_and_nothing_follows() {
    let (factory, tokenizer) = (factory(), tokenizer());
    let grammar = factory.compile(&GrammarSource::Regex("[0-9]+".to_owned())).expect("a grammar");
    let mut state = grammar.start();
    let end = tokenizer.turn_ends()[0];
    let mut row = vec![0.0; tokenizer.vocab_size()];
    state.allow(&mut row);
    assert_eq!(row[end.index()], f32::NEG_INFINITY, "the text may not end before it has begun");
    assert!(state.accept(tokenizer.encode("x")[0]).is_err());
    let mut row = vec![0.0; tokenizer.vocab_size()];
    state.allow(&mut row);
    assert!(row.iter().all(|logit| *logit == f32::NEG_INFINITY));
    assert!(!state.is_finished());
}

#[test]
fn rules_have_grammars_inside() {
    let (factory, tokenizer, mut random) = (factory(), tokenizer(), Random(7));
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
        "additionalProperties": false});
    let parts = vec![
        ("first".to_owned(), GrammarSource::JsonSchema(schema)),
        ("second".to_owned(), GrammarSource::Regex("[0-9]{2}".to_owned())),
    ];
    let rules = GrammarRules::new("start: \"<t>\" @[0] \"</t>\" @[1]", parts);
    let grammar = factory.compile(&GrammarSource::Rules(rules)).expect("a grammar");
    let (text, complete) = write(&tokenizer, &grammar, &mut random, 400);
    let inner = text.strip_prefix("<t>").and_then(|text| text.split_once("</t>"));
    let (object, digits) = inner.expect("both parts");
    assert!(complete && digits.len() == 2, "{text}");
    assert!(serde_json::from_str::<Value>(object).expect("JSON")["a"].is_i64());
}
