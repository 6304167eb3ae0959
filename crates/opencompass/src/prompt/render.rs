//! Renders a prompt list with a meta template, as text or as messages (`LMTemplateParser` and
//! `APITemplateParser` upstream).

use serde::{Deserialize, Serialize};

use super::{MetaPart, MetaRole, MetaTemplate, Part, PromptList, Section, Turn};

/// The purpose of a prompt: the model continues it, or scores it as a whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Printing stops where the model's own turn begins.
    Generate,
    /// Everything is printed, including the `end` of the meta template.
    Score,
}

/// A message with upstream's name of its role.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RoleMessage {
    /// `HUMAN`, `BOT` or `SYSTEM`.
    pub role: String,
    /// Text of the message.
    pub prompt: String,
}

/// A piece of text that the meta template prints.
enum Printed {
    /// The turn of a role.
    Role { role: MetaRole, text: String },
    /// Text between roles.
    Text(String),
}

/// Whether more text follows a piece.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Continue,
    Stop,
}

/// Renders a prompt as one text. Without a meta template, the non-empty texts and turns are joined with
/// newlines.
///
/// # Errors
/// A message, when the meta template has neither the role of a turn nor its fallback.
pub fn render_text(
    list: &PromptList,
    meta: Option<&MetaTemplate>,
    purpose: Purpose,
) -> Result<String, String> {
    let parts = match list {
        PromptList::Text(text) => return Ok(text.clone()),
        PromptList::Parts(parts) => parts,
    };
    let Some(meta) = meta else { return Ok(join_lines(parts)) };
    let (pieces, next) = walk(parts, meta, purpose, Form::Text)?;
    let mut text = meta.begin.clone();
    for piece in pieces {
        match piece {
            Printed::Role { text: turn, .. } => text.push_str(&turn),
            Printed::Text(between) => text.push_str(&between),
        }
    }
    if next == Next::Continue {
        text.push_str(&meta.end);
    }
    Ok(text)
}

/// Renders a prompt as messages. Neighboring messages of one role are joined with a newline, and a text template
/// becomes one `HUMAN` message.
///
/// # Errors
/// A message, when the meta template has neither the role of a turn nor its fallback, or a role has no
/// `api_role`.
pub fn render_messages(
    list: &PromptList,
    meta: &MetaTemplate,
    purpose: Purpose,
) -> Result<Vec<RoleMessage>, String> {
    let parts = match list {
        PromptList::Text(text) => {
            return Ok(vec![RoleMessage { role: "HUMAN".to_owned(), prompt: text.clone() }]);
        }
        PromptList::Parts(parts) => parts,
    };
    let (pieces, _) = walk(parts, meta, purpose, Form::Messages)?;
    let mut messages: Vec<RoleMessage> = Vec::new();
    for piece in pieces {
        let Printed::Role { role, text } = piece else { continue };
        let Some(name) = role.api_role else {
            return Err(no_api_role(meta, &role.role));
        };
        match messages.last_mut() {
            Some(last) if last.role == name => {
                last.prompt.push('\n');
                last.prompt.push_str(&text);
            }
            _ => messages.push(RoleMessage { role: name, prompt: text }),
        }
    }
    Ok(messages)
}

fn no_api_role(meta: &MetaTemplate, role: &str) -> String {
    let named = meta.roles().into_values().filter(|role| role.api_role.is_some());
    let named: Vec<&str> = named.map(|role| role.role.as_str()).collect();
    let named = if named.is_empty() { "none".to_owned() } else { named.join(", ") };
    format!(
        "meta template: role `{role}`: found no api_role, expected HUMAN, BOT or SYSTEM; \
         roles that have one: {named}"
    )
}

/// The upstream parser whose details apply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Text,
    Messages,
}

fn join_lines(parts: &[Part]) -> String {
    let mut text = String::new();
    let mut separator = "";
    for part in parts {
        let piece = match part {
            Part::Text(piece) => piece.as_str(),
            Part::Turn(turn) => turn.prompt.as_deref().unwrap_or_default(),
            Part::Open(_) | Part::Close(_) => continue,
        };
        if !piece.is_empty() {
            text.push_str(separator);
            text.push_str(piece);
        }
        separator = "\n";
    }
    text
}

/// Prints the sections one after the other until the model's turn begins.
fn walk(
    parts: &[Part],
    meta: &MetaTemplate,
    purpose: Purpose,
    form: Form,
) -> Result<(Vec<Printed>, Next), String> {
    let mut printed = Vec::new();
    let mut open: Vec<(Section, usize)> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => printed.push(Printed::Text(text.clone())),
            Part::Open(section) => open.push((*section, index + 1)),
            Part::Close(section) => {
                let (_, start) = open.pop().expect("templates close only sections that they opened");
                if matches!(section, Section::Round | Section::Shot) {
                    let generates = purpose == Purpose::Generate && *section == Section::Round;
                    let next = dialogue(&mut printed, &parts[start..index], meta, generates)?;
                    if next == Next::Stop {
                        return Ok((printed, Next::Stop));
                    }
                }
            }
            Part::Turn(turn) => {
                let edge = matches!(open.last(), Some((Section::Begin | Section::End, _)));
                if edge {
                    let generates = purpose == Purpose::Generate && form == Form::Messages;
                    let role = merged(meta, turn)?;
                    if print_role(&mut printed, role, turn.prompt.as_deref(), generates) == Next::Stop {
                        return Ok((printed, Next::Stop));
                    }
                }
            }
        }
    }
    Ok((printed, Next::Continue))
}

/// Prints a dialogue round by round. Every round prints all roles of the meta template in their order.
fn dialogue(
    printed: &mut Vec<Printed>,
    parts: &[Part],
    meta: &MetaTemplate,
    generates: bool,
) -> Result<Next, String> {
    let cuts = split_rounds(parts, meta)?;
    for (round, range) in cuts.windows(2).enumerate() {
        let turns: Vec<&Turn> = parts[range[0]..range[1]]
            .iter()
            .filter_map(|part| match part {
                Part::Turn(turn) => Some(turn),
                _ => None,
            })
            .collect();
        let mut prompts = Vec::with_capacity(turns.len());
        for turn in turns {
            prompts.push((merged(meta, turn)?.role.clone(), turn.prompt.as_deref()));
        }
        let last = round + 2 == cuts.len();
        for part in &meta.round {
            let role = match part {
                MetaPart::Text(text) => {
                    printed.push(Printed::Text(text.clone()));
                    continue;
                }
                MetaPart::Role(role) => role,
            };
            let prompt =
                prompts.iter().rev().find(|(name, _)| *name == role.role).and_then(|(_, prompt)| *prompt);
            if print_role(printed, role, prompt, generates && last) == Next::Stop {
                return Ok(Next::Stop);
            }
        }
    }
    Ok(Next::Continue)
}

/// Returns the indices at which rounds begin, then the length. A round begins wherever the position of a role in
/// the meta template does not increase.
fn split_rounds(parts: &[Part], meta: &MetaTemplate) -> Result<Vec<usize>, String> {
    let mut cuts = vec![0];
    let mut last: Option<usize> = None;
    for (index, part) in parts.iter().enumerate() {
        let Part::Turn(turn) = part else { continue };
        let place = meta
            .place(&turn.role)
            .or_else(|| meta.place(turn.fallback_role.as_deref()?))
            .ok_or_else(|| unknown_role(turn))?;
        if last.is_some_and(|last| place <= last) {
            cuts.push(index);
        }
        last = Some(place);
    }
    cuts.push(parts.len());
    Ok(cuts)
}

/// Finds the role of a turn, or its fallback, in the meta template.
fn merged<'a>(meta: &'a MetaTemplate, turn: &Turn) -> Result<&'a MetaRole, String> {
    let roles = meta.roles();
    let role = roles.get(turn.role.as_str()).or_else(|| roles.get(turn.fallback_role.as_deref()?));
    role.copied().ok_or_else(|| unknown_role(turn))
}

fn unknown_role(turn: &Turn) -> String {
    format!("role `{}`: found neither the role nor its fallback_role in the meta template", turn.role)
}

/// Prints `begin`, the prompt and `end`; only `begin` where the model takes over.
fn print_role(printed: &mut Vec<Printed>, role: &MetaRole, prompt: Option<&str>, generates: bool) -> Next {
    if generates && role.generate {
        // Only the text form keeps this `begin`: messages leave out the model's turn.
        printed.push(Printed::Text(role.begin.clone()));
        return Next::Stop;
    }
    let text = format!("{}{}{}", role.begin, prompt.unwrap_or(&role.prompt), role.end);
    printed.push(Printed::Role { role: role.clone(), text });
    Next::Continue
}

#[cfg(test)]
mod tests;
