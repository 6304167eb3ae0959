//! [`script_type`]: whether a text without markup is JSON, JavaScript or CSS, by how it begins.
//!
//! Servers send all three as HTML. Only beginnings that prose does not have count, and whatever holds the first tags of
//! a page is a page.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Number of bytes that are looked at; comments with a license are long.
const HEAD_BYTES: usize = 1 << 14;

/// How scripts begin, after white space and comments.
const SCRIPT: &str = r#"(?x-u)^(?:
    ["']use\x20strict["']\s*;?
  | [;!+(]*\(?\s*(?:async\s+)?function\b\s*[\w$]*\s*\([\w$,\s]*\)\s*\{
  | [;!+]*\((?:async\s*)?\([\w$,\s]*\)\s*=>
  | (?:var|let|const)\s+(?:[\w$]+\s*(?:=[^=]|;|,\s*[\w$]+\s*[=,;])|[\[{][^\]}]*[\]}]\s*=)
  | import\s*(?:[\w$]+\s+from\s*["']|\{[^}]*\}\s*from\s*["']|\*\s*as\s|["'][^"']*["']\s*;)
  | export\s+(?:default\b|const\s+[\w$]+\s*=|function\b|class\s+[\w$]+\s*(?:\{|extends\b)|\{)
  | (?:window|self|document|globalThis|module|exports|this)(?:\.[\w$]+|\[["'][^"']*["']\])+\s*(?:=[^=]|\|\||\()
  | (?:\$|jQuery|define|require|webpackJsonp)\s*\(\s*(?:["'\[{]|(?:function|document|window)\b)
  | [\w$.]+\s*\(\s*(?:\{\s*"|\[\s*[\[{"])
  | (?:if|while|for)\s*\((?:1\)\s*;|;;|!|typeof\b)
  | try\s*\{
  | class\s+[\w$]+\s*(?:extends\s+[\w$.]+\s*)?\{
)"#;

/// How style sheets begin, after white space and comments.
const STYLE: &str = r#"(?x-u)^(?:
    @charset\s+["']
  | @import\s+(?:url\(|["'])
  | @(?:media|supports|layer|keyframes|-webkit-keyframes|namespace)\b[^{;]*[{;]
  | @font-face\s*\{
  | (?:[.\#:*\[]|(?:html|body|main|div|span|a|p|h[1-6]|img|ul|ol|li|table|t[rdh]|nav|header|footer|section|article)\b)
    [-\w\s.\#:*,>+~()\[\]="'^$|]{0,400}\{\s*[-a-zA-Z]+\s*:[^{}]*(?:;|\})
)"#;

/// How JSON begins: an object, or a list of objects, lists, texts or numbers.
const JSON: &str = r#"(?x-u)^(?:\)\]\}',?\s*)?(?:
    \[?\s*\{\s*"(?:[^"\\]|\\.)*"\s*:
  | \[\s*"(?:[^"\\]|\\.)*"\s*[,\]]
  | \[(?:\s*-?\d[\d.eE+-]*\s*,){9}
  | \[(?:\s*-?\d[\d.eE+-]*\s*[,\]])+\s*$
  | \[\s*\[\s*["\[{\d-]
  | (?:\{\s*\}|\[\s*\])\s*$
)"#;

/// The first tags of a page, or the ends of its parts.
const MARKUP: &str = r"(?i-u)<(?:!doctype|html|head|body|title)\b";

struct Beginnings {
    script: Regex,
    style: Regex,
    json: Regex,
    markup: Regex,
}

static BEGINNINGS: LazyLock<Beginnings> = LazyLock::new(|| {
    let regex = |pattern| Regex::new(pattern).expect("the patterns of this file are regular expressions");
    Beginnings { script: regex(SCRIPT), style: regex(STYLE), json: regex(JSON), markup: regex(MARKUP) }
});

/// The media type of a script, a style sheet or JSON; `None` for anything else.
pub(super) fn script_type(bytes: &[u8]) -> Option<&'static str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = without_comments(&bytes[..bytes.len().min(HEAD_BYTES)]);
    // A page begins with markup, prose with a word.
    if head.first().is_none_or(|byte| *byte == b'<') {
        return None;
    }
    let Beginnings { script, style, json, markup } = &*BEGINNINGS;
    let kinds = [(json, "application/json"), (script, "text/javascript"), (style, "text/css")];
    let (_, kind) = kinds.into_iter().find(|(beginning, _)| beginning.is_match(head))?;
    (!markup.is_match(head)).then_some(kind)
}

/// `head` from its first byte that is neither white space nor part of a comment.
fn without_comments(head: &[u8]) -> &[u8] {
    let mut rest = head.trim_ascii_start();
    loop {
        let end = match rest {
            [b'/', b'*', inside @ ..] => memchr::memmem::find(inside, b"*/").map(|at| at + 4),
            [b'/', b'/', inside @ ..] => memchr::memchr(b'\n', inside).map(|at| at + 3),
            _ => return rest,
        };
        match end {
            Some(end) => rest = rest[end..].trim_ascii_start(),
            None => return &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_style_sheets_and_json_are_known_by_their_beginning() {
        for (text, expected) in [
            ("{\"name\": \"x\"}", "application/json"),
            (" [ {\"a\" : 1} ]", "application/json"),
            ("[1, 2, 3]", "application/json"),
            ("[\"a\", \"b\"]", "application/json"),
            ("[]", "application/json"),
            (")]}'\n{\"a\":1}", "application/json"),
            ("callback({\"a\": 1});", "text/javascript"),
            ("/* a license\n */\n// x\n!function(a,b){return a}(1,2);", "text/javascript"),
            ("(function () { document.write('<p>'); })();", "text/javascript"),
            ("(() => { let a = 1; })();", "text/javascript"),
            ("'use strict';\nvar a;", "text/javascript"),
            ("var a = document.cookie;", "text/javascript"),
            ("const {a, b} = require('c');", "text/javascript"),
            ("import {a} from './b.js';", "text/javascript"),
            ("window.dataLayer = window.dataLayer || [];", "text/javascript"),
            ("jQuery(document).ready(go);", "text/javascript"),
            ("if (typeof x === 'undefined') { x = 1; }", "text/javascript"),
            ("@charset \"utf-8\";", "text/css"),
            ("/* reset */ html, body { margin: 0; }", "text/css"),
            (".menu > li:hover{color:red}", "text/css"),
            ("@media screen and (max-width: 9em) { a { color: red } }", "text/css"),
        ] {
            assert_eq!(script_type(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn prose_and_pages_are_not_scripts() {
        for text in [
            "",
            "Plain text, with a (remark) and {braces}.",
            "[1] The first note. [2] The second.",
            "[1, 2] show that this is so.",
            "[edit] A wiki page",
            "A note {aside: this}",
            "Import duties and exports: a history",
            "Let x be a number; let us see.",
            "If (and only if) it rains",
            "Class dismissed { finally }",
            "/* left over */ <p>A page</p>",
            "// left over\n<html><p>A page</p>",
            "var x = 1;\n<!DOCTYPE html><html><body>A page of a broken server</body></html>",
            "{{ template }} <b>text</b>",
            "for all (of us) it was new",
            "/* only a comment",
        ] {
            assert_eq!(script_type(text.as_bytes()), None, "{text}");
        }
    }
}
