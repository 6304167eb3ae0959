//! [`why`]: traces one document from its capture to its shard or its rejection.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use internlm_kit::file::{AtPath, files_below};

use crate::listing::sorted_entries;
use crate::rejected::Rejected;
use crate::run_folder::RunFolder;
use crate::tokenize::TokenizedDocument;
use crate::{Document, Result};

/// What the files of a run say about one document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The file of each segment that kept the document, and the document as it was then.
    pub kept: Vec<(PathBuf, Document)>,
    /// The stage and reason, when the document was dropped.
    pub rejected: Option<Rejected>,
    /// The place of its tokens, when the document was kept.
    pub tokenized: Option<TokenizedDocument>,
}

/// Looks up `id` in an output folder; `None` when no file holds it.
///
/// # Errors
/// A folder that cannot be read.
pub fn why(output: impl AsRef<Path>, id: &str) -> Result<Option<Trace>> {
    let run = RunFolder::new(output.as_ref());
    let mut trace = Trace::default();
    for folder in sorted_entries(&run.work())?.into_iter().filter(|path| path.is_dir()) {
        for file in sorted_entries(&folder)?.into_iter().filter(|path| is_jsonl(path)) {
            if let Some(line) = find_line(&file, id)? {
                let place = run.relative(&file).to_path_buf();
                trace.kept.extend(serde_json::from_slice(&line).ok().map(|document| (place, document)));
                break;
            }
        }
    }
    for file in files_below(run.rejected())? {
        if let Some(line) = find_line(&file, id)? {
            trace.rejected = serde_json::from_slice(&line).ok();
        }
    }
    if let Some(line) = find_line(&run.document_index(), id)? {
        trace.tokenized = serde_json::from_slice(&line).ok();
    }
    Ok((trace != Trace::default()).then_some(trace))
}

/// The ids of the documents of the page at `address`, which may have been captured more than once.
///
/// # Errors
/// A folder that cannot be read.
pub fn ids_at(output: impl AsRef<Path>, address: &str) -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Captured {
        id: String,
        url: String,
    }
    let run = RunFolder::new(output.as_ref());
    let files = [files_below(run.work())?, files_below(run.rejected())?].concat();
    let wanted = serde_json::to_string(address).expect("a text is plain data");
    let mut ids: Vec<String> = Vec::new();
    for path in files.iter().filter(|path| is_jsonl(path)) {
        let file = fs::File::open(path).at(path, "read")?;
        for line in BufReader::with_capacity(1 << 18, file).split(b'\n') {
            let line = line.at(path, "read")?;
            // Most lines are about other pages and need not be parsed.
            if memchr::memmem::find(&line, wanted.as_bytes()).is_none() {
                continue;
            }
            let captured: Option<Captured> = serde_json::from_slice(&line).ok();
            ids.extend(captured.filter(|one| one.url == address && !ids.contains(&one.id)).map(|one| one.id));
        }
    }
    Ok(ids)
}

/// The line whose key `id` is `id`; a plain search, because no text holds the 20 characters of an id by chance.
fn find_line(path: &Path, id: &str) -> Result<Option<Vec<u8>>> {
    let file = fs::File::open(path).at(path, "read")?;
    let wanted = format!("\"id\":\"{id}\"");
    for line in BufReader::with_capacity(1 << 18, file).split(b'\n') {
        let line = line.at(path, "read")?;
        let head = &line[..line.len().min(400)];
        if head.windows(wanted.len()).any(|window| window == wanted.as_bytes()) {
            return Ok(Some(line));
        }
    }
    Ok(None)
}

fn is_jsonl(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jsonl")
}

impl Trace {
    /// One line per step, for people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let first = self.kept.first().map(|(_, document)| document);
        if let Some(document) = first.or(self.rejected.as_ref().map(|rejected| &rejected.document)) {
            text.push_str(&format!("id        {}\n", document.id));
            text.push_str(&format!("url       {}\n", document.url.as_deref().unwrap_or("unknown")));
            let source = &document.source;
            text.push_str(&format!(
                "capture   {} at byte {}, {}\n",
                source.file, source.offset, source.record_id
            ));
        }
        for (file, document) in &self.kept {
            text.push_str(&format!("kept      {} ({} bytes)\n", file.display(), document.content.len()));
        }
        if let Some(Rejected { stage, reason, .. }) = &self.rejected {
            let rule = &reason.rule;
            text.push_str(&format!("dropped   by {stage}: {rule}"));
            if let (Some(value), Some(threshold)) = (reason.value, reason.threshold) {
                text.push_str(&format!(", found {value:.4}, threshold {threshold}"));
            }
            if let Some(detail) = &reason.detail {
                text.push_str(&format!(", {detail}"));
            }
            if let Some(duplicate) = &reason.duplicate {
                let (keeper, neighbor, jaccard) = (&duplicate.keeper, &duplicate.neighbor, duplicate.jaccard);
                text.push_str(&format!("; kept instead {keeper}, linked by {neighbor} at J = {jaccard:.3}"));
            }
            text.push('\n');
        }
        if let Some(tokenized) = &self.tokenized {
            let (split, language) = (&tokenized.split, &tokenized.language);
            let (index, tokens) = (tokenized.index, tokenized.tokens);
            text.push_str(&format!(
                "tokens    shards/{split}/{language}, document {index}, {tokens} tokens\n"
            ));
        }
        text
    }
}
