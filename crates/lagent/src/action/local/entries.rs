//! The list of the local tools.

use std::sync::Arc;

use super::local_tool::{Definition, LocalTool};
use super::{
    barcode, data, documents, drawing, edges, faces, folder, image_service, mathematics, measure, ocr,
    resize, shell, speech, translation, vision,
};
use crate::Result;
use crate::action::{Action, Build, Entry, ToolSettings};

/// All tools of the box, by group.
pub(in crate::action) const ENTRIES: &[Entry] = &[
    entry(&speech::SPEAK, |settings| built(&speech::SPEAK, settings)),
    entry(&speech::LISTEN, |settings| built(&speech::LISTEN, settings)),
    entry(&ocr::OCR, |settings| built(&ocr::OCR, settings)),
    entry(&edges::CANNY, |settings| built(&edges::CANNY, settings)),
    entry(&edges::SCRIBBLE, |settings| built(&edges::SCRIBBLE, settings)),
    entry(&resize::RESIZE, |settings| built(&resize::RESIZE, settings)),
    entry(&resize::COMPARE, |settings| built(&resize::COMPARE, settings)),
    entry(&measure::DESCRIBE, |settings| built(&measure::DESCRIBE, settings)),
    entry(&faces::FACES, |settings| built(&faces::FACES, settings)),
    entry(&barcode::READ, |settings| built(&barcode::READ, settings)),
    entry(&barcode::WRITE, |settings| built(&barcode::WRITE, settings)),
    entry(&vision::DESCRIPTION, |settings| built(&vision::DESCRIPTION, settings)),
    entry(&vision::VQA, |settings| built(&vision::VQA, settings)),
    entry(&image_service::TEXT, |settings| built(&image_service::TEXT, settings)),
    entry(&image_service::STYLE, |settings| built(&image_service::STYLE, settings)),
    entry(&image_service::CANNY, |settings| built(&image_service::CANNY, settings)),
    entry(&image_service::SCRIBBLE, |settings| built(&image_service::SCRIBBLE, settings)),
    entry(&drawing::DIAGRAM, |settings| built(&drawing::DIAGRAM, settings)),
    entry(&drawing::PLOT, |settings| built(&drawing::PLOT, settings)),
    entry(&drawing::SCENE, |settings| built(&drawing::SCENE, settings)),
    entry(&drawing::SVG, |settings| built(&drawing::SVG, settings)),
    entry(&translation::TRANSLATION, |settings| built(&translation::TRANSLATION, settings)),
    entry(&mathematics::MAXIMA, |settings| built(&mathematics::MAXIMA, settings)),
    entry(&mathematics::QALC, |settings| built(&mathematics::QALC, settings)),
    entry(&mathematics::SYMPY_TOOL, |settings| built(&mathematics::SYMPY_TOOL, settings)),
    entry(&documents::PDF, |settings| built(&documents::PDF, settings)),
    entry(&documents::CONVERT_TOOL, |settings| built(&documents::CONVERT_TOOL, settings)),
    entry(&documents::PANDOC, |settings| built(&documents::PANDOC, settings)),
    entry(&data::DATABASE, |settings| built(&data::DATABASE, settings)),
    entry(&data::TABLE, |settings| built(&data::TABLE, settings)),
    entry(&data::JQ, |settings| built(&data::JQ, settings)),
    entry(&folder::LIST, |settings| built(&folder::LIST, settings)),
    entry(&folder::READ, |settings| built(&folder::READ, settings)),
    entry(&folder::WRITE, |settings| built(&folder::WRITE, settings)),
    entry(&shell::SHELL, |settings| built(&shell::SHELL, settings)),
];

const fn entry(definition: &'static Definition, build: Build) -> Entry {
    Entry { name: definition.name, group: definition.group, needs: definition.needs, build }
}

fn built(definition: &'static Definition, settings: &ToolSettings) -> Result<Vec<Arc<dyn Action>>> {
    Ok(vec![Arc::new(LocalTool::new(definition, settings)?)])
}
