//! The facts of an answer, in the forms that MedBench's questions ask for.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::task::Task;
use crate::score::text::words::built_in;

/// Kinds of things of `CMeEE`.
const KINDS: [&str; 9] =
    ["药物", "设备", "医院科室", "微生物类", "身体部位", "医疗操作", "医学检验项目", "症状", "疾病"];
/// Relations of `CMeIE`.
const RELATIONS: &str = "相关（导致）|鉴别诊断|遗传因素|发病性别倾向|相关（症状）|手术治疗|预防|辅助检查|筛查|阶段|临床表现|\
    风险评估因素|同义词|发病年龄|预后生存率|病史|传播途径|治疗后症状|药物治疗|辅助治疗|化疗|死亡率|放射治疗|病因|组织学检查|\
    内窥镜检查|多发群体|并发症|实验室检查|就诊科室|病理生理|高危因素|发病率|多发地区|病理分型|影像学检查|转移部位|发病部位|\
    相关（转化）|外侵部位|预后状况|发病机制|多发季节";

static SECTION: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"(?s)^(主诉|现病史|既往史|个人史|婚育史|家族史)[:：](.+)$"));
static RELATION: LazyLock<Regex> = LazyLock::new(|| {
    let things = r#"头实体[:：]["“]([^"”]+)["”][,，]尾实体[:：]["“]([^"”]+)["”]"#;
    built_in(&format!(r#"关系[:：]["“]({RELATIONS})["”][,，]{things}"#))
});

/// Finds the facts of an answer. `names` are the standard names of diseases.
pub(super) fn found(task: Task, answer: &str, names: &BTreeSet<String>) -> Vec<Value> {
    match task {
        Task::Cmeee => things(answer),
        Task::Cmeie => relations(answer),
        Task::ChipCdee => answer.lines().filter(|line| line.contains("主体词")).map(event).collect(),
        Task::ChipCdn => diseases(answer, names),
        Task::Dbmhg => sections(answer),
        _ => Vec::new(),
    }
}

/// One line per kind: `药物：阿司匹林，布洛芬`.
fn things(answer: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for kind in KINDS {
        for line in answer.split('\n').filter(|line| line.starts_with(kind)) {
            let names = line.replace(&format!("{kind}:"), "").replace(&format!("{kind}："), "");
            found.extend(names.split([',', '，']).map(|name| json!({ "type": kind, "entity": name })));
        }
    }
    found
}

fn relations(answer: &str) -> Vec<Value> {
    let fact = |found: regex::Captures<'_>| json!({ "predicate": &found[1], "subject": &found[2], "object": &found[3] });
    answer.split('\n').flat_map(|line| RELATION.captures_iter(line).map(fact).collect::<Vec<_>>()).collect()
}

/// One event per line: `主体词：疼痛；发生状态：否定；描述词：空；解剖部位：腹部，背部`.
fn event(line: &str) -> Value {
    let parts: Map<String, Value> = line
        .trim_end_matches('。')
        .split('；')
        .filter_map(|part| part.split_once('：'))
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    let text = |name: &str| parts.get(name).and_then(Value::as_str);
    let list = |name: &str| -> Vec<&str> {
        text(name).filter(|words| *words != "空").map(|words| words.split('，').collect()).unwrap_or_default()
    };
    let state = text("发生状态").unwrap_or("不确定");
    let state = if matches!(state, "不确定" | "否定") { state } else { "" };
    json!({
        "主体词": text("主体词").unwrap_or_default(),
        "发生状态": state,
        "描述词": list("描述词"),
        "解剖部位": list("解剖部位"),
    })
}

/// The standard names in the last line.
fn diseases(answer: &str, names: &BTreeSet<String>) -> Vec<Value> {
    let last = answer.rsplit('\n').next().unwrap_or_default();
    let given: BTreeSet<&str> =
        last.split('，').map(str::trim).filter(|name| names.contains(*name)).collect();
    given.into_iter().map(|name| json!({ "entity": name, "type": "normalization" })).collect()
}

/// The sections of a record. The last of several with one name counts.
fn sections(answer: &str) -> Vec<Value> {
    let blocks: Vec<&str> =
        if answer.contains("\n\n") { answer.split("\n\n").collect() } else { answer.lines().collect() };
    let mut found = Map::new();
    for block in blocks {
        if let Some(section) = SECTION.captures(block.trim()) {
            found.insert(section[1].to_owned(), Value::from(section[2].trim()));
        }
    }
    found.into_iter().map(|(name, text)| json!({ "type": name, "entity": text })).collect()
}
