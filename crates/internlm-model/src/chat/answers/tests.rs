//! Tests of finding answers in what templates render.

use super::*;
use crate::chat::{Channel, ChatTemplate, PluginCall};
use crate::tokenizer::{BpeTrainConfig, Special, train_bpe};

fn tokenizer() -> Tokenizer {
    let text = "user assistant tool hello yes because 1 2 3".to_owned();
    train_bpe(std::iter::once(text), &BpeTrainConfig::new(280).with_min_frequency(1)).expect("trains")
}

/// For every sequence, the text before each answer and the answer itself.
fn answers(source: &str, messages: &[Message]) -> Result<Vec<Vec<(usize, String, String)>>> {
    let tokenizer = tokenizer();
    let template = JinjaTemplate::new(source, Some("<s>".to_owned()), Some("</s>".to_owned()))?;
    let template = ChatTemplate::Jinja(Box::new(template));
    let sequences = template.encode_answers(&tokenizer, messages, |_| true)?;
    let text = |ids: &[TokenId]| tokenizer.decode(ids, Special::Keep);
    let shown = sequences.iter().map(|sequence| {
        let answers = sequence.answers.iter();
        let shown = answers.map(|(index, range)| {
            (*index, text(&sequence.ids[..range.start]), text(&sequence.ids[range.clone()]))
        });
        shown.collect()
    });
    Ok(shown.collect())
}

fn served(source: &str, messages: &[Message]) -> String {
    let template = JinjaTemplate::new(source, Some("<s>".to_owned()), Some("</s>".to_owned()));
    let template = ChatTemplate::Jinja(Box::new(template.expect("parses")));
    template.render(messages, Prompt::Generate).expect("renders")
}

fn dialogue() -> [Message; 4] {
    let thought = |text: &str, thought: &str| {
        let mut message = Message::assistant(text);
        message.fields.insert("reasoning_content".to_owned(), thought.into());
        message
    };
    [Message::user("hello</s>"), thought("yes </s>", "because"), Message::user("1"), thought("2", "3")]
}

/// Every answer is behind exactly what is served for it, and is `expected`.
fn check(source: &str, messages: &[Message], expected: &[(usize, &str)], sequences: &[usize]) {
    let found = answers(source, messages).expect("encodes");
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), sequences, "{found:?}");
    let mut all = found.concat();
    all.sort();
    assert_eq!(all.iter().map(|(index, _, answer)| (*index, &**answer)).collect::<Vec<_>>(), expected);
    for (index, before, _) in all {
        assert_eq!(before, served(source, &messages[..index]));
    }
}

#[test]
fn answers_end_with_the_first_token_that_ends_a_turn() {
    let chatml = "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n\
        {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% else %}{{ eos_token }}{% endif %}";
    check(chatml, &dialogue(), &[(1, "yes </s><|im_end|>"), (3, "2<|im_end|>")], &[2]);
}

#[test]
fn an_answer_that_is_not_in_the_whole_conversation_has_a_sequence_of_its_own() {
    // Reasoning is shown in the last answer only.
    let thinking = "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n\
        {% if loop.last and m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}\
        {{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    let expected = [(1, "<think>because</think>yes </s><|im_end|>"), (3, "<think>3</think>2<|im_end|>")];
    check(thinking, &dialogue(), &expected, &[1, 1]);
}

#[test]
fn a_result_that_ends_otherwise_in_front_of_an_answer_is_served_as_the_last_one() {
    let results = "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}\
        {% for call in m.tool_calls %}{{ call.function.name }}{% endfor %}\
        {% if m.role == 'tool' and not loop.last %}!{% endif %}<|im_end|>\n{% endfor %}\
        {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    let call = PluginCall::new("add", serde_json::Map::new());
    let messages = [
        Message::user("1"),
        Message::assistant("2").with_calls(vec![call.into()]),
        Message::environment(Channel::Plugin, "3"),
        Message::assistant("yes"),
        Message::user("1"),
        Message::assistant("2"),
    ];
    let expected = [(1, "2add<|im_end|>"), (3, "yes<|im_end|>"), (5, "2<|im_end|>")];
    // The first and the last answer are in the whole conversation, the other one behind another result.
    check(results, &messages, &expected, &[2, 1]);
}

#[test]
fn an_invitation_that_is_not_kept_is_not_a_part_of_the_prompt() {
    let invited = "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}</s>{% endfor %}\
        {% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}";
    let found = answers(invited, &[Message::user("1"), Message::assistant("2")]).expect("encodes");
    let before = "<s><|im_start|>user\n1</s><|im_start|>assistant\n".to_owned();
    assert_eq!(found, [[(1, before, "2</s>".to_owned())]]);
}

#[test]
fn white_space_of_a_format_without_ends_is_not_learned() {
    let plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n\n{% endfor %}\
        {% if add_generation_prompt %}assistant: {% endif %}";
    for (said, learned) in [("yes", "yes"), ("yes ", "yes \n\n")] {
        let found = answers(plain, &[Message::user("1"), Message::assistant(said)]).expect("encodes");
        assert_eq!(found[0][0].2.trim_start(), learned);
    }
}

#[test]
fn calls_that_are_not_shown_cannot_be_learned() {
    let plain = "{% for m in messages %}{{ m.content }}</s>{% endfor %}";
    let call = PluginCall::new("add", serde_json::Map::new());
    let messages = [Message::user("1"), Message::assistant("").with_calls(vec![call.into()])];
    let error = answers(plain, &messages).expect_err("no place").to_string();
    assert!(error.contains("no place for tool calls"), "{error}");
}

#[test]
fn a_template_that_hides_where_an_answer_begins_is_refused() {
    let hiding = "{{ messages | length }}{% for m in messages %}\n{{ m.content }}</s>{% endfor %}";
    let error =
        answers(hiding, &[Message::user("1"), Message::assistant("2")]).expect_err("hidden").to_string();
    assert!(error.contains("message 1: found a template that shows the messages before"), "{error}");
}

#[test]
fn a_message_that_moves_with_the_conversation_is_where_it_is_served() {
    // As Mistral's templates do it with instructions: they are a part of the question that is the last message.
    let moving = "{{ bos_token }}{% for m in messages if m.role != 'system' %}{% if m.role == 'user' %}<|im_start|>\
        {% if loop.last and messages[0].role == 'system' %}{{ messages[0].content }} {% endif %}{{ m.content }}\
        <|im_end|>{% else %}{{ m.content }}</s>{% endif %}{% endfor %}";
    let [ask, answer, again, last] = dialogue();
    let messages = [Message::system("hello"), ask, answer, again, last];
    check(moving, &messages, &[(2, "yes </s></s>"), (4, "2</s>")], &[0, 1, 1]);
}

#[test]
fn a_turn_that_follows_every_conversation_is_not_a_part_of_an_answer() {
    let reminded = "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}\
        {% if m.role == 'user' %}<|im_end|>{% endif %}{% endfor %}<|im_start|>system\nhello<|im_end|>\
        {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    let found = answers(reminded, &[Message::user("1"), Message::assistant("2")]).expect("encodes");
    let before = "<s><|im_start|>user\n1<|im_end|><|im_start|>system\nhello<|im_end|><|im_start|>assistant\n";
    assert_eq!(found, [vec![], vec![(1, before.to_owned(), "2".to_owned())]]);
}
