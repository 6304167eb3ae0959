//! Templates as Jinja2 reads them, rewritten into what minijinja reads.
//!
//! - Line ends become `\n`.
//! - `{% generation %}`, which transformers adds to mark the loss of training, becomes `{% with %}`: the text stays,
//!   and variables that are set inside are not seen outside.
//! - `a % b` and `a ~ b` become calls of functions: `%` also formats texts, and both write numbers as Python does. So
//!   does `a + b` in templates that mark text as safe, because Python escapes what is added to it.
//!
//! What is malformed is left as it is, for minijinja to report.

use super::blocks::Blocks;
use super::operators::{self, Plus, Token};

/// Statements that become others.
const TAGS: [(&str, &str); 2] = [("generation", "with"), ("endgeneration", "endwith")];

/// `source` for minijinja.
///
/// # Errors
/// A `break` or `continue` inside of a block that it cannot leave.
pub(super) fn rewritten(source: &str) -> Result<String, String> {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut output = String::with_capacity(source.len());
    let has_markup = ["safe", "escape"].iter().any(|filter| source.contains(filter));
    let plus = if has_markup { Plus::Call } else { Plus::Operator };
    let mut blocks = Blocks::default();
    let mut rest = source.as_str();
    while let Some(start) = opening(rest) {
        let (before, tag) = rest.split_at(start);
        output.push_str(before);
        let length = match &tag[..2] {
            "{#" => verbatim(tag, tag.find("#}").map(|end| end + 2), &mut output),
            "{%" => statement(tag, plus, &mut blocks, &mut output)?,
            _ => expression(&tokens(tag, "}}"), plus, &mut output),
        };
        rest = &tag[length..];
    }
    Ok(output + rest)
}

/// Where the next comment, statement or expression begins.
fn opening(text: &str) -> Option<usize> {
    text.match_indices('{').map(|(at, _)| at).find(|&at| {
        let next = text[at + 1..].bytes().next();
        matches!(next, Some(b'{' | b'%' | b'#'))
    })
}

/// Copies `length` bytes, or everything when there is no end.
fn verbatim(text: &str, length: Option<usize>, output: &mut String) -> usize {
    let length = length.unwrap_or(text.len());
    output.push_str(&text[..length]);
    length
}

/// Copies one statement, and returns its length; a raw block is one with its content.
fn statement<'a>(
    text: &'a str,
    plus: Plus,
    blocks: &mut Blocks<'a>,
    output: &mut String,
) -> Result<usize, String> {
    if tag(text, "raw").is_some() {
        let end = |(at, _): (usize, &str)| Some(at + tag(&text[at..], "endraw")?);
        return Ok(verbatim(text, text.match_indices("{%").find_map(end), output));
    }
    let tokens = tokens(text, "%}");
    blocks.follow(&tokens[1..])?;
    for (name, other) in TAGS {
        if let Some(length) = tag(text, name) {
            output.push_str(&text[..length].replacen(name, other, 1));
            return Ok(length);
        }
    }
    Ok(expression(&tokens, plus, output))
}

/// The length of the tag `{% name %}` at the beginning of `text`, with any control of white space.
fn tag(text: &str, name: &str) -> Option<usize> {
    let inner = text.strip_prefix("{%")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner).trim_start();
    let inner = inner.strip_prefix(name)?.trim_start();
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner).strip_prefix("%}")?;
    Some(text.len() - inner.len())
}

/// What opens `text` as one token, with the sign that controls white space, and the tokens between it and `close`.
fn tokens<'a>(text: &'a str, close: &str) -> Vec<Token<'a>> {
    let opened = if text[2..].starts_with(['-', '+']) { 3 } else { 2 };
    let (open, inner) = text.split_at(opened);
    let mut tokens = vec![Token { space: open, text: "" }];
    tokens.extend(operators::tokens(inner, close));
    tokens
}

/// Copies tokens with their operators rewritten, and returns their length.
fn expression(tokens: &[Token], plus: Plus, output: &mut String) -> usize {
    output.push_str(&operators::rewritten(tokens, plus));
    tokens.iter().map(|token| token.space.len() + token.text.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::rewritten;

    #[test]
    fn generation_is_a_scope_and_nothing_else_changes() {
        for (source, expected) in [
            ("{% generation %}a{% endgeneration %}", "{% with %}a{% endwith %}"),
            ("{%-generation-%} {%+ endgeneration +%}", "{%-with-%} {%+ endwith +%}"),
            ("{%-\n generation\n%}", "{%-\n with\n%}"),
            ("{# {% generation %} #}", "{# {% generation %} #}"),
            ("{%- raw -%}{% generation %}{% endraw %}", "{%- raw -%}{% generation %}{% endraw %}"),
            ("{{ '{% generation %}' }}", "{{ '{% generation %}' }}"),
            ("{% set generation = 1 %}generation", "{% set generation = 1 %}generation"),
            ("a\r\nb\r{", "a\nb\n{"),
        ] {
            assert_eq!(rewritten(source).expect("is rewritten"), expected, "{source}");
        }
    }

    #[test]
    fn operators_become_calls_with_the_operands_that_jinja2_gives_them() {
        for (source, expected) in [
            ("{{ a ~ b }}", "{{ __join(a, b) }}"),
            ("{{- a~b ~ c.d[1:2](e)|f(g)  -}}", "{{- __join(a,b, c.d[1:2](e)|f(g))  -}}"),
            ("{{ a * b % c / d }}", "{{ __remainder(a * b, c) / d }}"),
            ("{{ a + b % c ~ d - e }}", "{{ a + __join(__remainder(b, c), d) - e }}"),
            ("{{ -a % b ** -c }}", "{{ __remainder(-a, b ** -c) }}"),
            ("{{ a - -b % 1e+5 }}", "{{ a - __remainder(-b, 1e+5) }}"),
            ("{{ 'a' 'b' % (c, d ~ e) }}", "{{ __remainder('a' 'b', (c, __join(d, e))) }}"),
            (
                "{% if not a % 2 == 0 and x is divisibleby 3 %}",
                "{% if not __remainder(a, 2) == 0 and x is divisibleby 3 %}",
            ),
            ("{%- if (a) ~ b -%}", "{%- if __join((a), b) -%}"),
            ("{% set x = {'k': a ~ 'b'} %}", "{% set x = {'k': __join(a, 'b')} %}"),
            (
                "{{ f(a, k=b ~ c) if d is not none else '}}' ~ e }}",
                "{{ f(a, k=__join(b, c)) if d is not none else __join('}}', e) }}",
            ),
            ("{% for m in a ~ b if m % 2 %}", "{% for m in __join(a, b) if __remainder(m, 2) %}"),
            ("{{ a|safe + b - -c + 1 }}", "{{ __sum(__sum(a|safe, b) - -c, 1) }}"),
            ("{{ a|safe ~ (b + c) }}", "{{ __join(a|safe, (__sum(b, c))) }}"),
            // Malformed: minijinja says so.
            ("{{ a ~ }}", "{{ a ~ }}"),
            ("{{ (a % b", "{{ (a % b"),
            ("{{ % b }}", "{{ % b }}"),
            ("{{ 'a ~ b", "{{ 'a ~ b"),
            ("{% generation", "{% generation"),
        ] {
            assert_eq!(rewritten(source).expect("is rewritten"), expected, "{source}");
        }
    }

    #[test]
    fn loop_controls_do_not_leave_blocks_that_stay_open() {
        for (source, found) in [
            ("{% for i in x %}{% with %}{% continue %}", Some("found `continue` inside of `with`")),
            ("{% for i in x %}{% set y %}{% if a %}{% break %}", Some("found `break` inside of `set`")),
            ("{% for i in x %}{% generation %}{% break %}", Some("found `break` inside of `generation`")),
            ("{% with %}{% for i in x %}{% set y = 1 %}{% break %}", None),
            ("{% for i in x %}{% with %}{% endwith %}{% continue %}", None),
            ("{% for i in x %}{% with %}{% for j in y %}{% continue %}", None),
        ] {
            let error = rewritten(source).err();
            let is_found =
                found.is_none_or(|found| error.as_ref().is_some_and(|error| error.contains(found)));
            assert!(is_found && error.is_some() == found.is_some(), "{source}: {error:?}");
        }
    }
}
