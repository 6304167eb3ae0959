//! Extracts pages, applies rules and prints why a page is dropped: `cargo run --example filter_pages -- *.html`

#![allow(clippy::print_stdout)]

use wanjuan_data::extract::{ExtractConfig, extract_html};
use wanjuan_data::filter::{GopherQuality, GopherRepetition};
use wanjuan_data::{Document, Stage, Verdict};

fn main() -> anyhow::Result<()> {
    let stages: [Box<dyn Stage>; 2] =
        [Box::new(GopherQuality::default()), Box::new(GopherRepetition::default())];
    for path in std::env::args().skip(1) {
        let page = extract_html(&std::fs::read(&path)?, None, &ExtractConfig::default());
        let mut document = Document::new("example", &path, &page.text);
        document.title = page.metadata.title;
        let mut verdict = Verdict::Keep(document);
        for stage in &stages {
            verdict = match verdict {
                Verdict::Keep(document) => stage.apply(document),
                dropped => dropped,
            };
        }
        match verdict {
            Verdict::Keep(document) => println!("{path}: kept, {} bytes of text", document.bytes()),
            Verdict::Drop(_, reason) => println!("{path}: dropped, {reason}"),
        }
    }
    Ok(())
}
