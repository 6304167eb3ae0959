//! Takes the pictures of the run's folder `plots` over into the page, such as heat maps of needle sets.

use std::path::{Path, PathBuf};

use internlm_kit::file;

use super::html::escaped;
use crate::Result;

/// Maximum number of bytes of all pictures of a run; further ones are only named.
const ROOM: usize = 1_500_000;

/// Writes the SVG files of a folder as figures, in the order of their names.
pub(super) fn pictures(folder: &Path) -> Result<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "svg")).collect();
    paths.sort();
    let mut figures = String::new();
    let mut named: Vec<String> = Vec::new();
    for path in paths {
        let svg = file::read_to_string(&path)?;
        let name = escaped(&path.file_stem().unwrap_or_default().to_string_lossy());
        // The part before the drawing is for files of their own.
        match svg.find("<svg").map(|start| &svg[start..]) {
            Some(svg) if figures.len() + svg.len() <= ROOM => figures.push_str(&format!(
                "<figure class=\"plot\"><figcaption>{name}</figcaption><div class=\"scroll\">{svg}</div></figure>\n"
            )),
            _ => named.push(name),
        }
    }
    if figures.is_empty() && named.is_empty() {
        return Ok(figures);
    }
    let rest = match named.is_empty() {
        true => String::new(),
        false => {
            format!("<p class=\"facts\">More pictures are in the folder plots: {}.</p>", named.join(", "))
        }
    };
    Ok(format!("<h3>Heat maps</h3><div class=\"pictures\">{figures}</div>{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_beyond_the_room_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(pictures(&folder.path().join("plots")).expect("no folder"), "");
        let svg = |size: usize| format!("<?xml version=\"1.0\"?><svg>{}</svg>", " ".repeat(size));
        for (name, size) in [("a<1>.svg", 10), ("b.svg", ROOM), ("c.svg", 10), ("d.png", 10)] {
            std::fs::write(folder.path().join(name), svg(size)).expect("writes");
        }
        let html = pictures(folder.path()).expect("pictures");
        assert_eq!(html.matches("<svg").count(), 2);
        assert!(html.contains("a&lt;1&gt;") && html.contains("plots: b."), "{html}");
        assert!(!html.contains("<?xml"), "{html}");
    }
}
