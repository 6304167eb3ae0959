//! Tables: which hold data and which only lay the page out, rows and cells of the former.

use super::super::dom::{Dom, NodeId, WalkEvent};
use super::super::tag::{Role, role};
use super::code::{has_class, is_gutter};
use super::writer::Gap;
use super::{Renderer, Visit};

/// Columns that are filled up with empty cells: a page may claim any number, and each costs every row.
const MAX_COLUMNS: usize = 64;
/// Rows that one cell may cover.
const MAX_ROWSPAN: usize = 1000;
/// Bytes of a cell that make it prose, alone and with paragraphs in it.
const PROSE: (usize, usize) = (400, 200);

/// What a table is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TableKind {
    /// Rows of short cells.
    Data,
    /// The place of blocks on the page.
    Layout,
    /// A line of code in each row.
    Code,
}

/// An open table.
pub(super) struct Table {
    pub(super) kind: TableKind,
    /// Cells of the longest row.
    columns: usize,
    /// Rows written so far.
    rows: usize,
    /// Place of the next cell in its row.
    column: usize,
    /// Further columns that the open cell covers.
    extra: usize,
    /// For each column, how many further rows a cell above covers.
    covered: Vec<usize>,
    /// Line numbers were left out: the cell of class `code` beside them is code.
    gutter: bool,
    /// Whether a cell is open: text between the cells of code is not code.
    pub(super) in_cell: bool,
}

/// An open row of a data table.
pub(super) struct Row {
    /// What stands between the text before and the row, while that is not written.
    due: Option<Gap>,
    cells: usize,
    separators: usize,
    /// No text in the open cell yet.
    fresh: bool,
    /// Containers around the table.
    depth: usize,
}

/// What one look at a table tells.
struct Shape {
    kind: TableKind,
    columns: usize,
}

impl Shape {
    /// Walks up to the first thing that settles the kind, at most once over the table.
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
                    match role(tag) {
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
                        prose += usize::from(bytes > PROSE.0 || (blocks > 1 && bytes > PROSE.1));
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
    fn data_table(&mut self) -> Option<&mut Table> {
        self.tables.last_mut().filter(|table| table.kind == TableKind::Data)
    }

    pub(super) fn enter_table(&mut self, id: NodeId) {
        self.separate(Gap::Paragraph);
        let Shape { kind, columns } = Shape::of(self.dom, id);
        self.push_table(kind, columns);
        if kind == TableKind::Code {
            self.enter_code(id);
        }
    }

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

    pub(super) fn leave_table(&mut self) {
        self.tables.pop();
        self.separate(Gap::Paragraph);
    }

    pub(super) fn enter_row(&mut self) {
        self.separate(Gap::Line);
        let depth = self.containers.len();
        let gap = self.gap;
        if let Some(table) = self.data_table() {
            table.column = 0;
            self.row = Some(Row { due: Some(gap), cells: 0, separators: 0, fresh: true, depth });
        }
    }

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
        // Cells that cover more columns than there are push the others out.
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

    fn span(&self, id: NodeId, name: &str) -> usize {
        self.dom.attribute(id, name).and_then(|span| span.trim().parse().ok()).unwrap_or(1).max(1)
    }

    /// Opens the row and as many cells as are due, then the text.
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

/// GitHub's and highlight.js' lines.
fn is_code_cell(dom: &Dom, id: NodeId) -> bool {
    ["blob-code", "hljs-ln-code", "blob-code-inner"].iter().any(|name| has_class(dom, id, name))
}
