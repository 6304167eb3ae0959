//! [`Summary`]: what `inspect` says about a page above its blocks, in the terminal and in HTML.

use std::path::Path;

use crate::extract::Explanation;

/// Title, then names and values.
pub(super) struct Summary {
    pub(super) title: String,
    pub(super) rows: Vec<(&'static str, String)>,
}

impl Summary {
    pub(super) fn of(path: &Path, bytes: usize, explanation: &Explanation, seconds: f64) -> Self {
        let Explanation { page, blocks } = explanation;
        let metadata = &page.metadata;
        let characters = |kept: bool| -> usize {
            blocks.iter().filter(|block| block.kept == kept).map(|block| block.text.chars().count()).sum()
        };
        let kept = blocks.iter().filter(|block| block.kept).count();
        let mut rows = vec![("file", path.display().to_string())];
        rows.extend(page.page_type.map(|kind| ("type", kind.name().to_owned())));
        let fields = [
            ("author", &metadata.author),
            ("date", &metadata.date),
            ("site", &metadata.site),
            ("language", &metadata.language),
        ];
        rows.extend(fields.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        rows.push(("page", format!("{:.1} kB, extracted in {:.1} ms", bytes as f64 / 1e3, seconds * 1e3)));
        rows.push(("kept", format!("{kept} of {} blocks, {} characters", blocks.len(), characters(true))));
        let dropped = blocks.len() - kept;
        rows.push(("dropped", format!("{dropped} blocks, {} characters", characters(false))));
        rows.push(("text", format!("{} characters", page.text.chars().count())));
        let title = metadata.title.clone().unwrap_or_else(|| "(no title)".to_owned());
        Self { title, rows }
    }
}
