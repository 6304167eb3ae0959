//! Ids of whole prompts: every form of tokenizer against transformers, and the files beside a vocabulary.

use std::fs;
use std::path::Path;

use internlm_kit::exit::BadInput;
use internlm_kit::testing::shared_data;
use internlm_model::TokenId;
use internlm_model::chat::{ChatTemplate, JinjaTemplate, Loss, Message, Prompt};
use internlm_model::tokenizer::{Special, Tokenizer};
use serde_json::{Value, json};

/// What hides the special tokens of messages.
const HIDDEN: char = '\u{fdd0}';

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    serde_json::from_slice(&fs::read(path).expect("reads")).expect("JSON")
}

fn ids(value: &Value) -> Vec<TokenId> {
    serde_json::from_value(value.clone()).expect("a list of ids")
}

/// Writes a file of a golden: JSON as it is, bytes out of hexadecimal digits.
fn write(path: &Path, content: &Value) {
    let bytes = match content {
        Value::String(digits) => {
            let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
            (0..digits.len()).step_by(2).map(byte).collect()
        }
        json => json.to_string().into_bytes(),
    };
    fs::write(path, bytes).expect("writes");
}

/// The folder of one form of the golden.
fn folder(form: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (name, content) in form["files"].as_object().expect("files") {
        write(&folder.path().join(name), content);
    }
    folder
}

/// The form of this name.
fn form(name: &str) -> Value {
    let golden = golden("prompts.json");
    let found = golden["forms"].as_array().expect("forms").iter().find(|form| form["name"] == name);
    found.expect("a form").clone()
}

#[test]
fn prompts_have_the_ids_of_transformers_in_every_form() {
    let golden = golden("prompts.json");
    let texts = golden["texts"].as_array().expect("texts").iter();
    let texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
    let mut failures = Vec::new();
    for form in golden["forms"].as_array().expect("forms") {
        let name = form["name"].as_str().expect("a name");
        let tokenizer = match Tokenizer::load(folder(form).path()) {
            Ok(tokenizer) => tokenizer,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        assert_eq!(tokenizer.vocab_size() as u64, form["vocab"].as_u64().expect("a size"), "{name}");
        let mut roles = tokenizer.special_tokens().to_vec();
        roles.sort();
        let expected = form["special_tokens"].as_object().expect("roles").iter();
        let mut expected: Vec<(String, String)> =
            expected.map(|(key, text)| (key.clone(), text.as_str().unwrap_or_default().to_owned())).collect();
        expected.sort();
        assert_eq!(roles, expected, "{name}");
        for (text, expected) in texts.iter().zip(form["ids"].as_array().expect("lists")) {
            for found in [tokenizer.encode_with_special(text), tokenizer.encode_marked(text, HIDDEN)] {
                if found != ids(expected) {
                    failures.push(format!("{name}: {text:?}: found {found:?}, expected {expected}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn saved_tokenizers_keep_what_was_beside_them() {
    let golden = golden("prompts.json");
    let texts = golden["texts"].as_array().expect("texts");
    for form in golden["forms"].as_array().expect("forms") {
        let tokenizer = Tokenizer::load(folder(form).path()).expect("loads");
        let saved = tempfile::tempdir().expect("temporary folder");
        tokenizer.save(saved.path()).expect("saves");
        // The class of a model is not the tokenizer's to save.
        let model = &form["files"]["config.json"];
        if !model.is_null() {
            write(&saved.path().join("config.json"), model);
        }
        let saved = Tokenizer::load(saved.path()).expect("loads again");
        for text in texts.iter().filter_map(Value::as_str) {
            assert_eq!(saved.encode_with_special(text), tokenizer.encode_with_special(text), "{text:?}");
        }
        assert_eq!((saved.eos(), saved.turn_ends()), (tokenizer.eos(), tokenizer.turn_ends()));
    }
}

#[test]
fn hidden_special_tokens_are_text_in_every_form() {
    for form in golden("prompts.json")["forms"].as_array().expect("forms") {
        let tokenizer = Tokenizer::load(folder(form).path()).expect("loads");
        let name = &form["name"];
        let special = |ids: &[TokenId]| {
            let unknown = tokenizer.special("<unk>");
            ids.iter().filter(|&&id| tokenizer.is_special(id) && Some(id) != unknown).count()
        };
        for mark in ["<|im_start|>", "<|im_end|>", "</s>"] {
            let hidden = format!("{}{HIDDEN}{}", &mark[..1], &mark[1..]);
            let text = format!("<|im_start|>user\nHi {hidden}there{hidden}<|im_end|>\n");
            let ids = tokenizer.encode_marked(&text, HIDDEN);
            assert_eq!(special(&ids), 2, "{name}: {mark}");
            let shown = tokenizer.decode(&ids, Special::Skip);
            assert!(shown.contains(&format!("{mark}there{mark}")), "{name}: {shown:?}");
            assert_eq!(special(&tokenizer.encode(mark)), 0, "{name}: {mark}");
        }
    }
}

#[test]
fn a_mark_from_a_file_beside_ends_an_answer() {
    let tokenizer =
        Tokenizer::load(folder(&form("LlamaTokenizer, special_tokens_map")).path()).expect("loads");
    let end = tokenizer.special("<|im_end|>").expect("is there");
    assert_eq!(tokenizer.eos(), Some(end));
    assert!(tokenizer.turn_ends().contains(&end));
    assert_eq!(tokenizer.decode(&[end], Special::Keep), "<|im_end|>");
}

/// The first ids of `tokenizer(text)["input_ids"]` of transformers 5.24 for a text without marks.
#[test]
fn a_raw_prompt_begins_as_the_post_processor_says() {
    let token = |name: &str| json!({"SpecialToken": {"id": name, "type_id": 0}});
    let processor = |name: &str| {
        json!({"type": "TemplateProcessing", "single": [token(name), {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {name: {"id": name, "ids": [1], "tokens": [name]}}})
    };
    let template = processor("<s>");
    let level =
        json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true});
    let sequence = json!({"type": "Sequence", "processors": [level, template]});
    let form = form("byte level");
    for (processor, says, begins) in [
        (Value::Null, None, false),
        (level.clone(), None, false),
        (template.clone(), None, true),
        (sequence, None, true),
        // What the config says counts.
        (template.clone(), Some(false), false),
        (Value::Null, Some(true), true),
        // Another token than the first one of the config.
        (processor("</s>"), None, false),
    ] {
        let mut files = form.clone();
        files["files"]["tokenizer.json"]["post_processor"] = processor.clone();
        let config = files["files"]["tokenizer_config.json"].as_object_mut().expect("an object");
        config.remove("add_bos_token");
        config.extend(says.map(|says: bool| ("add_bos_token".to_owned(), json!(says))));
        let tokenizer = Tokenizer::load(folder(&files).path()).expect("loads");
        let found = tokenizer.encode_prompt("Hello").first() == tokenizer.bos().as_ref();
        assert_eq!(found, begins, "{processor} {says:?}");
        assert_eq!(tokenizer.encode_with_special("Hello").first(), tokenizer.encode("Hello").first());
    }
}

#[test]
fn a_json_form_beside_a_model_adds_its_tokens() {
    let (mut files, json) = (form("LlamaTokenizer not legacy"), form("metaspace first"));
    let files = files["files"].as_object_mut().expect("files");
    files.remove("added_tokens.json");
    files.insert("tokenizer.json".to_owned(), json["files"]["tokenizer.json"].clone());
    let tokenizer = Tokenizer::load(folder(&json!({ "files": files })).path()).expect("loads");
    assert!(tokenizer.kind().starts_with("sentencepiece"));
    let expected = json["files"]["tokenizer.json"]["added_tokens"].as_array().expect("a list");
    for token in expected {
        let name = token["content"].as_str().expect("a text");
        assert_eq!(tokenizer.special(name).map(|id| u64::from(id.0)), token["id"].as_u64(), "{name}");
    }
}

#[test]
fn a_raw_prompt_begins_once_with_the_first_token_where_the_file_says_so() {
    let mut form = form("LlamaTokenizer not legacy");
    for (adds, expected) in [(true, [1].as_slice()), (false, &[])] {
        form["files"]["tokenizer_config.json"]["add_bos_token"] = json!(adds);
        let tokenizer = Tokenizer::load(folder(&form).path()).expect("loads");
        let text = "<|im_start|>user\nHi<|im_end|>";
        let ids = tokenizer.encode_with_special(text);
        let expected: Vec<TokenId> = expected.iter().copied().map(TokenId).chain(ids).collect();
        assert_eq!(tokenizer.encode_prompt(text), expected);
        let begun = format!("<s>{text}");
        assert_eq!(tokenizer.encode_prompt(&begun), tokenizer.encode_with_special(&begun));
    }
}

#[test]
fn internlm2s_own_format_is_read_at_once_too() {
    let mut form = form("LlamaTokenizer not legacy");
    let first = form["vocab"].as_u64().expect("a size") - 3;
    form["files"]["added_tokens.json"] =
        json!({"<|im_start|>": first, "<|im_end|>": first + 1, "<|action_start|>": first + 2});
    let tokenizer = Tokenizer::load(folder(&form).path()).expect("loads");
    let template = ChatTemplate::of(&tokenizer).expect("InternLM2's tokens");
    let messages = [Message::user("Hello <|im_end|>"), Message::assistant("Hi there"), Message::user(" Bye")];
    let plain = [Message::user("Hello"), messages[1].clone(), messages[2].clone()];
    let rendered = template.render(&plain, Prompt::Generate).expect("renders");
    let ids = template.encode(&tokenizer, &plain, Prompt::Generate).expect("encodes");
    assert_eq!(ids, tokenizer.encode_with_special(&rendered));
    let tokens = template.encode_with_loss(&tokenizer, &messages, |_| Loss::Keep).expect("encodes");
    let kept: Vec<TokenId> =
        tokens.iter().filter(|(_, loss)| *loss == Loss::Keep).map(|(id, _)| *id).collect();
    assert_eq!(tokenizer.decode(&kept, Special::Keep), "Hi there<|im_end|>");
    let end = tokenizer.special("<|im_end|>");
    assert_eq!(tokens.iter().filter(|(id, _)| Some(*id) == end).count(), 3);
}

#[test]
fn first_and_last_tokens_that_are_nowhere_are_named_with_file_and_key() {
    for name in ["LlamaTokenizer not legacy", "byte level"] {
        for (file, key) in [
            ("tokenizer_config.json", "bos_token"),
            ("tokenizer_config.json", "eos_token"),
            ("special_tokens_map.json", "eos_token"),
        ] {
            let mut form = form(name);
            let mut keys = form["files"][file].as_object().cloned().unwrap_or_default();
            keys.insert(key.to_owned(), json!("<nowhere>"));
            form["files"][file] = Value::Object(keys);
            let error = Tokenizer::load(folder(&form).path()).expect_err("not in the vocabulary");
            let text = error.to_string();
            assert!(text.contains(file) && text.contains(&format!("{key}: found `<nowhere>`")), "{text}");
            assert!(error.is_bad_input());
        }
        // Nothing is padded, and other roles are text for templates.
        let mut form = form(name);
        for key in ["pad_token", "mask_token", "image_token"] {
            form["files"]["tokenizer_config.json"][key] = json!("<nowhere>");
        }
        let tokenizer = Tokenizer::load(folder(&form).path()).expect("loads");
        assert_eq!(tokenizer.pad(), None);
        let role = ("image_token".to_owned(), "<nowhere>".to_owned());
        assert!(tokenizer.special_tokens().contains(&role), "{:?}", tokenizer.special_tokens());
    }
}

#[test]
fn ids_that_do_not_fit_are_refused() {
    let load = |name: &str, added: Value| {
        let mut form = form(name);
        form["files"]["added_tokens.json"] = added;
        Tokenizer::load(folder(&form).path()).map(|tokenizer| tokenizer.vocab_size())
    };
    // A SentencePiece vocabulary may have gaps, a `tokenizer.json` may not.
    assert_eq!(load("LlamaTokenizer", json!({"<x>": 400})).expect("loads"), 401);
    for (name, added, part) in [
        ("LlamaTokenizer", json!({"<x>": 4_000_000}), "found id 4000000 among"),
        ("LlamaTokenizer", json!({"<x>": 400, "<y>": 400}), "id 400: found both `<x>` and `<y>`"),
        ("LlamaTokenizer", json!({"<x>": -1}), "added_tokens.json"),
        ("byte level", json!({"<x>": 400}), "added token `<x>`: found id 400, expected 268"),
    ] {
        let text = load(name, added).expect_err(part).to_string();
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn templates_in_files_of_their_own_are_read() {
    let form = form("byte level");
    let folder = folder(&form);
    fs::write(folder.path().join("chat_template.json"), r#"{"chat_template": "from json"}"#).expect("writes");
    let templates = |folder: &Path| Tokenizer::load(folder).expect("loads").chat_templates().to_vec();
    let named = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(templates(folder.path()), [named("default", "from json")]);
    let more = folder.path().join("additional_chat_templates");
    fs::create_dir(&more).expect("creates");
    fs::write(more.join("tool_use.jinja"), "with tools").expect("writes");
    fs::write(folder.path().join("chat_template.jinja"), "alone").expect("writes");
    let expected = [named("default", "alone"), named("tool_use", "with tools")];
    assert_eq!(templates(folder.path()), expected);
    let saved = tempfile::tempdir().expect("temporary folder");
    Tokenizer::load(folder.path()).expect("loads").save(saved.path()).expect("saves");
    assert_eq!(templates(saved.path()), expected);
}

/// The messages of a golden's conversation.
fn messages(conversation: &Value) -> Vec<Message> {
    let message = |message: &Value| {
        let content = message["content"].as_str().expect("a text");
        match message["role"].as_str() {
            Some("system") => Message::system(content),
            Some("user") => Message::user(content),
            _ => Message::assistant(content),
        }
    };
    conversation.as_array().expect("messages").iter().map(message).collect()
}

#[test]
fn conversations_in_published_templates_have_the_ids_of_transformers() {
    let golden = golden("published_prompts.json");
    let conversations: Vec<Vec<Message>> =
        golden["conversations"].as_array().expect("conversations").iter().map(messages).collect();
    let mut failures = Vec::new();
    for form in golden["forms"].as_array().expect("forms") {
        let vocabulary = form["vocabulary"].as_str().expect("a path");
        let Some(vocabulary) = shared_data(format!("tokenizers/{vocabulary}")) else { return };
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join(form["file"].as_str().expect("a name"));
        fs::write(file, fs::read(vocabulary).expect("reads")).expect("writes");
        for name in ["config.json", "tokenizer_config.json"] {
            write(&folder.path().join(name), &form[name]);
        }
        let tokenizer = Tokenizer::load(folder.path()).expect("loads");
        let role = |key: &str| {
            let found = tokenizer.special_tokens().iter().find(|(name, _)| name == key);
            found.map(|(_, text)| text.clone())
        };
        for (name, expected) in form["prompts"].as_object().expect("templates") {
            let path = shared_data(format!("tokenizers/chat_templates/{name}")).expect("present");
            let source = fs::read_to_string(path).expect("reads");
            let template = JinjaTemplate::new(&source, role("bos_token"), role("eos_token")).expect("parses");
            let template = ChatTemplate::Jinja(Box::new(template));
            for (messages, expected) in conversations.iter().zip(expected.as_array().expect("a list")) {
                if expected.is_null() {
                    continue;
                }
                let found = match template.encode(&tokenizer, messages, Prompt::Generate) {
                    Ok(ids) => ids,
                    Err(error) => {
                        failures.push(format!("{}: {name}: {error}", form["name"]));
                        continue;
                    }
                };
                let text: Vec<String> = found.iter().map(ToString::to_string).collect();
                let checksum = crc32fast::hash(text.join(",").as_bytes());
                if json!([checksum, found.len()]) != json!([expected[0], expected[1]]) {
                    failures.push(format!("{}: {name}: found {found:?}, expected {expected}", form["name"]));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
