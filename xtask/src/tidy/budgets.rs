//! Budgets of size and documentation, from the syntax tree: lines per file and function, parameters,
//! nesting, `# Shapes` on every `forward*`, no `bool` parameters in public functions, no wide tuples in fields of
//! structs and in slices.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::finding::Finding;
use crate::rust::{Place, RustFile, doc_text, is_test_item};

/// Lines of a file that are not tests.
const FILE_LINES: usize = 400;
/// Lines of a function, signature and braces included.
const FUNCTION_LINES: usize = 60;
/// Parameters of a function: `self` does not count, a tuple counts as its fields.
const PARAMETERS: usize = 6;
/// Fields of a tuple that is a struct's field or the element of a slice.
const TUPLE_FIELDS: usize = 2;
/// Depth of `if`, `match`, loops inside each other.
const NESTING: usize = 4;

/// Checks one Rust file.
pub(super) fn check(file: &RustFile) -> Vec<Finding> {
    if file.place() == Place::Test {
        return Vec::new();
    }
    let mut reader = Reader { path: &file.path, findings: Vec::new(), depth: 0, deepest: 0 };
    reader.visit_file(&file.tree);
    let tests: usize = file.test_ranges().iter().map(|(first, last)| last + 1 - first).sum();
    let lines = file.text.lines().count().saturating_sub(tests);
    if lines > FILE_LINES {
        reader.report(0, "file size", format!("{lines} non-test lines, expected at most {FILE_LINES}"));
    }
    reader.findings
}

#[derive(Debug)]
struct Reader<'a> {
    path: &'a str,
    findings: Vec<Finding>,
    depth: usize,
    deepest: usize,
}

impl Reader<'_> {
    fn report(&mut self, line: usize, rule: &'static str, message: String) {
        self.findings.push(Finding { path: self.path.to_owned(), line, rule, message });
    }

    fn function(&mut self, attributes: &[syn::Attribute], visible: bool, signature: &syn::Signature) {
        let line = signature.ident.span().start().line;
        let name = signature.ident.to_string();
        let inputs: Vec<&syn::PatType> = signature
            .inputs
            .iter()
            .filter_map(|input| match input {
                syn::FnArg::Typed(typed) => Some(typed),
                syn::FnArg::Receiver(_) => None,
            })
            .collect();
        let count: usize = inputs.iter().map(|input| fields(&input.ty)).sum();
        if count > PARAMETERS {
            let message = format!("`{name}` has {count} parameters, expected at most {PARAMETERS}");
            self.report(line, "parameters", message);
        }
        for input in inputs.iter().filter(|input| is_list(&input.ty)) {
            self.tuple(&input.ty, &name);
        }
        if visible && inputs.iter().any(|input| is_bool(&input.ty)) {
            self.report(line, "bool parameter", format!("`{name}` takes a bool, expected an enum"));
        }
        if visible && name.starts_with("forward") && !doc_text(attributes).contains("# Shapes") {
            self.report(line, "shapes", format!("`{name}` does not document `# Shapes`"));
        }
    }

    fn tuple(&mut self, kind: &syn::Type, name: &str) {
        let count = tuple_fields(kind);
        if count > TUPLE_FIELDS {
            let message = format!("`{name}` has a tuple of {count} values, expected a struct with names");
            self.report(kind.span().start().line, "tuple", message);
        }
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let start = signature.fn_token.span().start().line;
        let lines = block.span().end().line + 1 - start;
        let name = &signature.ident;
        if lines > FUNCTION_LINES {
            let message = format!("`{name}` has {lines} lines, expected at most {FUNCTION_LINES}");
            self.report(start, "function size", message);
        }
        let outer = (std::mem::take(&mut self.depth), std::mem::take(&mut self.deepest));
        visit::visit_block(self, block);
        if self.deepest > NESTING {
            let message = format!("`{name}` nests {} deep, expected at most {NESTING}", self.deepest);
            self.report(start, "nesting", message);
        }
        (self.depth, self.deepest) = outer;
    }

    fn nested(&mut self, visit: impl FnOnce(&mut Self)) {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        visit(self);
        self.depth -= 1;
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let name = item.ident.to_string();
        item.fields.iter().for_each(|field| self.tuple(&field.ty, &name));
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.attrs, is_public(&item.vis), &item.sig);
        self.body(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.attrs, is_public(&item.vis), &item.sig);
        self.body(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&item.attrs, false, &item.sig);
        if let Some(block) = &item.default {
            self.body(&item.sig, block);
        }
    }

    fn visit_expr_if(&mut self, expression: &'ast syn::ExprIf) {
        self.visit_expr(&expression.cond);
        self.nested(|reader| reader.visit_block(&expression.then_branch));
        match expression.else_branch.as_ref().map(|branch| &*branch.1) {
            // `else if` stays on the level of its `if`.
            Some(syn::Expr::If(next)) => self.visit_expr_if(next),
            Some(other) => self.nested(|reader| reader.visit_expr(other)),
            None => {}
        }
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        self.nested(|reader| visit::visit_expr_match(reader, expression));
    }

    fn visit_expr_for_loop(&mut self, expression: &'ast syn::ExprForLoop) {
        self.nested(|reader| visit::visit_expr_for_loop(reader, expression));
    }

    fn visit_expr_while(&mut self, expression: &'ast syn::ExprWhile) {
        self.nested(|reader| visit::visit_expr_while(reader, expression));
    }

    fn visit_expr_loop(&mut self, expression: &'ast syn::ExprLoop) {
        self.nested(|reader| visit::visit_expr_loop(reader, expression));
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn is_bool(kind: &syn::Type) -> bool {
    matches!(kind, syn::Type::Path(path) if path.path.is_ident("bool"))
}

/// How many values a parameter of this type carries: a tuple hides as many as it has fields.
fn fields(kind: &syn::Type) -> usize {
    match kind {
        syn::Type::Tuple(tuple) => tuple.elems.iter().map(fields).sum(),
        syn::Type::Reference(reference) => fields(&reference.elem),
        syn::Type::Paren(inner) => fields(&inner.elem),
        _ => 1,
    }
}

/// Is it a slice or an array, by value or by reference?
fn is_list(kind: &syn::Type) -> bool {
    match kind {
        syn::Type::Reference(reference) => is_list(&reference.elem),
        syn::Type::Paren(inner) => is_list(&inner.elem),
        syn::Type::Slice(_) | syn::Type::Array(_) => true,
        _ => false,
    }
}

/// The number of fields of the tuple that the type is, refers to, or is a list of; 0 for other types.
fn tuple_fields(kind: &syn::Type) -> usize {
    match kind {
        syn::Type::Tuple(tuple) => tuple.elems.len(),
        syn::Type::Reference(reference) => tuple_fields(&reference.elem),
        syn::Type::Paren(inner) => tuple_fields(&inner.elem),
        syn::Type::Slice(slice) => tuple_fields(&slice.elem),
        syn::Type::Array(array) => tuple_fields(&array.elem),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        let file = RustFile::parse("crates/a/src/b.rs", text).expect("parses");
        check(&file).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn each_budget_fires() {
        assert_eq!(rules("fn f(a: A, b: A, c: A, d: A, e: A, f: A, g: A) {}"), ["parameters"]);
        assert_eq!(rules("fn f(a: A, b: (B, (C, D)), e: &(E, F), g: G) {}"), ["parameters"]);
        assert!(
            rules("impl S { fn f(&self, a: A, b: (B, C), d: &[(D, E)], f: F, g: fn(G, H)) {} }").is_empty()
        );
        assert_eq!(rules("pub fn f(fast: bool) {}"), ["bool parameter"]);
        assert_eq!(rules("fn f(rows: &[(A, B, C)]) {}"), ["tuple"]);
        assert_eq!(rules("struct S { row: (A, B, C), rows: [(A, B, C); 2] }"), ["tuple", "tuple"]);
        assert!(rules("struct S(A, B, C); struct T { pair: (A, B) } fn f(row: (A, B, C)) {}").is_empty());
        assert_eq!(rules("impl A { pub fn forward(&self) {} }"), ["shapes"]);
        assert!(rules("/// # Shapes\npub fn forward() {}").is_empty());
        assert_eq!(rules(&format!("fn f() {{\n{}}}", "g();\n".repeat(60))), ["function size"]);
        assert_eq!(rules("fn f() { if a { if b { if c { if d { if e {} } } } } }"), ["nesting"]);
        assert!(rules("fn f() { if a {} else if b {} else if c {} else if d {} else if e {} }").is_empty());
        assert_eq!(rules(&"// line\n".repeat(401)), ["file size"]);
    }

    #[test]
    fn test_modules_do_not_count() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(500));
        assert!(rules(&tests).is_empty());
    }
}
