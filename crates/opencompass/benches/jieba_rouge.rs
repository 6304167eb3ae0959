//! Measures `jieba_rouge` on one thread, in pairs of Chinese texts per second.
//!
//! ```text
//! cargo bench -p opencompass --bench jieba_rouge -- [--pairs FILE.jsonl] [--runs 5]
//! ```
//!
//! The pairs are the fields `prediction` and `reference` of the lines of a JSON-lines file; without one, 1,000 pairs of
//! about 60 characters are generated. `benches/peers/jieba_rouge.py` measures the Python packages on the same file.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, ensure};
use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::infer::Prediction;
use opencompass::score::Scorer;
use serde_json::{Value, json};

/// A dataset of which only the evaluator is used.
const DATASET: &str = r#"
name = "summaries"
source = { files = ["none"] }
reader = { input = ["text"], output = "summary" }
prompt = { text = "{text}" }
infer = { mode = "gen" }
score = { evaluator = "jieba_rouge" }
"#;

/// Parts of the generated sentences, of which each has one from every list.
const PARTS: [[&str; 5]; 4] = [
    ["今年上半年，", "据记者了解，", "在昨天的会议上，", "专家普遍认为，", "根据最新的统计数据，"],
    [
        "全国居民人均可支配收入",
        "这座城市的公共交通系统",
        "新一代人工智能技术",
        "农村地区的基础教育",
        "房地产市场的成交量",
    ],
    [
        "比去年同期增长了百分之六，",
        "已经取得了明显的进步，",
        "仍然面临着不少困难，",
        "受到社会各界的广泛关注，",
        "出现了新的变化，",
    ],
    [
        "有关部门将继续采取措施",
        "未来的发展值得期待",
        "专家建议加大投入力度",
        "居民对此表示满意",
        "下一步工作正在进行",
    ],
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (pairs, rest) = arguments.as_chunks::<2>();
    ensure!(rest.is_empty(), "expected pairs of --name value, found {rest:?} at the end");
    let options: HashMap<&str, &str> =
        pairs.iter().map(|[key, value]| (key.as_str(), value.as_str())).collect();
    let runs: usize = options.get("--runs").map_or(Ok(5), |runs| runs.parse())?;
    ensure!(runs > 0, "--runs: found 0, expected 1 or more");
    let predictions: Vec<Prediction> = match options.get("--pairs") {
        Some(path) => read(path)?,
        None => (0..1_000).map(|pair| prediction(sentence(pair), sentence(pair / 3))).collect(),
    };
    ensure!(!predictions.is_empty(), "expected at least one pair");
    let dataset = Dataset::without_rows(DatasetConfig::parse(DATASET, "summaries.toml")?);
    let scorer = Scorer::new(&dataset)?;
    // The first round also loads the dictionary.
    println!("{:?}", scorer.score(&predictions, &|_| None).scores.metrics);
    let mut speeds: Vec<f64> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            black_box(scorer.score(black_box(&predictions), &|_| None));
            predictions.len() as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    speeds.sort_by(f64::total_cmp);
    println!("{} pairs, median of {runs} runs: {:.0} pairs/s", predictions.len(), speeds[runs / 2]);
    Ok(())
}

fn read(path: &str) -> anyhow::Result<Vec<Prediction>> {
    let text = fs::read_to_string(path).with_context(|| format!("{path}: cannot be read"))?;
    let lines = text.lines().map(|line| {
        let row: Value = serde_json::from_str(line)?;
        let found = row["prediction"].as_str().with_context(|| format!("prediction: {line}"))?;
        let reference = row["reference"].as_str().with_context(|| format!("reference: {line}"))?;
        Ok(prediction(found.to_owned(), reference.to_owned()))
    });
    lines.collect()
}

fn prediction(text: String, reference: String) -> Prediction {
    Prediction { text: Some(text), gold: json!(reference), ..Prediction::default() }
}

/// Two sentences, each of one part from every list.
fn sentence(number: usize) -> String {
    let part = |place: usize| PARTS[place % 4][(number / (place + 1) + place) % 5];
    (0..8).map(part).collect()
}
