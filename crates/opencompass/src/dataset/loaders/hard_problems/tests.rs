//! Questions of NPHardEval against those of upstream's own `q2text`.

use super::*;

/// The rows of a task as `(end of the prompt, problem, level)`.
fn load(task: &str, rows: Value) -> Vec<(String, String, i64)> {
    let rows: Vec<Columns> = serde_json::from_value(rows).expect("objects");
    let named = Named::new("nphardeval").with("task", task);
    let rows = nphardeval(&named, rows).expect("loads");
    let text = |row: &Columns, name: &str| row[name].as_str().expect("a text").to_owned();
    rows.iter()
        .map(|row| {
            let prompt = text(row, "prompt");
            assert!(!prompt.contains("{total") && !prompt.contains("{max"), "{prompt}");
            let end = prompt.rsplit("final_answer>").next().unwrap_or_default().to_owned();
            (end, text(row, "q"), row["level"].as_i64().expect("a number"))
        })
        .collect()
}

#[test]
fn graphs_are_split_at_empty_lines() {
    let file = "a 3 colors\np edge 3 2\ne 1 2\ne 2 3\n\nb 2 colors\np edge 2 1\ne 1 2\n\n";
    let rows = load("gcp_d", json!([{ "text": "" }, { "text": file }]));
    assert_eq!(rows.len(), 2);
    let end = ".\n\n The graph is below: \nVertex 1 is connected to vertex 2.\nVertex 2 is connected to vertex 3.\n";
    let problem = "2####\na 3 colors\np edge 3 2\ne 1 2\ne 2 3";
    assert_eq!(rows[0], (end.to_owned(), problem.to_owned(), 2));
    let rows = load("gcp", json!([{ "text": "3\np edge 3 1\ne 1 2\n\n" }]));
    assert_eq!(rows[0].0, ".\n The graph is below: \nVertex 1 is connected to vertex 2.\n");
}

#[test]
fn distances_have_the_types_of_pandas() {
    let rows = load("tsp", json!([{ "text": "0,5,7\n5,0,9\n7,9,0\n" }]));
    let end = "\n The distances between cities are below: \n\
        The path between City 0 and City 1 is with distance 5.\n\
        The path between City 0 and City 2 is with distance 7.\n\
        The path between City 1 and City 2 is with distance 9.\n";
    assert_eq!(rows[0].0, end);
    let problem = r#"1####
"{\"0\":{\"0\":0,\"1\":5,\"2\":7},\"1\":{\"0\":5,\"1\":0,\"2\":9},\"2\":{\"0\":7,\"1\":9,\"2\":0}}""#;
    assert_eq!(rows[0].1, problem);
    let rows = load("tsp_d", json!([{ "text": "0,5,7\n5,0,9\n7,9,0\n15,,\n" }]));
    assert!(rows[0].0.ends_with("The distance between City 1 and City 2 is 9.0.\n"), "{}", rows[0].0);
    let problem = r#"{"0":{"0":0,"1":5,"2":7,"3":15},"1":{"0":5.0,"1":0.0,"2":9.0,"3":null},"2":{"0":7.0,"1":9.0,"2":0.0,"3":null}}"#;
    assert_eq!(rows[0].1, format!("1####\n{}", Value::from(problem)));
}

#[test]
fn objects_become_questions() {
    let rows =
        load("ksp", json!([{ "knapsack_capacity": 10, "items": [{ "id": 0, "weight": 3, "value": 4 }] }]));
    let problem = r#"-2####
{"knapsack_capacity": 10, "items": [{"id": 0, "weight": 3, "value": 4}]}"#;
    let end = ".\n The items details are as below: \nItem 0 has weight 3 and value 4.\n";
    assert_eq!(rows[0], (end.to_owned(), problem.to_owned(), -2));
    let rows = load("bsp", json!([{ "target": 5, "array": [5, 1, 10] }]));
    assert_eq!((rows[0].0.as_str(), rows[0].2), (".\n The sorted array elements are: 1, 5, 10\n", 1));
    let rows = load(
        "spp",
        json!([{ "nodes": ["A", "B"], "edges": [{ "from": "A", "to": "B", "weight": 4 }], "complexity_level": "3" }]),
    );
    assert_eq!(rows[0].2, 3);
    assert!(rows[0].0.ends_with(" \nEdge from A to B has a weight of 4.\n"), "{}", rows[0].0);
    let participants = json!({ "0": { "available_slots": [1, 2], "meetings": [0] } });
    let meeting = json!({ "participants": participants, "time_slots": 3, "complexity_level": 1,
        "meetings": [{ "id": 0, "duration": 1 }] });
    let rows = load("msp", json!([meeting]));
    let end = "Meeting 0 is with duration 1.\nParticipant 0 is available at time slots [1, 2] and has meetings [0].\n";
    assert!(rows[0].0.ends_with(end), "{}", rows[0].0);
    assert_eq!(load("edp", json!([{ "string_a": "abcd", "string_b": "x" }]))[0].2, 2);
}

#[test]
fn broken_files_are_named() {
    let load = |task: &str, row: Value| {
        let rows: Vec<Columns> = serde_json::from_value(json!([row])).expect("objects");
        nphardeval(&Named::new("nphardeval").with("task", task), rows).expect_err("broken")
    };
    assert_eq!(load("tsp", json!({ "text": "0,x\n" })), "row 0: line 1: found `x`, expected numbers");
    assert_eq!(
        load("gcp", json!({ "text": "3\n\n" })),
        "row 0: text: found a graph without word 2 in line 1"
    );
    assert_eq!(
        load("ksp", json!({ "knapsack_capacity": 1, "items": 3 })),
        "row 0: items: found a number, expected a list"
    );
}
