//! Rows of judged sets against what upstream's loaders make of them.

use serde_json::json;

use super::*;

fn rows(value: Value) -> Vec<Columns> {
    serde_json::from_value(value).expect("objects")
}

fn files(texts: &[Value]) -> Vec<Columns> {
    texts.iter().flat_map(|text| rows(json!([{ "text": text.to_string() }]))).collect()
}

#[test]
fn the_judge_of_alignbench_is_told_the_dimensions() {
    let question = |category: &str| {
        json!([{ "question": "问{reference}？", "capability": "数学计算",
            "others": { "subcategory": category, "reference": "答" } }])
    };
    let load = |category: &str| {
        let files = files(&[
            question(category),
            json!({ "逻辑推理型回答": ["事实正确性", "完备性"] }),
            json!({ "事实正确性": "对不对", "完备性": "全不全" }),
            json!({ "高等数学": "逻辑推理型回答" }),
        ]);
        alignbench(&Named::new("alignbench"), files)
    };
    let loaded = load("高等数学").expect("loads");
    let prefix = loaded[0]["critiquellm_prefix"].as_str().expect("a text");
    let begin = "你是一个擅长评价文本质量的助手。\n请你以公正的评判者的身份，评估一个AI助手对于用户提问的回答的质量。由于您评估的回答类型是\
        数学计算，因此你需要从下面的几个维度对回答进行评估:\n1. 事实正确性: 对不对\n2. 完备性: 全不全\n我们会给您提供";
    assert!(prefix.starts_with(begin), "{prefix}");
    let end = "{'事实正确性': 9, '满足用户需求': 6, ..., '综合得分': 7}。\n用户的提问： 问{reference}？\n[参考答案开始]\n答\n[参考答案结束]\n";
    assert!(prefix.ends_with(end), "{prefix}");
    let error = load("烹饪").expect_err("no such category");
    assert_eq!(error, "row 0: subcategory: found 烹饪, expected a known one");
    let error = alignbench(&Named::new("alignbench"), files(&[json!([])])).expect_err("one file");
    assert_eq!(error, "files: expected the dimensions of the kinds as file 2");
}

#[test]
fn the_judge_of_creationbench_reads_the_language() {
    let row = |language: &str| rows(json!([{ "question": "Q", "others": { "language": language } }]));
    let named = Named::new("creationbench");
    let loaded = creationbench(&named, row("en")).expect("loads");
    let prefix = loaded[0]["gpt4_prefix"].as_str().expect("a text");
    assert!(prefix.starts_with("\nYou are an assistant skilled at evaluating"), "{prefix}");
    assert!(
        prefix.ends_with("'Overall Score': 7}.\n\nCreative Question: Q\n[Model's response start]\n"),
        "{prefix}"
    );
    assert_eq!(loaded[0]["gpt4_suffix"], "\n[Model's response end]\n");
    let loaded = creationbench(&named, row("zh")).expect("loads");
    assert!(loaded[0]["gpt4_prefix"].as_str().expect("a text").ends_with("创作类问题：Q\n[模型回答开始]\n"));
    assert!(creationbench(&named, row("de")).is_err());
}

#[test]
fn every_turn_of_mtbench101_is_a_row() {
    let talk = |task: &str| {
        rows(json!([{ "id": 5, "task": task, "history": [
            { "user": "a", "bot": "b" }, { "user": "c", "bot": "it's d" } ] }]))
    };
    let load = |task: &str| conversations::mtbench101(&Named::new("mtbench101"), talk(task));
    let loaded = load("MR").expect("loads");
    assert_eq!(loaded.len(), 2);
    let before = "The dialogue need to be judged is: \n *** \n \n\n Human: a\n\nAssistant: b\n\n Human: c\n\nAssistant:  ";
    assert_eq!(loaded[1]["judge_before"], before);
    // As upstream's `eval_prompt_construct` prints the conversation.
    let after = " \n ***\n\n                    The reference solution is: \n ### \n [{'role': 'user', 'content': 'a'}, \
        {'role': 'assistant', 'content': 'b'}, {'role': 'user', 'content': 'c'}, \
        {'role': 'assistant', 'content': \"it's d\"}] \n ###\n\n";
    assert_eq!(loaded[1]["judge_after"], after);
    assert_eq!((&loaded[1]["multi_id"], &loaded[1]["turn_id"]), (&json!(5), &json!("2")));
    assert_eq!(loaded[1]["dialogue"].as_array().map(Vec::len), Some(4));
    let loaded = load("CM").expect("loads");
    assert_eq!((loaded.len(), &loaded[0]["judge_after"]), (1, &json!(" \n ***")));
    assert!(loaded[0]["system_prompt"].as_str().expect("a text").ends_with(" \n *** \n DIALGUE \n ***"));
    let error = load("XX").expect_err("no such task");
    assert!(error.starts_with("row 0: task: found XX, expected one of AR, CC, "), "{error}");
}

#[test]
fn roles_have_their_descriptions() {
    let files = |role: &str| {
        let line = json!({ "role": role, "question": "q", "generated": ["g", "h"] });
        rows(json!([{ "text": "{\"Gandalf\": \"a wizard\"}" }, { "text": format!("{line}\n\n{line}\n") }]))
    };
    let load = |role: &str| rolebench(&Named::new("rolebench"), files(role));
    let loaded = load("Gandalf").expect("loads");
    assert_eq!(loaded.len(), 2);
    assert_eq!((&loaded[0]["desc"], &loaded[0]["answer"]), (&json!("a wizard"), &json!("g")));
    assert_eq!(
        load("Bilbo").expect_err("no role"),
        "file 2, line 1: role: found Bilbo, expected a known one"
    );
}
