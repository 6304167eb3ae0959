//! Named templates: what is written and learned, files of one's own, and what is refused.

use std::fs;

use internlm_model::chat::{
    Channel, ChatTemplate, FunctionDefinition, JinjaTemplate, Message, PluginCall, Prompt, tools_message,
};
use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
use internlm_model::{TokenId, Tokenizer};
use xtuner::dataset::{Conversation, Document, EncodeStats, Sample, encode};
use xtuner::template::{Template, template_names};

use crate::fixture::{prepare, xtuner};

fn tokenizer() -> Tokenizer {
    let config = BpeTrainConfig::new(300).with_min_frequency(1);
    train_bpe(["the answer is the number".to_owned()].into_iter(), &config).expect("trains")
}

fn template(name: &str) -> Template {
    Template::named(name, &tokenizer()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Instructions, then two questions with their answers.
fn dialogue() -> Conversation {
    Conversation::new(vec![
        Message::system("S"),
        Message::user("Q1"),
        Message::assistant("A1"),
        Message::user("Q2"),
        Message::assistant("A2"),
    ])
}

/// The text of a sample, with what is learned between brackets.
fn shown(sample: &Sample) -> String {
    let tokenizer = tokenizer();
    let mut start = 0;
    let parts = sample.weights.chunk_by(|left, right| left == right).map(|run| {
        let ids: &[TokenId] = &sample.ids[start..start + run.len()];
        start += run.len();
        let text = tokenizer.decode(ids, Special::Keep);
        if run[0] == 0.0 { text } else { format!("⟦{text}⟧") }
    });
    parts.collect()
}

fn encoded(name: &str, conversation: &Conversation) -> String {
    let sample = template(name).encode(&tokenizer(), conversation);
    shown(&sample.unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[test]
fn every_row_says_where_things_are_and_what_is_learned() {
    // `encode_fn` of XTuner 0.x: bos, input, [output + suffix, eos unless the suffix ends the turn], sep.
    let cases = [
        ("default", "<s><|System|>:S\n<|User|>:Q1\n<|Bot|>:⟦A1</s>⟧\n<s><|User|>:Q2\n<|Bot|>:⟦A2</s>⟧\n"),
        (
            "internlm_chat",
            "<s><|System|>:S\n<|User|>:Q1<eoh>\n<|Bot|>:⟦A1<eoa>⟧\n<|User|>:Q2<eoh>\n<|Bot|>:⟦A2<eoa>⟧\n",
        ),
        (
            "internlm2_chat",
            "<s><|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\n⟦A1<|im_end|>⟧\n\
             <|im_start|>user\nQ2<|im_end|>\n<|im_start|>assistant\n⟦A2<|im_end|>⟧\n",
        ),
        (
            "chatglm2",
            "<s>S\n[Round 1]\n\n问：Q1\n\n答：⟦A1</s>⟧\n\n<s>[Round 2]\n\n问：Q2\n\n答：⟦A2</s>⟧\n\n",
        ),
        ("mistral", "<s>[INST] S [/INST]\n[INST] Q1 [/INST]⟦A1</s>⟧\n<s>[INST] Q2 [/INST]⟦A2</s>⟧\n"),
        ("code_llama_chat", "<s>S\n[INST] Q1 [/INST]⟦A1</s>⟧<s>[INST] Q2 [/INST]⟦A2</s>⟧"),
        (
            "gemma",
            "<s><start_of_turn>system\nS<end_of_turn>\n<start_of_turn>user\nQ1<end_of_turn>\n<start_of_turn>model\n\
             ⟦A1<end_of_turn></s>⟧\n<s><start_of_turn>user\nQ2<end_of_turn>\n<start_of_turn>model\n\
             ⟦A2<end_of_turn></s>⟧\n",
        ),
        (
            "llama3_chat",
            "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n\
             Q1<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n⟦A1<|eot_id|>⟧\
             <|start_header_id|>user<|end_header_id|>\n\nQ2<|eot_id|>\
             <|start_header_id|>assistant<|end_header_id|>\n\n⟦A2<|eot_id|>⟧",
        ),
    ];
    for (name, expected) in cases {
        assert_eq!(encoded(name, &dialogue()), expected, "{name}");
    }
}

#[test]
fn the_prompt_of_every_row_is_what_is_before_its_answer() {
    let names = template_names().expect("the table");
    assert!(names.len() >= 27, "{names:?}");
    let tokenizer = tokenizer();
    for name in names {
        let template = template(&name);
        let mut conversation = dialogue();
        if template.encode(&tokenizer, &conversation).is_err() {
            assert_eq!(name, "minicpm", "the only one without instructions");
            conversation.turns.remove(0);
        }
        let messages = conversation.messages();
        let whole = template.encode(&tokenizer, &conversation).expect("encodes");
        assert_eq!((template.name(), whole.ids.len()), (&*name, whole.weights.len()));
        for answer in (0..messages.len()).filter(|&index| conversation.turns[index].is_learned()) {
            let prompt = template.prompt(&tokenizer, &messages[..answer]).expect("a question");
            let words = template.answer_ids(&tokenizer, &messages[..=answer]).expect("an answer");
            assert!(
                whole.ids[prompt.len()..].starts_with(&words) && whole.ids.starts_with(&prompt),
                "{name}"
            );
            assert!(
                whole.weights[prompt.len()..prompt.len() + words.len()].iter().all(|weight| *weight == 1.0)
            );
            assert!(tokenizer.decode(&words, Special::Keep).starts_with(messages[answer].text()), "{name}");
        }
        let learned =
            template.answer_ids(&tokenizer, &messages[..messages.len() - 2]).expect("an answer").len()
                + template.answer_ids(&tokenizer, &messages).expect("an answer").len();
        assert_eq!(whole.labels(), learned, "{name}");
        assert!(template.prompt(&tokenizer, &messages).is_err(), "{name}: there is nothing to answer");
    }
}

#[test]
fn every_row_in_jinja_writes_the_same_text() {
    let tokenizer = tokenizer();
    for name in template_names().expect("the table") {
        let template = template(&name);
        let source = template.jinja().expect("a named template");
        let jinja = JinjaTemplate::new(&source, Some("<s>".to_owned()), Some("</s>".to_owned()));
        let jinja = ChatTemplate::Jinja(Box::new(jinja.unwrap_or_else(|error| panic!("{name}: {error}"))));
        let mut conversation = dialogue();
        if name == "minicpm" {
            assert!(jinja.render(&conversation.messages(), Prompt::None).is_err());
            conversation.turns.remove(0);
        }
        let messages = conversation.messages();
        let text = |ids: &[TokenId]| tokenizer.decode(ids, Special::Keep);
        let whole = template.encode(&tokenizer, &conversation).expect("encodes");
        assert_eq!(jinja.render(&messages, Prompt::None).expect("renders"), text(&whole.ids), "{name}");
        let question = &messages[..messages.len() - 1];
        let prompt = template.prompt(&tokenizer, question).expect("a question");
        assert_eq!(jinja.render(question, Prompt::Generate).expect("renders"), text(&prompt), "{name}");
    }
    assert!(Template::Model(ChatTemplate::InternLm2).jinja().is_none());
}

#[test]
fn the_row_of_internlm2_is_its_own_format_with_tools_too() {
    let tokenizer = tokenizer();
    let calls = ["1+1", "2+2"].map(|sum| {
        let arguments = serde_json::Map::from_iter([("x".to_owned(), sum.into())]);
        internlm_model::chat::ToolCall::from(PluginCall::new("add", arguments)).with_id(sum)
    });
    let result = |sum: &str, text: &str| Message::environment(Channel::Plugin, text).with_call_id(sum);
    let conversation = Conversation::new(vec![
        Message::system("Be brief."),
        tools_message(&[FunctionDefinition::new("add")]),
        Message::user("1+1, 2+2? <|im_end|>"),
        Message::assistant("I add.").with_calls(calls.to_vec()),
        result("2+2", "4"),
        result("1+1", "2"),
        Message::assistant("2 and 4."),
        Message::user("Thanks."),
        Message::assistant("Welcome."),
    ]);
    let named = template("internlm2_chat").samples(&tokenizer, &conversation).expect("encodes");
    let own = Template::Model(ChatTemplate::InternLm2).samples(&tokenizer, &conversation).expect("encodes");
    assert_eq!(shown(&named[0]), shown(&own[0]));
    assert_eq!(named, own);
}

#[test]
fn weights_of_messages_are_those_of_their_tokens() {
    let mut conversation = dialogue();
    conversation.turns[1].weight = 3.0;
    conversation.turns[2].weight = 0.0;
    conversation.turns[4].weight = 0.25;
    for template in [template("internlm2_chat"), Template::Model(ChatTemplate::InternLm2)] {
        let sample = template.encode(&tokenizer(), &conversation).expect("encodes");
        assert!(shown(&sample).ends_with("assistant\n⟦A2<|im_end|>⟧\n"), "{}", shown(&sample));
        assert_eq!((sample.labels(), sample.weight()), (3, 0.75), "A, 2 and the end");
        assert!(sample.row().weights.is_some());
        conversation.turns[4].weight = -1.0;
        let error = template.encode(&tokenizer(), &conversation).expect_err("negative").to_string();
        assert!(error.contains("weight: found -1, expected a number from 0"), "{error}");
        conversation.turns[4].weight = 0.25;
    }
}

#[test]
fn special_tokens_that_messages_spell_are_text() {
    let tokenizer = tokenizer();
    let conversation =
        Conversation::new(vec![Message::user("<|im_end|></s>"), Message::assistant("<s><|im_start|>")]);
    let specials = |name: &str| {
        let sample = template(name).encode(&tokenizer, &conversation).expect("encodes");
        sample.ids.iter().filter(|&&id| tokenizer.is_special(id)).count()
    };
    // The first token, two turns that begin and end, and the answer's end.
    assert_eq!((specials("internlm2_chat"), specials("default")), (5, 2));
}

#[test]
fn text_and_ids_need_no_template() {
    let tokenizer = tokenizer();
    let ids = tokenizer.encode("the answer");
    let weights = (0..ids.len()).map(|place| f32::from(u8::from(place > 0))).collect();
    let documents = [
        Document::Text("the number".to_owned()),
        Document::Tokens(Sample { ids: ids.clone(), weights }),
        dialogue().into(),
    ];
    let encoded = encode(&documents, &tokenizer, &template("default"), 1000).expect("encodes");
    assert_eq!(shown(&encoded.samples[0]), "<s>⟦the number⟧");
    assert_eq!(encoded.samples[1].ids, ids);
    let stats = encoded.stats;
    assert_eq!((stats.conversations, stats.samples, stats.dropped, stats.truncated), (3, 3, 0, 0));
    let mut twice = EncodeStats::default();
    twice.add(&stats);
    twice.add(&stats);
    assert_eq!((twice.tokens, twice.longest), (2 * stats.tokens, stats.longest));
    let far = Document::Tokens(Sample { ids: vec![TokenId(9999)], weights: vec![1.0] });
    let error = encode(&[far], &tokenizer, &template("default"), 10).expect_err("no such id").to_string();
    assert_eq!(
        error,
        format!("conversation 1: ids: found 9999, expected ids below {}", tokenizer.vocab_size())
    );
}

#[test]
fn files_of_ones_own_extend_the_table() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("writes");
        path.display().to_string()
    };
    let one = write("one.toml", "instruction = \"Q: {input}\\nA: \"\nsep = \"\\n\"\n");
    assert_eq!(template(&one).name(), "one");
    assert!(
        encoded(&one, &Conversation::new(vec![Message::user("Q1"), Message::assistant("A1")]))
            .starts_with("<s>Q: Q1\nA: ⟦A1</s>⟧\n")
    );
    let two = write(
        "two.toml",
        "[mine]\nextends = \"internlm2_chat\"\nsep = \"\"\n[other]\nextends = \"mine\"\nsystem = \"({system})\"\n",
    );
    let other = encoded(&format!("{two}#other"), &dialogue());
    assert!(other.starts_with("<s>(S)<|im_start|>user") && other.ends_with("⟦A2<|im_end|>⟧"), "{other}");
    let jinja = write(
        "own.jinja",
        "{% for m in messages %}{{ m.role }}:{{ m.content }}{{ eos_token }}{% endfor %}\
        {% if add_generation_prompt %}assistant:{% endif %}",
    );
    assert_eq!(
        encoded(&jinja, &dialogue()),
        "system:S</s>user:Q1</s>assistant:⟦A1</s>⟧user:Q2</s>assistant:⟦A2</s>⟧"
    );

    let refused = |choice: &str, part: &str| {
        let error = Template::named(choice, &tokenizer()).expect_err(choice).to_string();
        assert!(error.contains(part), "{choice}: {error}");
    };
    refused("internlm3_chat", "dataset.template: found `internlm3_chat`, expected one of baichuan2_chat, ");
    refused(&two, "found 2 templates (mine, other), expected one, or `");
    refused(&format!("{two}#third"), "found `third`");
    refused("absent.toml", "absent.toml");
    refused(
        &write("no_input.toml", "instruction = \"Q:\""),
        "instruction: found \"Q:\", expected a text with {input}",
    );
    refused(&write("key.toml", "instruction = \"{input}\"\nsuffx = \"\""), "unknown field `suffx`");
    refused(
        &write("circle.toml", "[a]\nextends = \"b\"\n[b]\nextends = \"a\"\n[c]\n"),
        "templates (a, b, c)",
    );
    let circle = folder.path().join("circle.toml").display().to_string();
    refused(&format!("{circle}#a"), "a.extends: found `a`, which extends itself");
    refused(&format!("{circle}#c"), "c.instruction: found no text");
    refused(&write("end.toml", "instruction = \"{input}\"\nsuffix-as-eos = true"), "true without a suffix");
    let tools = write("tools.toml", "instruction = \"{input}\"\ntools = \"{tools}\"\n");
    refused(&tools, "tools.call: found no text");
}

#[test]
fn messages_without_a_place_are_refused() {
    let call = PluginCall::new("add", serde_json::Map::new());
    let calling = Message::assistant("").with_calls(vec![call.clone().into()]);
    let refused = |name: &str, messages: Vec<Message>, part: &str| {
        let error =
            template(name).encode(&tokenizer(), &Conversation::new(messages)).expect_err(part).to_string();
        let expected = format!("chat template `{name}`: found {part}");
        assert!(error.starts_with(&expected), "{error}");
    };
    refused("minicpm", vec![Message::system("S"), Message::user("Q")], "a system message, expected none");
    refused("default", vec![Message::user("Q"), calling.clone()], "tool calls, expected none");
    refused("default", vec![tools_message(&[FunctionDefinition::new("f")])], "tools, expected none");
    refused("default", vec![Message::environment(Channel::Plugin, "2")], "results of tools, expected none");
    let file = Message::user("Q").on(Channel::File);
    refused("internlm2_chat", vec![file], "a message of user with the name file");
    let calls = vec![call.into()];
    refused("internlm2_chat", vec![Message::user("Q").with_calls(calls)], "calls in a message of user");
    let late = vec![Message::user("Q"), Message::environment(Channel::Plugin, "2")];
    refused("internlm2_chat", late, "a result behind a message of the user");
}

#[test]
fn log_dataset_shows_what_was_asked_for() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "lora", 2);
    let program = xtuner(folder.path());
    let show = |what: &str| {
        let ran = program.run(["log-dataset", &config, "--show", what, "--sample", "1"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout
    };
    let (text, masked) = (show("text"), show("masked_text"));
    assert!(text.starts_with("<s><|im_start|>"), "{text}");
    assert!(masked.starts_with("[-100 x ") && masked.contains("<|im_end|>"), "{masked}");
    let numbers = |what: &str| -> Vec<i64> { serde_json::from_str(&show(what)).expect("a list of numbers") };
    let (ids, labels) = (numbers("input_ids"), numbers("labels"));
    assert_eq!(ids.len(), labels.len());
    assert!(labels.iter().zip(&ids).all(|(label, id)| *label == -100 || label == id));
    assert!(labels[0] == -100 && labels.iter().any(|label| *label != -100));
    let all = show("all");
    for name in ["text", "masked_text", "input_ids", "labels"] {
        assert!(all.contains(&format!("--- {name}\n{}", show(name))), "{name}: {all}");
    }
    let far = program.run(["log-dataset", &config, "--sample", "9999"]);
    assert!(far.code == Some(2) && far.stderr.contains("--sample: found 9999"), "{far:?}");
}

#[test]
fn check_dataset_shows_weights_ids_and_the_template() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "lora", 2);
    let line = r#"{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "weight": 0.5}]}"#;
    fs::write(folder.path().join("conversations.jsonl"), line).expect("writes");
    let program = xtuner(folder.path());
    let named = "dataset.template=\"internlm2_chat\"";
    let ran = program.run(["check-dataset", &config, "--rows", "1", "--ids", "--set", named]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in ["⟦y<|im_end|>⟧×0.5", "template  internlm2_chat", "weight  1.0 of 2 to learn from"] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    let ids: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("1 ")).collect();
    assert!(ids.len() == 1 && ids[0].contains('⟦'), "{ran:?}");
}
