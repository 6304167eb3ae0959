//! Generated HTML pages become clean text, a tokenizer and token shards.

use std::error::Error;
use std::fs;

use internlm_kit::context::RunContext;
use wanjuan_data::executor::{Corpus, RunOptions, run};
use wanjuan_data::filter::GopherQualityConfig;
use wanjuan_data::shard::ShardFolder;
use wanjuan_data::tokenize::TokenizeConfig;
use wanjuan_data::{ImportConfig, PipelineConfig, StageConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (pages, output) = (folder.path().join("pages"), folder.path().join("out"));
    fs::create_dir(&pages)?;
    for page in 0..12 {
        // Every third page is too short to be of use.
        let times = if page % 3 == 0 { 1 } else { 20 + page };
        let text =
            format!("The tide of harbor {page} turns with the moon, and the boats follow. ").repeat(times);
        fs::write(pages.join(format!("{page}.html")), format!("<nav>Home About</nav><p>{text}</p>"))?;
    }
    let config = PipelineConfig::new(&output, ImportConfig::folder(&pages, "demo"))
        .with_stages([StageConfig::GopherQuality(GopherQualityConfig::default())])
        .with_tokenize(TokenizeConfig::default().with_vocab_size(300));
    let outcome = run(&config, &Corpus::pages(&pages), RunOptions::default(), &RunContext::default())?;
    assert_eq!(outcome.funnel.documents_in(), 12);
    let dropped: u64 = outcome
        .funnel
        .stages
        .iter()
        .flat_map(|stage| stage.dropped.values())
        .map(|count| count.documents)
        .sum();
    assert_eq!(dropped, 4);
    assert!(ShardFolder::open(output.join("shards/train"))?.files().count() > 0);
    // A second run finds everything done.
    assert!(run(&config, &Corpus::pages(&pages), RunOptions::default(), &RunContext::default())?.skipped);
    Ok(())
}
