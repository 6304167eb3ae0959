//! The machine instructions of a kernel, as nvdisasm prints them.

use std::collections::BTreeMap;

/// Bytes of one instruction, from Volta on.
const INSTRUCTION: usize = 16;

/// How often each instruction occurs, by its name with all modifiers: `LDG.E.128`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Instructions {
    counts: BTreeMap<String, usize>,
}

impl Instructions {
    /// Counts the instructions of lines such as `/*0010*/  @!P0 LDG.E.128 R4, desc[UR4][R2.64] ;`.
    pub(crate) fn read(text: &str) -> Self {
        let mut counts = BTreeMap::new();
        for line in text.lines() {
            let Some((offset, rest)) =
                line.trim_start().strip_prefix("/*").and_then(|line| line.split_once("*/"))
            else {
                continue;
            };
            let name = rest.split_whitespace().find(|word| !word.starts_with('@'));
            let (true, Some(name)) = (is_offset(offset), name) else { continue };
            let name = name.split(';').next().unwrap_or(name);
            *counts.entry(name.to_owned()).or_default() += 1;
        }
        Self { counts }
    }

    /// How often one instruction occurs; modifiers after its name are asked for in any order: `LDG.128`.
    pub(crate) fn count(&self, name: &str) -> usize {
        let is_wanted = |found: &str| {
            let found: Vec<&str> = found.split('.').collect();
            let (base, modifiers) = name.split_once('.').unwrap_or((name, ""));
            let has = |modifier: &str| modifier.is_empty() || found[1..].contains(&modifier);
            found[0] == base && modifiers.split('.').all(has)
        };
        self.counts.iter().filter(|(found, _)| is_wanted(found)).map(|(_, count)| count).sum()
    }

    /// Size of all instructions in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.counts.values().sum::<usize>() * INSTRUCTION
    }
}

fn is_offset(word: &str) -> bool {
    word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_counted_by_their_names() {
        let text = "\
.text.normalize:
        /*0000*/                   LDC R1, c[0x0][0x37c] ;
        /*0010*/              @!P0 LDG.E.128 R4, desc[UR4][R2.64] ;
        /*0020*/              @P1  EXIT ;
        /*0030*/                   LDG.E R5, desc[UR4][R2.64+0x4] ;
.L_x_1:
        /*0040*/                   BRA `(.L_x_1);
\t//-------------------------------------------------------------------------
        /* comment */
";
        let found = Instructions::read(text);
        assert_eq!((found.count("LDG"), found.count("EXIT"), found.count("STL")), (2, 1, 0));
        assert_eq!((found.count("LDG.128"), found.count("LDG.64"), found.count("LDG.E")), (1, 0, 2));
        assert_eq!(found.bytes(), 5 * 16);
    }
}
