//! Formulas, as TeX between dollar signs.

use super::open::Gap;
use super::renderer::{Renderer, Visit};
use crate::extract::dom::{NodeId, WalkEvent};
use crate::extract::formula::{Formula, FormulaKind, formula, formula_kind, is_math_script};

/// Number of elements that only look like formulas, after which none is looked for: each is searched to its end.
const MAX_FAILED_FORMULAS: usize = 64;

impl Renderer<'_> {
    /// Writes the formula that an element represents, if it does. Then its children are not visited.
    pub(super) fn formula(&mut self, id: NodeId, tag: &str) -> Visit {
        let found = match formula_kind(self.dom, id, tag) {
            None => return Visit::Children,
            Some(_) if self.failed_formulas > MAX_FAILED_FORMULAS => return Visit::Children,
            Some(FormulaKind::Rendered) if self.has_math_scripts() => return Visit::Skip,
            Some(kind) => formula(self.dom, id, kind),
        };
        match found {
            Some(formula) => {
                self.write_formula(&formula);
                Visit::Skip
            }
            None => {
                self.failed_formulas += 1;
                Visit::Children
            }
        }
    }

    /// Whether the page has its formulas in scripts. Then what MathJax drew from them is left out.
    fn has_math_scripts(&mut self) -> bool {
        let (dom, root) = (self.dom, self.root);
        *self.math_scripts.get_or_insert_with(|| {
            dom.walk(root).any(|event| matches!(event, WalkEvent::Enter(id) if is_math_script(dom, id)))
        })
    }

    fn write_formula(&mut self, formula: &Formula) {
        if formula.tex.is_empty() || self.code.is_some() {
            return;
        }
        let (sign, gap) = if formula.display { ("$$", Gap::Paragraph) } else { ("$", Gap::Nothing) };
        self.separate(gap);
        self.open_text('$');
        self.out.push_str(sign);
        self.push_escaped(&formula.tex);
        self.out.push_str(sign);
        self.separate(gap);
    }
}
