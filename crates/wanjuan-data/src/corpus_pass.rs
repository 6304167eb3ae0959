//! [`CorpusPass`]: sketches in parallel, one decision, application in parallel.

use std::path::{Path, PathBuf};

use internlm_kit::file::{AtPath, AtomicFile};
use internlm_kit::reporter::Reporter;
use rayon::prelude::*;

use crate::jsonl::{read_documents, write_line};
use crate::part_report::{PartReport, StageReport};
use crate::rejected::{Rejected, RejectedWriter};
use crate::{Pass, Result, Verdict};

/// Where a pass reads and writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassFiles<'a> {
    /// Label of the pass in this pipeline.
    pub(crate) label: &'a str,
    /// Documents, one file per part.
    pub(crate) inputs: &'a [PathBuf],
    /// One output per input.
    pub(crate) outputs: &'a [PathBuf],
    /// Folder of rejected documents; `None` when they are not written.
    pub(crate) rejected: Option<&'a Path>,
}

/// A [`Pass`] of any sketch and decision, so that the stage table can hold it.
pub(crate) trait CorpusPass {
    /// Name in configs, reports and folders.
    #[cfg(test)]
    fn name(&self) -> &'static str;

    /// Runs the pass over the files. Returns the numbers and the files written.
    fn run(&self, files: &PassFiles, reporter: &dyn Reporter) -> Result<(PartReport, Vec<PathBuf>)>;
}

impl<P: Pass> CorpusPass for P {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        Pass::name(self)
    }

    fn run(&self, files: &PassFiles, reporter: &dyn Reporter) -> Result<(PartReport, Vec<PathBuf>)> {
        let progress = reporter.start(files.label, "files", files.inputs.len() as u64 * 2);
        let sketches = files
            .inputs
            .par_iter()
            .map(|path| {
                let sketches = read_documents(path)?
                    .map(|document| document.map(|document| self.sketch(&document)))
                    .collect::<Result<Vec<_>>>();
                progress.advance(1);
                sketches
            })
            .collect::<Result<Vec<_>>>()?;
        let lengths: Vec<usize> = sketches.iter().map(Vec::len).collect();
        let mut decisions = self.decide(sketches.into_iter().flatten().collect()).into_iter();
        let decisions: Vec<Vec<P::Decision>> =
            lengths.iter().map(|length| decisions.by_ref().take(*length).collect()).collect();
        let applied: Vec<(StageReport, Vec<PathBuf>)> = decisions
            .par_iter()
            .enumerate()
            .map(|(part, decisions)| {
                let done = apply(self, files, part, decisions);
                progress.advance(1);
                done
            })
            .collect::<Result<_>>()?;
        let mut report = StageReport::new(files.label);
        let mut written = Vec::new();
        for (part, paths) in applied {
            report.merge(&part);
            written.extend(paths);
        }
        Ok((PartReport { stages: vec![report], ..PartReport::default() }, written))
    }
}

/// Applies the decisions to the documents of one part.
fn apply<P: Pass>(
    pass: &P,
    files: &PassFiles,
    part: usize,
    decisions: &[P::Decision],
) -> Result<(StageReport, Vec<PathBuf>)> {
    let path = &files.outputs[part];
    let mut output = AtomicFile::create(path)?;
    let mut rejected = RejectedWriter::new(files.rejected, part);
    let mut report = StageReport::new(files.label);
    for (document, decision) in read_documents(&files.inputs[part])?.zip(decisions) {
        let document = document?;
        let bytes = document.bytes();
        report.input.add(bytes);
        match pass.apply(document, decision) {
            Verdict::Keep(mut document) => {
                document.refresh_counts();
                report.kept.add(document.bytes());
                write_line(&mut output, &document).at(path, "write")?;
            }
            Verdict::Drop(document, reason) => {
                report.drop(&reason.rule, bytes);
                rejected.write(&Rejected { stage: files.label.to_owned(), reason: *reason, document })?;
            }
        }
    }
    let mut written = rejected.finish()?;
    output.commit()?;
    written.insert(0, path.clone());
    Ok((report, written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Reason};

    /// Drops documents whose text occurred before, in corpus order.
    struct FirstOnly;

    impl Pass for FirstOnly {
        type Sketch = String;
        type Decision = bool;

        fn name(&self) -> &'static str {
            "first-only"
        }

        fn sketch(&self, document: &Document) -> String {
            document.content.clone()
        }

        fn decide(&self, sketches: Vec<String>) -> Vec<bool> {
            (0..sketches.len()).map(|place| sketches[..place].contains(&sketches[place])).collect()
        }

        fn apply(&self, document: Document, again: &bool) -> Verdict {
            Verdict::from_reason(document, again.then(|| Reason::new("again")))
        }
    }

    #[test]
    fn decisions_reach_their_documents_across_files() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = |name: &str| folder.path().join(name);
        let parts = [&["a", "b"][..], &[], &["b", "c", "a"]];
        let mut inputs = Vec::new();
        for (part, texts) in parts.iter().enumerate() {
            let mut bytes = Vec::new();
            for (place, text) in texts.iter().enumerate() {
                let document = Document::new("d", &format!("{part}-{place}"), text);
                write_line(&mut bytes, &document).expect("writes to memory");
            }
            inputs.push(path(&format!("in-{part}.jsonl")));
            std::fs::write(&inputs[part], bytes).expect("writes");
        }
        let outputs: Vec<PathBuf> = (0..3).map(|part| path(&format!("out-{part}.jsonl"))).collect();
        let rejected = path("rejected");
        let files = PassFiles {
            label: "first-only-2",
            inputs: &inputs,
            outputs: &outputs,
            rejected: Some(&rejected),
        };
        let (report, written) = FirstOnly.run(&files, &()).expect("runs");
        let stage = &report.stages[0];
        assert_eq!(
            (stage.stage.as_str(), stage.input.documents, stage.kept.documents),
            ("first-only-2", 5, 3)
        );
        assert_eq!(stage.dropped["again"].documents, 2);
        let texts = |path: &PathBuf| -> Vec<String> {
            read_documents(path).expect("opens").map(|document| document.expect("reads").content).collect()
        };
        assert_eq!(outputs.iter().map(texts).collect::<Vec<_>>(), [vec!["a", "b"], vec![], vec!["c"]]);
        assert_eq!(texts(&rejected.join("first-only-2/00002.jsonl")), ["b", "a"]);
        assert_eq!(written, [&outputs[..], &[rejected.join("first-only-2/00002.jsonl")]].concat());
    }
}
