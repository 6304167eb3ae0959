//! IFEval: every prompt of the published set can be checked.

use opencompass::dataset::{Dataset, DatasetConfig, version};
use opencompass::infer::Prediction;
use opencompass::score::Scorer;

use crate::shared;

#[test]
fn every_published_instruction_has_a_checker() {
    let Some(folder) = shared::path("eval") else { return };
    let config =
        DatasetConfig::parse(include_str!("../../datasets/ifeval.toml"), "ifeval.toml").expect("a dataset");
    assert_eq!(version(&config), "3321a3");
    let dataset = Dataset::load(config, &[folder]).expect("the published file");
    assert_eq!(dataset.test.len(), 541);
    let prediction = |row: usize| Prediction {
        row,
        gold: dataset.test[row].columns["instruction_id_list"].clone(),
        text: Some("An answer of one line".to_owned()),
        ..Prediction::default()
    };
    let predictions: Vec<Prediction> = (0..dataset.test.len()).map(prediction).collect();
    let scores = Scorer::new(&dataset).expect("an evaluator of ours").score(&predictions, &|_| None).scores;
    let problems: Vec<&String> = scores.details.iter().filter_map(|detail| detail.reason.as_ref()).collect();
    // Two prompts ask for signs, for which upstream counts a random letter.
    let signs =
        ['#', '!'].map(|sign| format!("kwargs.letter: found `{sign}`, expected one letter from a to z"));
    assert_eq!(problems, signs.iter().collect::<Vec<_>>());
    let names: Vec<&String> = scores.metrics.keys().collect();
    let expected = [
        "Prompt-level-strict-accuracy",
        "Inst-level-strict-accuracy",
        "Prompt-level-loose-accuracy",
        "Inst-level-loose-accuracy",
    ];
    assert_eq!(names, expected);
}
