//! Scores of MedBench against what upstream's functions give.

use super::*;

#[test]
fn letters_of_names_are_not_answers() {
    // parse_qa_multiple_answer upstream.
    assert_eq!(letters("CT显示，选(A)和C。"), json!(["A", "C"]));
    assert_eq!(letters("分级B, B级"), json!([]));
}

#[test]
fn facts_are_read_from_lines() {
    let none = BTreeSet::new();
    let found = facts::found(Task::Cmeee, "药物：阿司匹林，布洛芬\n症状:头痛", &none);
    let thing = |kind: &str, name: &str| json!({ "type": kind, "entity": name });
    assert_eq!(found, [thing("药物", "阿司匹林"), thing("药物", "布洛芬"), thing("症状", "头痛")]);
    let relation = "关系：\"病因\"，头实体：\"肺炎\"，尾实体：“细菌”";
    let expected = json!({ "predicate": "病因", "subject": "肺炎", "object": "细菌" });
    assert_eq!(facts::found(Task::Cmeie, relation, &none), [expected]);
    let event = "主体词：疼痛；发生状态：否定；描述词：空；解剖部位：腹部，背部。";
    let expected =
        json!({ "主体词": "疼痛", "发生状态": "否定", "描述词": [], "解剖部位": ["腹部", "背部"] });
    assert_eq!(facts::found(Task::ChipCdee, event, &none), [expected]);
    let names = BTreeSet::from(["肺炎".to_owned(), "胃炎".to_owned()]);
    let found = facts::found(Task::ChipCdn, "好的\n肺炎，感冒， 肺炎", &names);
    assert_eq!(found, [json!({ "entity": "肺炎", "type": "normalization" })]);
    assert_eq!(facts::found(Task::Dbmhg, "主诉：头痛\n其他：无", &none), [thing("主诉", "头痛")]);
}

#[test]
fn facts_are_compared_by_their_values() {
    assert_eq!(key(&json!({ "type": "a", "entity": "b" })), key(&json!({ "entity": "b", "type": "a" })));
    assert_ne!(key(&json!({ "type": "a", "entity": "b" })), key(&json!({ "type": "b", "entity": "a" })));
}

#[test]
fn texts_are_divided_as_bert_divides_them() {
    assert_eq!(divided("患者CT示 3.5cm，无。"), "患 者 ct 示 3 . 5cm ， 无 。");
    assert_eq!(divided(" \n"), NOTHING);
}
