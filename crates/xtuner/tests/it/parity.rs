//! What is trained is what is served: ids of this crate's training reader against the prompts of lmdeploy's server.
//!
//! A random conversation is one line of a training set and one chat request. For every answer in it, the ids that the
//! server gives its model must be the ids that training puts before that answer.

use internlm_kit::testing::{TestRng, shared_data};
use internlm_model::chat::marks::{ACTION_END, ACTION_START, IM_END, IM_START, INTERPRETER, PLUGIN};
use internlm_model::chat::{ChatTemplate, JinjaTemplate, Prompt, Role, parse_reply};
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use internlm_model::{TokenId, Tokenizer};
use lmdeploy::protocol::ChatRequest;
use lmdeploy::respond::ServedModel;
use serde_json::{Map, Value, json};
use xtuner::dataset::{Conversation, Sample, parse_openai};
use xtuner::template::Template;

/// Random conversations on InternLM2's markup and on all jinja templates together.
const CONVERSATIONS: u64 = 10_000;
/// Jinja templates that take conversations of any shape; the others demand roles in a certain order.
const TEMPLATES: [&str; 6] = [
    "Qwen-Qwen2.5-7B-Instruct",
    "meta-llama-Llama-3.1-8B-Instruct",
    "meta-llama-Llama-3.2-3B-Instruct",
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
    "mistralai-Mistral-Nemo-Instruct-2407",
];

/// Pieces of texts: letters, letters of other scripts, numbers, JSON, and everything that looks like markup.
const PIECES: [&str; 24] = [
    "hello",
    " world",
    "2+2",
    "\n",
    "  ",
    "\t",
    "é",
    "语言",
    "🦀",
    "{\"a\": 1}",
    "[",
    "\"",
    "\\",
    "<s>",
    "</s>",
    IM_START,
    IM_END,
    ACTION_START,
    ACTION_END,
    PLUGIN,
    INTERPRETER,
    "name=",
    "assistant\n",
    "e\u{301}",
];

fn text(rng: &mut TestRng) -> String {
    (0..rng.below(6)).map(|_| *rng.pick(&PIECES)).collect()
}

fn value(rng: &mut TestRng, depth: usize) -> Value {
    match rng.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => json!(rng.below(2) == 0),
        2 => json!(rng.below(1000) as i64 - 500),
        3 => json!(rng.below(1000) as f64 / 8.0),
        4 => json!(text(rng)),
        5 => (0..rng.below(3)).map(|_| value(rng, depth - 1)).collect(),
        _ => Value::Object(object(rng, depth - 1)),
    }
}

fn object(rng: &mut TestRng, depth: usize) -> Map<String, Value> {
    (0..rng.below(4))
        .map(|index| (format!("{}{index}", rng.pick(&["a", "Z", "ß", "key "])), value(rng, depth)))
        .collect()
}

/// Keys in random order; description, parameters and other keys there or not.
fn tool(rng: &mut TestRng, index: usize) -> Value {
    let mut keys = vec![("name", json!(format!("tool_{index}")))];
    if rng.below(2) == 0 {
        keys.insert(rng.below(2), ("description", json!(text(rng))));
    }
    if rng.below(3) > 0 {
        let schema =
            json!({"type": "object", "properties": {"x": {"type": "string", "description": text(rng)}}});
        keys.insert(rng.below(keys.len() + 1), ("parameters", schema));
    }
    if rng.below(4) == 0 {
        keys.push(("strict", json!(true)));
    }
    let function: Map<String, Value> = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    json!({"type": "function", "function": function})
}

/// What a conversation may hold besides plain turns.
#[derive(Clone, Copy, PartialEq)]
enum Markup {
    /// Everything that InternLM2's format has: channels, several calls, calls of the interpreter.
    InternLm2,
    /// What OpenAI's format and all templates have.
    Portable,
}

/// A user's turn, calls with their results as often as the dice say, and an answer; several times.
fn messages(rng: &mut TestRng, markup: Markup) -> Vec<Value> {
    let mut messages = Vec::new();
    let system = if markup == Markup::InternLm2 { rng.below(3) } else { rng.below(2) };
    for _ in 0..system {
        messages.push(json!({"role": rng.pick(&["system", "developer"]), "content": text(rng)}));
    }
    for _ in 0..=rng.below(3) {
        let mut user = json!({"role": "user", "content": content(rng)});
        if rng.below(4) == 0 {
            let names: &[&str] = if markup == Markup::InternLm2 { &["alice", "file"] } else { &["alice"] };
            user["name"] = json!(rng.pick(names));
        }
        messages.push(user);
        for _ in 0..rng.below(3) {
            let count = if markup == Markup::InternLm2 { 1 + rng.below(3) } else { 1 };
            let calls: Vec<Value> = (0..count).map(|_| call(rng, markup)).collect();
            let mut reply = json!({"role": "assistant", "tool_calls": calls});
            match rng.below(3) {
                0 => reply["content"] = Value::Null,
                1 if markup == Markup::InternLm2 => reply["content"] = json!(format!("t{}", text(rng))),
                _ => {}
            }
            messages.push(mask(rng, reply));
            for call in &calls {
                let mut result = json!({"role": "tool", "content": content(rng), "tool_call_id": call["id"]});
                if markup == Markup::InternLm2 {
                    result["role"] = json!(rng.pick(&["tool", "environment"]));
                    if rng.below(3) == 0 {
                        result["name"] = json!(rng.pick(&[INTERPRETER, PLUGIN, "plugin", "get_weather"]));
                    }
                }
                messages.push(result);
            }
        }
        let answer = json!({"role": "assistant", "content": format!("ok{}", text(rng))});
        messages.push(mask(rng, answer));
    }
    messages
}

fn content(rng: &mut TestRng) -> Value {
    match rng.below(4) {
        0 => {
            json!([{"type": "text", "text": text(rng)}, {"type": "text", "text": format!("x{}", text(rng))}])
        }
        _ => json!(format!("x{}", text(rng))),
    }
}

fn call(rng: &mut TestRng, markup: Markup) -> Value {
    // Mistral's template takes ids of nine letters only.
    let id = format!("call{:05}", rng.below(100_000));
    if markup == Markup::InternLm2 && rng.below(6) == 0 {
        return json!({"id": id, "type": "function", "function": {"name": INTERPRETER, "arguments": text(rng)}});
    }
    let arguments = Value::Object(object(rng, 2));
    let arguments = if rng.below(3) == 0 { arguments } else { json!(arguments.to_string()) };
    json!({"id": id, "type": "function", "function": {"name": format!("tool_{}", rng.below(3)), "arguments": arguments}})
}

/// Takes a reply out of the loss now and then.
fn mask(rng: &mut TestRng, mut reply: Value) -> Value {
    match rng.below(8) {
        0 => reply["loss"] = json!(false),
        1 => reply["weight"] = json!(0),
        2 => reply["weight"] = json!(1),
        _ => {}
    }
    reply
}

/// One line of a training set; the last answer is always learned, so that no line is refused.
fn conversation(rng: &mut TestRng, markup: Markup) -> Value {
    let mut messages = messages(rng, markup);
    if let Some(last) = messages.last_mut().and_then(Value::as_object_mut) {
        last.shift_remove("loss");
        last.shift_remove("weight");
    }
    let mut line = json!({"messages": messages});
    if rng.below(3) > 0 {
        line["tools"] = (0..=rng.below(2)).map(|index| tool(rng, index)).collect();
    }
    line
}

/// The ids that lmdeploy's server gives its model for the first `count` messages.
pub(crate) fn served(model: &ServedModel, line: &Value, count: usize) -> Vec<TokenId> {
    let mut body = line.clone();
    body["messages"].as_array_mut().expect("a list").truncate(count);
    let request: ChatRequest = serde_json::from_str(&body.to_string()).expect("a request");
    model.prompt_ids(&request).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// The samples that training makes of a conversation.
pub(crate) fn trained(conversation: &Conversation, model: &ServedModel) -> Vec<Sample> {
    let template = Template::Model(model.template.clone().expect("a chat format"));
    template.samples(&model.tokenizer, conversation).unwrap_or_else(|error| panic!("{error}"))
}

/// Indices into the list of messages of the request, and of the turns that training made of them, of the answers.
fn answers(line: &Value, conversation: &Conversation) -> Vec<(usize, usize)> {
    let roles =
        line["messages"].as_array().expect("a list").iter().map(|message| message["role"] == "assistant");
    let asked = roles.enumerate().filter_map(|(index, answer)| answer.then_some(index));
    let turns = conversation.turns.iter().enumerate();
    let learned = turns.filter_map(|(index, turn)| (turn.message.role == Role::Assistant).then_some(index));
    asked.zip(learned).collect()
}

/// InternLM2's ids are the pieces of a byte-level vocabulary with all marks.
fn vocabulary() -> Tokenizer {
    let config = BpeTrainConfig::new(400).with_min_frequency(1);
    train_bpe(PIECES.iter().map(|piece| format!("{piece} {piece}")), &config).expect("trains")
}

#[test]
fn training_ids_are_served_ids_on_internlm2_markup() {
    let model = ServedModel::new("m", vocabulary(), Some(ChatTemplate::InternLm2), &[]);
    let end = model.tokenizer.special(IM_END).expect("a mark");
    for seed in 0..CONVERSATIONS {
        let line = conversation(&mut TestRng::new(seed), Markup::InternLm2);
        let conversation =
            parse_openai(&line.to_string()).unwrap_or_else(|problem| panic!("{problem:?}: {line}"));
        let samples = trained(&conversation, &model);
        assert_eq!(samples.len(), 1, "seed {seed}");
        let Sample { ids, weights } = &samples[0];
        let mut learned = 0;
        for (index, turn) in answers(&line, &conversation) {
            let prompt = served(&model, &line, index);
            assert_eq!(prompt, ids[..prompt.len()], "seed {seed}, message {index}: {line}");
            let length = ids[prompt.len()..].iter().position(|id| *id == end).expect("the answer ends") + 1;
            let answer = prompt.len()..prompt.len() + length;
            let turn = &conversation.turns[turn];
            assert!(
                weights[answer.clone()].iter().all(|weight| *weight == turn.weight),
                "seed {seed}, message {index}"
            );
            learned += if turn.is_learned() { length } else { 0 };
            // What the model is trained to write is understood as what was meant.
            let reply = parse_reply(&model.tokenizer, &ids[answer]);
            let bodies = |calls: &[internlm_model::chat::ToolCall]| -> Vec<String> {
                calls.iter().map(|call| call.body.clone()).collect()
            };
            assert_eq!(reply.content, turn.message.text(), "seed {seed}, message {index}");
            assert_eq!(bodies(&reply.calls), bodies(&turn.message.calls), "seed {seed}, message {index}");
        }
        let kept = weights.iter().filter(|weight| **weight != 0.0).count();
        assert_eq!(kept, learned, "seed {seed}: nothing else is learned");
    }
}

#[test]
fn training_ids_are_served_ids_on_published_templates() {
    let Some(folder) = shared_data("tokenizers/chat_templates") else { return };
    let vocabulary = vocabulary();
    for name in TEMPLATES {
        let source = std::fs::read_to_string(folder.join(name).with_added_extension("jinja")).expect("reads");
        let template = JinjaTemplate::new(&source, Some("<s>".to_owned()), Some("</s>".to_owned()));
        let template = ChatTemplate::Jinja(Box::new(template.expect("a template")));
        let model = ServedModel::new("m", vocabulary.clone(), Some(template.clone()), &[]);
        let (count, mut taken) = (CONVERSATIONS / TEMPLATES.len() as u64, 0);
        for seed in 0..count {
            let line = conversation(&mut TestRng::new(seed), Markup::Portable);
            let conversation = parse_openai(&line.to_string()).expect("a conversation");
            // Some templates want a description of every tool, or know no instructions.
            let training = Template::Model(template.clone());
            let Ok(samples) = training.samples(&model.tokenizer, &conversation) else { continue };
            taken += 1;
            let messages = conversation.messages();
            let mut learned = 0;
            for (index, turn) in answers(&line, &conversation) {
                if !conversation.turns[turn].is_learned() {
                    continue;
                }
                let place = format!("{name}, seed {seed}, message {index}: {line}");
                let prompt = served(&model, &line, index);
                let own =
                    template.encode(&model.tokenizer, &messages[..turn], Prompt::Generate).expect("encodes");
                assert_eq!(prompt, own, "{place}");
                // One sample has the answer behind the ids that are served for it.
                let is_behind = |sample: &Sample| {
                    sample.ids.starts_with(&prompt) && sample.weights.get(prompt.len()) == Some(&1.0)
                };
                assert!(samples.iter().any(is_behind), "{place}");
                learned += 1;
            }
            // Nothing else is learned: every run of learned ids is one of these answers.
            let runs = |sample: &Sample| {
                let changes = sample.weights.windows(2).filter(|pair| pair[0] == 0.0 && pair[1] != 0.0);
                changes.count()
            };
            assert_eq!(samples.iter().map(runs).sum::<usize>(), learned, "{name}, seed {seed}: {line}");
        }
        assert!(taken > count / 4, "{name}: {taken} of {count}");
    }
}
