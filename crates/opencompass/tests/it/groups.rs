//! Groups in tables: five ways to combine, with and without a name of one's own.

use opencompass::summary::{Combine, GroupConfig, Summary, SummaryDataset, SummaryInput};
use serde_json::{Value, json};

/// Two models on three datasets. `b` lacks the metric `f1`, and the second model lacks `c`.
fn input(groups: Vec<GroupConfig>) -> SummaryInput {
    let dataset = |name: &str, mode: &str| SummaryDataset {
        name: name.to_owned(),
        version: "000000".to_owned(),
        mode: mode.to_owned(),
    };
    let results = json!({
        "first": {
            "a": {"accuracy": 20.0, "f1": 10.0},
            "b": {"accuracy": 50.0},
            "c": {"accuracy": 80.0, "f1": 40.0},
        },
        "second": {"a": {"accuracy": 30.0, "f1": 0.0}, "b": {"accuracy": 30.0}},
    });
    SummaryInput {
        models: vec!["first".to_owned(), "second".to_owned()],
        datasets: vec![dataset("a", "gen"), dataset("b", "gen"), dataset("c", "ppl")],
        results: serde_json::from_value(results).expect("results"),
        groups,
        ..SummaryInput::default()
    }
}

/// The rows of the group `g` as `metric, mode, first, second`.
fn rows(groups: Vec<GroupConfig>) -> Vec<Vec<String>> {
    let summary = Summary::new(&input(groups));
    let rows = summary.rows.into_iter().filter(|row| row[0] == "g");
    rows.map(|row| [&row[2..3], &row[3..]].concat()).collect()
}

fn group(keys: Value) -> Result<GroupConfig, String> {
    let mut table = json!({"name": "g", "subsets": ["a", "b"]});
    let given = keys.as_object().expect("keys").clone();
    table.as_object_mut().expect("a table").extend(given);
    serde_json::from_value(table).map_err(|error| error.to_string())
}

#[test]
fn the_keys_choose_the_formula_and_the_metric_only_names_it() {
    for (keys, default_name, first, second) in [
        (json!({}), "naive_average", "35.00", "30.00"),
        (json!({"weights": {"a": 1, "b": 3}}), "weighted_average", "42.50", "30.00"),
        (json!({"sum": true}), "sum", "70.00", "60.00"),
        (json!({"sum": true, "weights": {"a": 2, "b": 1}}), "sum", "90.00", "90.00"),
        (json!({"std": true}), "standard_deviation", "15.00", "0.00"),
        (json!({"harmonic_mean": true}), "harmonic_mean", "28.57", "30.00"),
    ] {
        // Both members share `accuracy`, which is combined in the same way.
        let row = |name| [name, "gen", first, second].map(str::to_owned).to_vec();
        let expected = |name: &'static str| [row("accuracy"), row(name)];
        assert_eq!(rows(vec![group(keys.clone()).expect("a group")]), expected(default_name), "{keys}");
        let mut named = keys.clone();
        named["metric"] = json!("mine");
        assert_eq!(rows(vec![group(named).expect("a group")]), expected("mine"), "{keys}");
        // Upstream takes the formula from the name of the metric; here a name is only a name.
        let mut misleading = keys.clone();
        misleading["metric"] = json!("standard_deviation");
        let found = rows(vec![group(misleading).expect("a group")]);
        assert_eq!(found, expected("standard_deviation"), "{keys}");
    }
}

#[test]
fn conflicting_and_useless_keys_are_refused() {
    for (keys, message) in [
        (json!({"std": true, "sum": true}), "found several of std, sum, harmonic_mean and weights"),
        (json!({"harmonic_mean": true, "weights": {"a": 1}}), "found several of"),
        (json!({"std": true, "weights": {"a": 1}}), "found several of"),
        (json!({"weights": {"a": 1, "c": 1}}), "found a weight of `c`, expected weights of its subsets"),
        (json!({"weights": {"a": 1, "b": -1}}), "found weights that sum to 0"),
        (json!({"subsets": []}), "found no subsets"),
        (json!({"average": true}), "unknown field `average`"),
    ] {
        let error = group(keys).expect_err(message);
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn transforms_change_the_scores_of_members_before_they_are_combined() {
    let keys = json!({ "transforms": { "a": "100 - x" } });
    // (80 + 50) / 2 and (70 + 30) / 2.
    let row = |name: &str| [name, "gen", "65.00", "50.00"].map(str::to_owned).to_vec();
    let expected = [row("accuracy"), row("naive_average")];
    assert_eq!(rows(vec![group(keys).expect("a group")]), expected);
    let keys = json!({ "transforms": { "b": "2 * x" }, "weights": { "a": 1, "b": 1 } });
    let found = rows(vec![group(keys).expect("a group")]);
    assert_eq!(found[1], ["weighted_average", "gen", "60.00", "45.00"]);
    for (transforms, message) in [
        (json!({ "c": "x" }), "found a transform of `c`, expected transforms of its subsets"),
        (json!({ "a": "x +" }), "transforms.a: \"x +\": found the end, expected a formula"),
    ] {
        let error = group(json!({ "transforms": transforms })).expect_err(message);
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_group_without_a_score_is_told_with_its_missing_members() {
    let groups = vec![
        group(json!({ "subsets": ["a", "c"] })).expect("a group"),
        group(json!({ "subsets": [["b", "f1"]] })).expect("a group"),
    ];
    let problems = Summary::new(&input(groups)).problems;
    let expected = [
        "first x g: found no score of b/f1",
        "second x g: found no score of c",
        "second x g: found no score of b/f1",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn a_metric_that_only_a_later_model_has_is_shown() {
    let mut late = input(Vec::new());
    late.results["second"]["b"].insert("f1".to_owned(), json!(7.0));
    let rows = Summary::new(&late).rows;
    let row = rows.iter().find(|row| row[0] == "b" && row[2] == "f1").expect("the row");
    assert_eq!(row[4..], ["-", "7.00"]);
}

#[test]
fn a_group_survives_the_resolved_run_file() {
    for group in [
        GroupConfig::new("g", ["a", "b"]),
        GroupConfig::new("g", ["a"]).with_combine(Combine::Std).with_metric("gap"),
        GroupConfig::new("g", ["a", "b"])
            .with_combine(Combine::Weighted([("a".to_owned(), 2.0)].into_iter().collect())),
        GroupConfig::new("g", ["a"]).with_combine(Combine::Sum(Default::default())),
        GroupConfig::new("g", ["a"]).with_combine(Combine::Harmonic),
        group(json!({ "transforms": { "a": "100 - x" } })).expect("a group"),
    ] {
        let text = toml::to_string(&group).expect("serializes");
        assert_eq!(toml::from_str::<GroupConfig>(&text).expect("parses"), group, "{text}");
    }
}

#[test]
fn members_of_several_modes_and_pairs_with_metrics() {
    let pairs =
        group(json!({"subsets": [["a", "f1"], ["c", "f1"]], "harmonic_mean": true})).expect("a group");
    // The second model has no result of `c`, so its cell is empty and the reason is in the raw results.
    assert_eq!(rows(vec![pairs.clone()]), [["harmonic_mean", "mixed", "16.00", "-"]]);
    let text = Summary::new(&input(vec![pairs])).txt("label");
    assert!(text.contains("g: {'error': \"missing metrics: [['c', 'f1']]\"}"), "{text}");
}

#[test]
fn a_group_may_contain_an_earlier_group_and_unknown_members_leave_it_out() {
    let inner = GroupConfig::new("inner", ["a", "b"]);
    let outer = group(json!({"subsets": ["inner", "c"]})).expect("a group");
    let found = rows(vec![inner, outer]);
    assert_eq!(found, [["accuracy", "mixed", "57.50", "-"], ["naive_average", "mixed", "57.50", "-"]]);
    assert!(rows(vec![GroupConfig::new("g", ["x", "y"])]).is_empty());
}
