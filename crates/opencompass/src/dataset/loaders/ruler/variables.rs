//! `ruler_vt`: a chain of variables, each assigned from the one before, in a repeated text (`RulerVtDataset`).

use std::collections::HashSet;

use serde_json::json;

use super::search::{SEED, Sample, Task, Unfit};
use crate::prompt::python_str;
use crate::random::{Mersenne, PythonRandom};

const TEMPLATE: &str = "Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n{context}\n\
    Question: Find all variables that are assigned the value {query} in the text above. Answer: According to the chain(s) of \
    variable assignment in the text above, {num_v} variables are assigned the value {query}, they are: ";

const NOISE: &str =
    "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.\n";

/// Letters of a variable's name.
const LETTERS: usize = 5;

/// The task with its random numbers, which come from Python and NumPy.
#[derive(Clone)]
pub(super) struct Variables {
    chains: usize,
    hops: usize,
    random: PythonRandom,
    numpy: Mersenne,
}

impl Variables {
    /// Starts with upstream's seed.
    pub(super) fn new(chains: usize, hops: usize) -> Self {
        Self { chains, hops, random: PythonRandom::new(SEED), numpy: Mersenne::new(SEED as u32) }
    }

    fn name(&mut self) -> String {
        (0..LETTERS).map(|_| char::from(b'A' + self.random.index(26) as u8)).collect()
    }

    /// Draws the names of all chains. If two are equal, upstream draws further ones, takes them for another chain and
    /// fails there.
    fn names(&mut self) -> Result<Vec<String>, Unfit> {
        let wanted = self.chains * (self.hops + 1);
        let mut names: Vec<String> = (0..wanted).map(|_| self.name()).collect();
        while names.iter().collect::<HashSet<_>>().len() < wanted {
            let name = self.name();
            names.push(name);
        }
        if names.len() > wanted {
            names.chunks(self.hops + 1).for_each(|_| drop(self.value()));
            return Err(Unfit::Size);
        }
        Ok(names)
    }

    fn value(&mut self) -> String {
        (10_000 + self.numpy.numpy_below(89_999)).to_string()
    }

    /// Draws the value of a chain and writes its assignments.
    fn assignments(&mut self, names: &[String]) -> (String, Vec<String>) {
        let value = self.value();
        let first = names.iter().take(1).map(|name| format!("VAR {name} = {value}"));
        let others = names.windows(2).map(|pair| format!("VAR {} = VAR {} ", pair[1], pair[0]));
        let assignments = first.chain(others).collect();
        (value, assignments)
    }
}

impl Task for Variables {
    fn example(&mut self, _index: usize, size: usize) -> Result<Sample, Unfit> {
        let names = self.names()?;
        let chains: Vec<(String, Vec<String>)> =
            names.chunks(self.hops + 1).map(|names| self.assignments(names)).collect();
        let mut sentences = vec![NOISE; size];
        // Upstream cuts the texts and then the chains; with steps of ten this happens only without any text.
        if size <= self.hops + 1 {
            return Err(Unfit::Size);
        }
        for (_, chain) in &chains {
            let places: Vec<usize> = (0..sentences.len()).collect();
            let mut places = self.random.sample(&places, chain.len()).ok_or(Unfit::Size)?;
            places.sort_unstable();
            for (added, (place, assignment)) in places.into_iter().zip(chain).enumerate() {
                sentences.insert(place + added, assignment);
            }
        }
        let context = sentences.join(" ").replace(". \n", ".\n");
        let value = chains.first().map_or("", |(value, _)| value.as_str());
        let answer: Vec<String> = names.into_iter().take(self.hops + 1).collect();
        let template = TEMPLATE.replace("{query}", value).replace("{num_v}", &answer.len().to_string());
        let closing = format!(" {}", python_str(&json!(answer)));
        Ok(Sample { prompt: template.replace("{context}", &context), answer, closing })
    }
}
