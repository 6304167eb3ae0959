//! The binary's verbs, one file each.
