//! `PPT`: the toolkit with lagent's names, arguments and results (`ppt.py`).
//!
//! Upstream writes wherever the model says. Here a presentation is a new file in the folder of the session.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use internlm_kit::file;
use serde_json::json;

use super::deck::{Content, Deck, Page, items};
use super::package;
use super::picture::Picture;
use crate::Result;
use crate::action::local::{Failure, Files};
use crate::action::parameter::{Kind, Parameter, required};
use crate::action::toolkit::{Call, Kit, Made, Method, Sessions, dictionary, tools};
use crate::action::{Action, Readiness, ToolSettings};

/// The only theme, as upstream.
const THEME: &str = "Default";
/// Maximum number of pages.
const PAGES: usize = 200;
/// Maximum size of all pictures, bytes.
const PICTURES: usize = 128 << 20;
/// Maximum length of a file name, bytes.
const NAME: usize = 100;
const EXTENSION: &str = ".pptx";

const TITLE: Parameter = required("title", Kind::Text, "the title of the page");
const ITEMS: Parameter = required(
    "bullet_items",
    Kind::Text,
    "bullet_items should be string, for multiple bullet items, please use [SPAN] to separate them.",
);

const METHODS: &[Method<Ppt>] = &[
    Method {
        name: "create_file",
        description: "Create a pptx file with specific themes.",
        parameters: &[
            required("theme", Kind::Text, "the theme used. The value should be one of ['Default']."),
            required("abs_location", Kind::Text, "the ppt file's absolute location"),
        ],
        run: Ppt::create_file,
    },
    Method {
        name: "add_first_page",
        description: "Add the first page of ppt.",
        parameters: &[
            required("title", Kind::Text, "the title of ppt"),
            required("subtitle", Kind::Text, "the subtitle of ppt"),
        ],
        run: |ppt, call| {
            let subtitle = call.arguments.text("subtitle")?.to_owned();
            ppt.add(call, Content::Subtitle(subtitle))
        },
    },
    Method {
        name: "add_text_page",
        description: "Add text page of ppt.",
        parameters: &[TITLE, ITEMS],
        run: |ppt, call| ppt.add(call, Content::Items(items(call.arguments.text("bullet_items")?))),
    },
    Method {
        name: "add_text_image_page",
        description: "Add a text page with one image. Image should be a path.",
        parameters: &[TITLE, ITEMS, required("image", Kind::Text, "the path of the image")],
        run: |ppt, call| {
            let texts = items(call.arguments.text("bullet_items")?);
            let picture = Picture::read(ppt.files(call).read("image", call.arguments.text("image")?)?)?;
            ppt.add(call, Content::ItemsAndPicture(texts, picture))
        },
    },
    Method {
        name: "submit_file",
        description: "When all steps done, YOU MUST use submit_file() to submit your work.",
        parameters: &[],
        run: Ppt::submit_file,
    },
];

struct Ppt {
    settings: ToolSettings,
    decks: Sessions<Option<Deck>>,
}

/// Creates the toolkit.
pub(super) fn build(settings: &ToolSettings) -> Result<Vec<Arc<dyn Action>>> {
    Ok(tools("PPT", Ppt { settings: settings.clone(), decks: Sessions::default() }, METHODS))
}

impl Kit for Ppt {
    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }
}

impl Ppt {
    fn files(&self, call: &Call<'_>) -> Files {
        Files::of(&self.settings.folder, call.context.session, &self.settings.sandbox.readable)
    }

    fn create_file(&self, call: &Call<'_>) -> Made {
        let theme = call.arguments.text("theme")?;
        if theme != THEME {
            return Err(Failure::arguments(format!("theme: found `{theme}`, expected {THEME}")));
        }
        let location = location(self.files(call).folder(), call.arguments.text("abs_location")?)?;
        self.decks.with(call.context.session, |deck| *deck = Some(Deck { location, pages: Vec::new() }));
        Ok(dictionary(&json!({"status": "created a ppt file."})))
    }

    fn add(&self, call: &Call<'_>, content: Content) -> Made {
        let page = Page { title: call.arguments.text("title")?.to_owned(), content };
        self.decks.with(call.context.session, |deck| {
            let deck = deck.as_mut().ok_or_else(not_created)?;
            let bytes = deck.picture_bytes() + page.picture().map_or(0, |picture| picture.bytes.len());
            if deck.pages.len() == PAGES || bytes > PICTURES {
                let expected = format!("expected at most {PAGES} pages and {PICTURES} bytes of pictures");
                return Err(Failure::tool(format!(
                    "found {} pages, {bytes} bytes, {expected}",
                    deck.pages.len() + 1
                )));
            }
            deck.pages.push(page);
            Ok(dictionary(&json!({"status": "added page"})))
        })
    }

    fn submit_file(&self, call: &Call<'_>) -> Made {
        let deck = self.decks.with(call.context.session, |deck| deck.clone()).ok_or_else(not_created)?;
        if deck.pages.is_empty() {
            return Err(Failure::tool(
                "found no pages, expected at least one: call add_first_page or add_text_page",
            ));
        }
        let bytes = package::bytes(&deck).map_err(Failure::tool)?;
        write_new(&deck.location, &bytes)?;
        self.decks.with(call.context.session, |deck| *deck = None);
        let location = deck.location.display();
        Ok(dictionary(&json!({"status": format!("submitted. view ppt at {location}")})))
    }
}

fn not_created() -> Failure {
    Failure::tool("found no presentation in this session, expected create_file first")
}

/// The path of a new file in the folder of the session.
fn location(folder: &Path, given: &str) -> Result<PathBuf, Failure> {
    let wrong = |found: &str| {
        let expected = format!("expected a new file NAME{EXTENSION} in {}", folder.display());
        Failure::arguments(format!("abs_location: found {found} `{given}`, {expected}"))
    };
    let path = Path::new(given.trim());
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_plain = name.len() <= NAME && !name.starts_with('.') && !name.contains(['\\', '\0']);
    if !is_plain || !name.to_ascii_lowercase().ends_with(EXTENSION) {
        return Err(wrong("the name"));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if parent.is_some_and(|parent| !is_same(parent, folder)) {
        return Err(wrong("a place outside of the tools' folder"));
    }
    let path = folder.join(name);
    if path.symlink_metadata().is_ok() {
        return Err(wrong("a file that exists"));
    }
    Ok(path)
}

/// Whether two paths are one folder, which may not exist yet.
fn is_same(left: &Path, right: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    left == right || real(left).is_some_and(|left| real(right) == Some(left))
}

/// Writes a file that does not exist yet.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::tool(format!("{}: cannot write the file: {error}", path.display()));
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    file::create_dir_all(folder).map_err(|error| Failure::tool(error.to_string()))?;
    let mut temporary = tempfile::Builder::new().prefix(".lagent-").tempfile_in(folder).map_err(failed)?;
    temporary.write_all(bytes).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist_noclobber(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presentations_are_new_files_of_the_session() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let own = folder.path().join("files");
        assert_eq!(location(&own, "talk.pptx"), Ok(own.join("talk.pptx")));
        let inside = own.join("talk.PPTX").display().to_string();
        assert!(location(&own, &inside).is_ok());
        for given in ["/tmp/talk.pptx", "../talk.pptx", "talk.ppt", "", ".pptx", "a/b.pptx"] {
            assert!(location(&own, given).is_err(), "{given}");
        }
        write_new(&own.join("talk.pptx"), b"1").expect("writes");
        let message = location(&own, "talk.pptx").expect_err("exists").message;
        assert!(
            message.starts_with("abs_location: found a file that exists `talk.pptx`, expected a new file")
        );
        assert!(write_new(&own.join("talk.pptx"), b"2").is_err());
    }
}
