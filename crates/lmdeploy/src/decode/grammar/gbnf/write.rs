//! [`write`]: the rules of a grammar -> Lark's notation.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Grammar, Node};

/// Maximum length of the result: rules that are referred to twice are written twice.
const MAX_LENGTH: usize = 1 << 17;
/// Maximum depth of rules that a terminal is made of, and of groups in them.
const MAX_DEPTH: usize = 400;
/// At least one character: terminals must not match nothing.
const SOMETHING: &str = "/(?s:.+)/";

/// The grammar, with `start` as its first rule.
///
/// # Errors
/// The grammar is too large.
pub(super) fn write(grammar: &Grammar) -> Result<String, String> {
    let direct: Vec<_> = grammar.nodes.iter().map(direct).collect();
    let reached: Vec<_> = (0..direct.len()).map(|rule| reached(&direct, rule)).collect();
    let recursive: Vec<bool> = (0..direct.len()).map(|rule| reached[rule][rule]).collect();
    let refers =
        |rule: usize| reached[rule].iter().zip(&recursive).any(|(reached, known)| *reached && *known);
    let regular = (0..direct.len()).map(|rule| !recursive[rule] && !refers(rule)).collect();
    let mut writer = Writer { grammar, regular, terminals: Vec::new() };
    let mut lines = format!("start: {}\n", writer.rule(&Node::Rule(grammar.root))?);
    for (rule, node) in grammar.nodes.iter().enumerate() {
        let is_needed = rule == grammar.root || reached[grammar.root][rule];
        if is_needed && !writer.regular[rule] {
            let line = writer.rule(node)?;
            let _ = writeln!(lines, "r{rule}: {line}");
        }
        checked(lines.len())?;
    }
    for (index, pattern) in writer.terminals.iter().enumerate() {
        let _ = writeln!(lines, "T{index}: /{pattern}/ & {SOMETHING}");
        checked(lines.len())?;
    }
    Ok(lines)
}

/// The rules that a rule refers to.
fn direct(node: &Node) -> BTreeSet<usize> {
    let mut direct = Vec::new();
    names(node, &mut direct);
    direct.into_iter().collect()
}

/// For every rule whether `rule` refers to it, or to one that leads to it.
fn reached(direct: &[BTreeSet<usize>], rule: usize) -> Vec<bool> {
    let mut reached = vec![false; direct.len()];
    let mut waiting = vec![rule];
    while let Some(next) = waiting.pop() {
        for name in &direct[next] {
            if !std::mem::replace(&mut reached[*name], true) {
                waiting.push(*name);
            }
        }
    }
    reached
}

fn names(node: &Node, names_of: &mut Vec<usize>) {
    match node {
        Node::Rule(rule) => names_of.push(*rule),
        Node::Sequence(nodes) | Node::Choice(nodes) => nodes.iter().for_each(|node| names(node, names_of)),
        Node::Repeat { node, .. } => names(node, names_of),
        Node::Text(_) | Node::Class { .. } | Node::Any => {}
    }
}

fn checked(length: usize) -> Result<(), String> {
    if length > MAX_LENGTH {
        return Err(format!(
            "found more than {MAX_LENGTH} characters with rules inside of rules, expected less"
        ));
    }
    Ok(())
}

struct Writer<'g> {
    grammar: &'g Grammar,
    /// Whether a rule neither is recursive nor refers to one that is.
    regular: Vec<bool>,
    /// Regular expressions without their slashes.
    terminals: Vec<String>,
}

impl Writer<'_> {
    fn is_regular(&self, node: &Node) -> bool {
        let mut rules = Vec::new();
        names(node, &mut rules);
        rules.into_iter().all(|rule| self.regular[rule])
    }

    /// What is written for a part of a rule; empty for what matches nothing.
    fn rule(&mut self, node: &Node) -> Result<String, String> {
        if self.is_regular(node) {
            return self.terminal(node);
        }
        Ok(match node {
            Node::Rule(rule) => format!("r{rule}"),
            Node::Sequence(nodes) => self.sequence(nodes)?,
            Node::Choice(nodes) => {
                let options = nodes.iter().map(|node| self.rule(node)).collect::<Result<Vec<_>, _>>()?;
                let options = options.iter().map(|option| if option.is_empty() { "()" } else { option });
                format!("({})", options.collect::<Vec<_>>().join(" | "))
            }
            Node::Repeat { max: Some(0), .. } => String::new(),
            Node::Repeat { node, min, max } => match self.rule(node)? {
                empty if empty.is_empty() => empty,
                rule => format!("({rule}){}", times(*min, *max)),
            },
            // They are regular.
            Node::Text(_) | Node::Class { .. } | Node::Any => String::new(),
        })
    }

    /// Neighbors that are regular become one terminal.
    fn sequence(&mut self, nodes: &[Node]) -> Result<String, String> {
        let runs = nodes.chunk_by(|left, right| self.is_regular(left) && self.is_regular(right));
        let runs: Vec<Vec<Node>> = runs.map(<[Node]>::to_vec).collect();
        let mut parts = Vec::new();
        for run in runs {
            parts.push(if let [one] = run.as_slice() {
                self.rule(one)?
            } else {
                self.rule(&Node::Sequence(run))?
            });
        }
        parts.retain(|part| !part.is_empty());
        Ok(parts.join(" "))
    }

    /// The name of a terminal. One that may match nothing is optional where it is used.
    fn terminal(&mut self, node: &Node) -> Result<String, String> {
        let mut pattern = String::new();
        self.regex(node, 0, &mut pattern)?;
        // Empty groups and alternatives match nothing else than the empty text.
        if pattern.chars().all(|c| matches!(c, '(' | ')' | '|')) {
            return Ok(String::new());
        }
        let known = self.terminals.iter().position(|known| *known == pattern);
        let index = known.unwrap_or_else(|| {
            self.terminals.push(pattern);
            self.terminals.len() - 1
        });
        Ok(if self.may_be_empty(node) { format!("T{index}?") } else { format!("T{index}") })
    }

    /// Whether a regular part may match nothing. Its depth has been checked.
    fn may_be_empty(&self, node: &Node) -> bool {
        match node {
            Node::Text(text) => text.is_empty(),
            Node::Class { .. } | Node::Any => false,
            Node::Rule(rule) => self.may_be_empty(&self.grammar.nodes[*rule]),
            Node::Sequence(nodes) => nodes.iter().all(|node| self.may_be_empty(node)),
            Node::Choice(nodes) => nodes.iter().any(|node| self.may_be_empty(node)),
            Node::Repeat { node, min, .. } => *min == 0 || self.may_be_empty(node),
        }
    }

    /// Writes a regular part as a regular expression.
    fn regex(&self, node: &Node, depth: usize, out: &mut String) -> Result<(), String> {
        checked(out.len())?;
        if depth > MAX_DEPTH {
            return Err(format!("found rules more than {MAX_DEPTH} levels deep, expected less"));
        }
        match node {
            Node::Text(text) => text.chars().for_each(|c| character(c, out)),
            Node::Class { negated, ranges } => class(*negated, ranges, out),
            Node::Any => out.push_str("(?s:.)"),
            Node::Rule(rule) => self.grouped(&self.grammar.nodes[*rule], depth, out)?,
            Node::Sequence(nodes) => {
                for node in nodes {
                    match node {
                        Node::Choice(_) => self.grouped(node, depth, out)?,
                        _ => self.regex(node, depth + 1, out)?,
                    }
                }
            }
            Node::Choice(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    out.push_str(if index > 0 { "|" } else { "" });
                    self.regex(node, depth + 1, out)?;
                }
            }
            Node::Repeat { node, min, max } => {
                self.grouped(node, depth, out)?;
                out.push_str(&times(*min, *max));
            }
        }
        Ok(())
    }

    fn grouped(&self, node: &Node, depth: usize, out: &mut String) -> Result<(), String> {
        out.push('(');
        self.regex(node, depth + 1, out)?;
        out.push(')');
        Ok(())
    }
}

fn character(c: char, out: &mut String) {
    if c.is_ascii_alphanumeric() {
        out.push(c);
    } else {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
    }
}

fn class(negated: bool, ranges: &[(char, char)], out: &mut String) {
    if ranges.is_empty() {
        // `[^]` is any character, and `[]` matches nothing at all.
        out.push_str(if negated { "(?s:.)" } else { "[a&&b]" });
        return;
    }
    out.push_str(if negated { "[^" } else { "[" });
    for (low, high) in ranges {
        character(*low, out);
        if low != high {
            out.push('-');
            character(*high, out);
        }
    }
    out.push(']');
}

fn times(min: u32, max: Option<u32>) -> String {
    match (min, max) {
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (0, Some(1)) => "?".to_owned(),
        (min, None) => format!("{{{min},}}"),
        (min, Some(max)) if min == max => format!("{{{min}}}"),
        (min, Some(max)) => format!("{{{min},{max}}}"),
    }
}
