//! Tables: which contain data and which only arrange the page, and the rows and cells of the former.

use super::gutter::{has_class, is_gutter};
use super::open::{Gap, Row, Table, TableKind};
use super::renderer::{Renderer, Visit};
use crate::extract::dom::{Dom, NodeId, Role, WalkEvent};

/// Maximum number of columns that are filled up with empty cells. A page may claim any number, and each adds bytes to
/// every row.
const MAX_COLUMNS: usize = 64;
/// Maximum number of rows that one cell may cover.
const MAX_ROWSPAN: usize = 1000;
/// Length of a cell, in bytes, from which it is prose.
const PROSE: usize = 400;
/// The same for a cell of several paragraphs.
const PROSE_IN_PARAGRAPHS: usize = 200;

/// The kind and the size of a table, found before it is rendered.
struct Shape {
    kind: TableKind,
    columns: usize,
}

impl Shape {
    /// Walks over the table until its kind is certain, at most once.
    fn of(dom: &Dom, table: NodeId) -> Self {
        let layout = |columns| Self { kind: TableKind::Layout, columns };
        if matches!(dom.attribute(table, "role"), Some("presentation" | "none")) {
            return layout(0);
        }
        let (mut columns, mut cells_in_row, mut rows) = (0, 0, 0);
        let (mut cells, mut prose, mut headers) = (0, 0, false);
        let (mut bytes, mut blocks, mut gutter) = (0, 0, false);
        for event in dom.walk(table).skip(1) {
            match event {
                WalkEvent::Enter(id) => {
                    let Some(tag) = dom.tag(id) else {
                        bytes += dom.text(id).map_or(0, |text| text.trim().len());
                        continue;
                    };
                    match dom.role(id) {
                        Role::Cell if is_code_cell(dom, id) => {
                            return Self { kind: TableKind::Code, columns };
                        }
                        Role::Cell if is_gutter(dom, id) => gutter = true,
                        Role::Table | Role::Preformatted | Role::Heading(1..=3) => return layout(columns),
                        Role::Row => {
                            (rows, cells_in_row) = (rows + 1, 0);
                        }
                        Role::Cell => {
                            (cells, cells_in_row, bytes, blocks) = (cells + 1, cells_in_row + 1, 0, 0);
                            columns = columns.max(cells_in_row);
                            headers |= tag == "th";
                        }
                        Role::Paragraph | Role::BlockQuote => blocks += 1,
                        _ => headers |= matches!(tag, "thead" | "caption"),
                    }
                }
                WalkEvent::Leave(id) => {
                    if matches!(dom.tag(id), Some("td" | "th")) {
                        prose += usize::from(bytes > PROSE || (blocks > 1 && bytes > PROSE_IN_PARAGRAPHS));
                    }
                }
            }
        }
        let wordy = if headers { prose * 2 > cells } else { prose > 0 };
        let data = columns > 1 && !wordy && !gutter && (rows > 1 || headers || blocks == 0);
        Self { kind: if data { TableKind::Data } else { TableKind::Layout }, columns }
    }
}

impl Renderer<'_> {
    /// The innermost table, if it contains data.
    fn data_table(&mut self) -> Option<&mut Table> {
        self.tables.last_mut().filter(|table| table.kind == TableKind::Data)
    }

    /// Opens a table.
    pub(super) fn enter_table(&mut self, id: NodeId) {
        self.separate(Gap::Paragraph);
        let Shape { kind, columns } = Shape::of(self.dom, id);
        self.push_table(kind, columns);
        if kind == TableKind::Code {
            self.enter_code(id);
        }
    }

    /// Opens a table whose kind is known.
    pub(super) fn push_table(&mut self, kind: TableKind, columns: usize) {
        self.tables.push(Table {
            kind,
            columns: columns.min(MAX_COLUMNS),
            rows: 0,
            column: 0,
            extra: 0,
            covered: Vec::new(),
            gutter: false,
            in_cell: false,
        });
    }

    /// Closes the innermost table.
    pub(super) fn leave_table(&mut self) {
        self.tables.pop();
        self.separate(Gap::Paragraph);
    }

    /// Opens a row.
    pub(super) fn enter_row(&mut self) {
        self.separate(Gap::Line);
        let depth = self.containers.len();
        let gap = self.gap;
        if let Some(table) = self.data_table() {
            table.column = 0;
            self.row = Some(Row { due: Some(gap), cells: 0, separators: 0, fresh: true, depth });
        }
    }

    /// Closes a row, and in markdown writes the line after the header. A row without text leaves no trace.
    pub(super) fn leave_row(&mut self) {
        self.suspend_marks();
        let markdown = self.markdown;
        let Some(row) = self.row.take() else {
            self.separate(Gap::Line);
            return;
        };
        let Some(table) = self.tables.last_mut() else { return };
        for covered in table.covered.iter_mut().skip(table.column) {
            *covered = covered.saturating_sub(1);
        }
        if let Some(gap) = row.due {
            self.gap = gap;
            return;
        }
        table.rows += 1;
        // Cells that cover more columns than there are move the following cells beyond the last column.
        table.columns = table.columns.max(row.separators + 1).min(MAX_COLUMNS);
        let (first, columns) = (table.rows == 1, table.columns);
        self.gap = Gap::Line;
        if !markdown {
            return;
        }
        for _ in row.separators + 1..columns {
            self.out.push_str(" | ");
        }
        self.out.push_str(" |");
        if first {
            self.out.push('\n');
            self.write_next_prefix(row.depth);
            self.out.extend(std::iter::repeat_n("| --- ", columns.max(row.separators + 1)));
            self.out.push('|');
        }
    }

    /// Opens a cell. A cell of line numbers is skipped.
    pub(super) fn enter_cell(&mut self, id: NodeId) -> Visit {
        let gutter = is_gutter(self.dom, id);
        if let Some(table) = self.tables.last_mut().filter(|_| gutter) {
            table.gutter = true;
            return Visit::Skip;
        }
        self.suspend_marks();
        if self.tables.last().is_some_and(|table| table.gutter) && has_class(self.dom, id, "code") {
            self.enter_code(id);
            return Visit::Children;
        }
        let (rows, columns) = (self.span(id, "rowspan"), self.span(id, "colspan"));
        let Some(table) = self.data_table() else {
            self.separate(Gap::Line);
            return Visit::Children;
        };
        let mut skipped = 0;
        while let Some(covered) = table.covered.get_mut(table.column).filter(|covered| **covered > 0) {
            *covered -= 1;
            table.column += 1;
            skipped += 1;
        }
        let columns = columns.min(table.columns.saturating_sub(table.column)).max(1);
        if rows > 1 && table.column < table.columns {
            let end = table.column + columns;
            table.covered.resize(table.covered.len().max(end), 0);
            table.covered[table.column..end].fill(rows.min(MAX_ROWSPAN) - 1);
        }
        table.column += columns;
        table.extra = columns - 1;
        if let Some(row) = &mut self.row {
            row.cells += skipped + 1;
            row.fresh = true;
        }
        self.gap = Gap::Nothing;
        Visit::Children
    }

    /// Closes a cell.
    pub(super) fn leave_cell(&mut self) {
        self.suspend_marks();
        let extra = self.data_table().map(|table| table.extra);
        match (extra, &mut self.row) {
            (Some(extra), Some(row)) => {
                row.cells += extra;
                self.gap = Gap::Nothing;
            }
            _ => self.separate(Gap::Line),
        }
    }

    /// Number of rows or columns that a cell covers, at least 1.
    fn span(&self, id: NodeId, name: &str) -> usize {
        self.dom.attribute(id, name).and_then(|span| span.trim().parse().ok()).unwrap_or(1).max(1)
    }

    /// Writes what is due before the text of a cell: the start of the row and the separators of the cells.
    pub(super) fn open_cell_text(&mut self, first: char) {
        let markdown = self.markdown;
        let Some(mut row) = self.row.take() else { return };
        if let Some(gap) = row.due.take() {
            self.begin_line(gap, row.depth);
            self.out.push_str(if markdown { "| " } else { "" });
        }
        for _ in row.separators + 1..row.cells {
            self.out.push_str(if markdown { " | " } else { "\t" });
            row.separators += 1;
        }
        match self.gap {
            _ if row.fresh => {}
            Gap::Nothing => {}
            Gap::Space => self.push_space(first),
            Gap::Line | Gap::Paragraph => self.out.push_str(if markdown { "<br>" } else { " " }),
        }
        row.fresh = false;
        for container in self.containers[row.depth..].iter_mut().filter(|container| container.pending) {
            container.pending = false;
            if markdown {
                container.marker.write_in_cell(&mut self.out);
            }
        }
        self.row = Some(row);
    }
}

/// Whether a cell is a line of code, by the classes of GitHub and highlight.js.
fn is_code_cell(dom: &Dom, id: NodeId) -> bool {
    ["blob-code", "hljs-ln-code", "blob-code-inner"].iter().any(|name| has_class(dom, id, name))
}
