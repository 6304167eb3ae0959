//! Fuzzes the extraction of pages: charset, parser, block model, renderer, metadata.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wanjuan_data::extract::{Dom, ExtractConfig, Links, Mode, TextFormat, decode, extract_html, render_all};

fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses the settings, so that the same page is tried with several.
    let (choice, page) = bytes.split_first().map_or((0, bytes), |(choice, page)| (*choice, page));
    let config = ExtractConfig::default()
        .with_mode([Mode::Precision, Mode::Balanced, Mode::Recall][usize::from(choice) % 3])
        .with_format([TextFormat::Text, TextFormat::Markdown][usize::from(choice) / 3 % 2])
        .with_links([Links::None, Links::Inline][usize::from(choice) / 6 % 2]);
    let extracted = extract_html(page, None, &config);
    assert!(extracted.text.len() <= 100 * page.len() + 100, "{} bytes of text", extracted.text.len());
    let _ = render_all(&Dom::parse(&decode(page, None)), &config);
});
