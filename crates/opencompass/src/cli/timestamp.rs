//! The names of run folders: the current time.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use internlm_kit::file::{self, AtPath};

/// Creates the folder of a new run and returns its name: the current time, with a number for further runs of the same
/// second. Two runs never get the same folder.
pub(super) fn new_folder(work_dir: &Path) -> crate::Result<String> {
    file::create_dir_all(work_dir)?;
    let stamp = timestamp();
    let mut name = stamp.clone();
    let mut number = 1;
    loop {
        let path = work_dir.join(&name);
        match std::fs::create_dir(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                number += 1;
                name = format!("{stamp}_{number}");
            }
            created => {
                created.at(&path, "create")?;
                return Ok(name);
            }
        }
    }
}

/// Returns the current time in UTC as `20240326_120000`.
pub(super) fn timestamp() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days as i64);
    format!("{year:04}{month:02}{day:02}_{:02}{:02}{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Computes the date of a day counted from 1970-01-01 (Hinnant's `civil_from_days`).
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_second_have_folders_of_their_own() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let names: std::collections::BTreeSet<String> =
            (0..4).map(|_| new_folder(&folder.path().join("deep")).expect("creates")).collect();
        assert_eq!(names.len(), 4);
        assert!(names.iter().all(|name| folder.path().join("deep").join(name).is_dir()), "{names:?}");
        let error = new_folder(Path::new("/dev/null/runs")).expect_err("cannot be written").to_string();
        assert!(error.contains("/dev/null/runs: cannot "), "{error}");
    }

    #[test]
    fn dates_of_days() {
        for (days, expected) in [(0, (1970, 1, 1)), (19_808, (2024, 3, 26)), (11_016, (2000, 2, 29))] {
            assert_eq!(date(days), expected);
        }
    }
}
