//! [`Files`]: the opened files of a model, with the names that messages use and the vectors that are read whole.

use std::path::Path;

use internlm_model::weights::StoredModel;
use internlm_model::weights::names::{Parts, parts};
use internlm_model::weights::qkv::{Heads, RowOrder};

/// The opened files of a model and the path that they were opened with.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) model: &'a StoredModel,
    pub(super) path: &'a Path,
}

/// Where the outputs of q, k or v are stored.
pub(super) struct QkvRows {
    pub(super) tensor: String,
    /// The tensor's row of each output, heads in order, rotary pairs half a head apart.
    pub(super) rows: Vec<u32>,
}

impl Files<'_> {
    /// Names a tensor in a message. Where the model has several files, the tensor's one is named too; the path of the
    /// model itself is part of every message anyway.
    pub(super) fn place(self, tensor: &str) -> String {
        let file = self.model.source.file(tensor);
        match file.file_name() {
            Some(name) if file != self.path => format!("{}: tensor {tensor}", name.display()),
            _ => format!("tensor {tensor}"),
        }
    }

    /// The rows of q, k and v.
    pub(super) fn qkv_rows(self, name: &str) -> [QkvRows; 3] {
        let heads = Heads::of(&self.model.config, self.model.order);
        match parts(name, self.model.style) {
            Some(Parts::Qkv(names)) => {
                let mut found = names.map(|tensor| QkvRows { tensor, rows: Vec::new() });
                // The packing visits the heads of each part in order.
                for (part, row) in heads.packing() {
                    found[part].rows.push(row as u32);
                }
                found
            }
            // One packed tensor: its rows are visited in the order of the parts, which the packing gives.
            other => {
                let packed = other.map_or_else(|| name.to_owned(), |parts| parts.first().to_owned());
                let mut found = [0, 1, 2].map(|_| QkvRows { tensor: packed.clone(), rows: Vec::new() });
                let heads = Heads { order: RowOrder::HalfSplit, ..heads };
                for (place, (part, _)) in heads.packing().enumerate() {
                    found[part].rows.push(place as u32);
                }
                found
            }
        }
    }

    /// Reads a bias or norm by its InternLM2 name.
    pub(super) fn vector(self, name: &str, length: usize, problems: &mut Vec<String>) -> Vec<f32> {
        let stored = match parts(name, self.model.style) {
            Some(Parts::One(stored)) => stored,
            _ => name.to_owned(),
        };
        let values = self.read_vector(&stored, problems);
        if !values.is_empty() && values.len() != length {
            problems.push(format!("tensor {stored}: found {} values, expected {length}", values.len()));
        }
        values
    }

    /// Reads the biases of q, k and v in the order of their rows.
    pub(super) fn qkv_bias(self, name: &str, problems: &mut Vec<String>) -> [Vec<f32>; 3] {
        self.qkv_rows(name).map(|QkvRows { tensor, rows }| {
            let all = self.read_vector(&tensor, problems);
            rows.iter().map(|row| all.get(*row as usize).copied().unwrap_or_default()).collect()
        })
    }

    fn read_vector(self, stored: &str, problems: &mut Vec<String>) -> Vec<f32> {
        match self.model.source.read_f32(stored) {
            Ok(values) => {
                if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                    problems.push(format!(
                        "tensor {stored}: value {index}: found {}, expected a finite number",
                        values[index]
                    ));
                }
                values
            }
            Err(error) => {
                match error {
                    // The message of the model names its path already.
                    internlm_model::Error::Weights { problems: mut found, .. } => problems.append(&mut found),
                    error => problems.push(error.to_string()),
                }
                Vec::new()
            }
        }
    }
}
