//! The template experiments of CIBench: notebooks as Markdown, each with questions and the code that answers them.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::{Rgb, RgbImage};
use lagent::templates;
use tempfile::TempDir;

/// Folders of the archive with experiments whose data is part of it.
const TEMPLATES: [&str; 2] = ["cibench_template", "cibench_template_chinese"];
const FENCE: &str = "```python\n";
/// How a file begins that is kept somewhere else.
const POINTER: &[u8] = b"version https://git-lfs";

/// A question, the code that answers it, and what its output is judged as: `exec`, `num`, `text` or `vis`.
pub(super) struct Step {
    pub(super) question: String,
    pub(super) code: String,
    pub(super) kind: String,
}

/// One notebook.
pub(super) struct Experiment {
    pub(super) name: String,
    /// Where its folder `data` is.
    pub(super) folder: PathBuf,
    pub(super) steps: Vec<Step>,
}

/// A new folder that the sandbox's user may read.
pub(super) fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("is ours");
    folder
}

/// The content of an archive; `None` with a visible line when `tar` cannot read it.
pub(super) fn unpacked(archive: &Path) -> Option<TempDir> {
    let folder = open_folder();
    let mut tar = Command::new("tar");
    let status = tar.arg("--zstd").arg("-xf").arg(archive).arg("-C").arg(folder.path()).status();
    if !status.is_ok_and(|status| status.success()) {
        println!("skipped: tar cannot unpack {}", archive.display());
        return None;
    }
    Some(folder)
}

/// Draws a picture in place of those that the archive only has pointers to: then the code runs, on the picture of
/// somebody else. Pointers to other files are removed.
fn replace_pointers(data: &Path) {
    let files = fs::read_dir(data).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    for path in files.filter(|path| path.is_file()) {
        if !fs::read(&path).expect("reads").starts_with(POINTER) {
            continue;
        }
        if path.extension().is_some_and(|extension| extension == "jpg") {
            picture().save(&path).expect("writes");
        } else {
            fs::remove_file(&path).expect("removes");
        }
    }
}

/// Tiles, shades and a disc: something with edges, corners and contours.
fn picture() -> RgbImage {
    RgbImage::from_fn(640, 480, |x, y| {
        let is_disc = (i64::from(x) - 320).pow(2) + (i64::from(y) - 240).pow(2) < 90_i64.pow(2);
        let shade = |share: u32| u8::try_from(share * 255 / 640).unwrap_or(u8::MAX);
        if is_disc {
            Rgb([30, 240, 250])
        } else if (x / 40 + y / 40) % 2 == 0 {
            Rgb([200, shade(y), shade(x)])
        } else {
            Rgb([0, shade(y), shade(x)])
        }
    })
}

/// What is in a folder, sorted.
fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

impl Experiment {
    /// All template experiments of the unpacked archive, in both languages.
    pub(super) fn read_all(root: &Path) -> Vec<Self> {
        let mut experiments = Vec::new();
        for library in TEMPLATES.iter().flat_map(|language| list(&root.join(language))) {
            replace_pointers(&library.join("data"));
            for path in list(&library) {
                if path.extension().is_some_and(|extension| extension == "md") {
                    let text = fs::read_to_string(&path).expect("reads");
                    let name = path.strip_prefix(root).expect("is inside").display().to_string();
                    experiments.push(Self::parse(&name, &library, &text));
                }
            }
        }
        experiments
    }

    pub(super) fn parse(name: &str, folder: &Path, text: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        let mut parts = text.splitn(3, "---\n").skip(1);
        let (head, body) = (parts.next().expect("a head"), parts.next().expect("a body"));
        let kinds = listed(head, "step_types:");
        let modules = listed(head, "modules:");
        let mut steps = Vec::new();
        let mut pieces = body.split(FENCE);
        let mut question = pieces.next().unwrap_or_default().trim();
        for piece in pieces {
            let (code, next) = piece.split_once("```").unwrap_or((piece, ""));
            let user = templates::named("cibench_user").expect("a template").text();
            let modules = modules.get(steps.len()).map_or("", String::as_str).replace('&', "and");
            steps.push(Step {
                question: user.replace("{question}", question).replace("{modules}", &modules),
                code: code.trim_end().to_owned(),
                kind: kinds.get(steps.len()).cloned().unwrap_or_default(),
            });
            question = next.trim();
        }
        assert!(!steps.is_empty(), "{name}");
        Self { name: name.to_owned(), folder: folder.to_path_buf(), steps }
    }

    /// Whether every file that the code names is there. Large tables are not part of the archive.
    pub(super) fn has_its_data(&self) -> bool {
        let mut texts = self.steps.iter().flat_map(|step| step.code.split(['"', '\'']));
        texts.all(|text| !text.starts_with("data/") || self.folder.join(text).exists())
    }

    /// The modules that the code imports, by their first names.
    pub(super) fn modules(&self) -> Vec<String> {
        let lines = self.steps.iter().flat_map(|step| step.code.lines());
        let imported = lines.filter_map(|line| {
            let line = line.trim_start();
            line.strip_prefix("import ").or_else(|| line.strip_prefix("from "))
        });
        let names: BTreeSet<String> = imported
            .flat_map(|line| line.split(" import ").next().unwrap_or_default().split(','))
            .filter_map(|name| name.trim().split([' ', '.']).next().map(str::to_owned))
            .collect();
        names.into_iter().filter(|name| !name.is_empty()).collect()
    }
}

/// The items below a key of the head.
fn listed(head: &str, key: &str) -> Vec<String> {
    let below = head.lines().skip_while(|line| line.trim() != key).skip(1);
    let items = below.map_while(|line| line.trim().strip_prefix("- "));
    items.map(|item| item.trim().to_owned()).collect()
}
