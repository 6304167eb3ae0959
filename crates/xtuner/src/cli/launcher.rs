//! [`Launcher`]: what started the process, and the variables by which launchers describe a run of many processes.
//!
//! A run is one process that uses all cores of a machine. A launcher that starts several would train the same model
//! several times into one folder, so every description of more than one process is refused by name.

use std::collections::BTreeMap;

use clap::ValueEnum;

use crate::{Error, Result};

/// What started the process.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Launcher {
    /// A shell.
    None,
    /// `mpirun` or `mpiexec`.
    Mpi,
    /// `srun`.
    Slurm,
}

/// Numbers of processes and machines that have to be 1, by launcher; those of a shell hold for all.
const COUNTS: [(Launcher, &[&str]); 3] = [
    (Launcher::None, &["NPROC_PER_NODE", "NNODES"]),
    (Launcher::Mpi, &["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"]),
    (Launcher::Slurm, &["SLURM_NTASKS", "SLURM_NNODES"]),
];
/// The number of this machine, which has to be 0.
const RANK: &str = "NODE_RANK";
/// Where processes meet: not needed by one process, but a user who sets them may not expect one.
const MEETING: [&str; 2] = ["ADDR", "PORT"];

impl Launcher {
    /// Checks that `variables` describe one process.
    pub(super) fn check(self, variables: &BTreeMap<String, String>) -> Result<()> {
        let of = |launcher: Launcher| launcher == Self::None || launcher == self;
        let counts = COUNTS.iter().filter(|(launcher, _)| of(*launcher)).flat_map(|(_, names)| names.iter());
        let expected = counts.map(|name| (*name, "1")).chain([(RANK, "0")]);
        for (name, expected) in expected {
            let Some(found) = variables.get(name).map(|found| found.trim()) else { continue };
            if found != expected {
                let expected =
                    format!("{expected}: a run is one process, which uses all cores of the machine");
                return Err(Error::mismatch(name, format!("`{found}`"), expected));
            }
        }
        let unused = MEETING.iter().filter(|name| variables.contains_key(**name));
        for name in unused {
            tracing::info!("{name} is not used: the run is one process");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_one_process_is_refused_by_name() {
        let check = |launcher: Launcher, variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            launcher.check(&variables.collect()).map_err(|error| error.to_string())
        };
        let one = [("NPROC_PER_NODE", "1"), ("NNODES", "1"), ("NODE_RANK", "0"), ("PORT", "29500")];
        for launcher in [Launcher::None, Launcher::Mpi, Launcher::Slurm] {
            assert_eq!(check(launcher, &one), Ok(()));
            let refused = check(launcher, &[("NPROC_PER_NODE", "8")]).expect_err("eight processes");
            assert!(refused.starts_with("NPROC_PER_NODE: found `8`, expected 1"), "{refused}");
        }
        assert!(check(Launcher::None, &[("NODE_RANK", "1")]).is_err());
        assert_eq!(
            check(Launcher::None, &[("SLURM_NTASKS", "4")]),
            Ok(()),
            "a job of which this is one step"
        );
        assert!(check(Launcher::Slurm, &[("SLURM_NTASKS", "4")]).is_err());
        assert!(check(Launcher::Mpi, &[("OMPI_COMM_WORLD_SIZE", "2")]).is_err());
    }
}
