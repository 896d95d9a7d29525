//! Which files have gone to which boards: one line of JSON for each, in the data folder.
//!
//! Lines are only appended, so that the command line and the workbench may remember at the same time.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use workbench::flashing::Report;

/// The file in the data folder.
const FILE: &str = "flashed.jsonl";
/// How much of the file's end is read: some thousand entries.
const READ_BYTES: usize = 1 << 20;

/// One file that went to one board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in seconds since 1970.
    pub at: u64,
    /// The chip, as espflash names it.
    pub chip: String,
    /// The chip's MAC address, where it may be read: the board.
    pub mac: Option<String>,
    /// The file's name.
    pub name: String,
    /// SHA-256 of its contents, in hexadecimal.
    pub sha256: String,
}

impl Entry {
    /// The date and time, as `2026-11-21 14:03 UTC`.
    #[must_use]
    pub fn date(&self) -> String {
        let (days, minutes) = (self.at / 86_400, self.at % 86_400 / 60);
        let (year, month, day) = civil(days);
        format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
    }
}

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar: counted in years that begin in March, so that
/// the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// What is known of a file that is flashed now, from earlier times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// The same file went to the same board.
    SameBoard(Entry),
    /// The same file went to another board.
    OtherBoard(Entry),
    /// A file of this name had other contents.
    OtherContents(Entry),
}

impl Known {
    /// It as a sentence, for a terminal.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::SameBoard(entry) => format!("{} is the file that this board got on {}", entry.name, entry.date()),
            Self::OtherBoard(entry) => format!("{} is the file that another board got on {}", entry.name, entry.date()),
            Self::OtherContents(entry) => {
                format!("the {} that was flashed on {} had other contents", entry.name, entry.date())
            }
        }
    }
}

/// The memory of a data folder.
#[derive(Clone, Debug)]
pub struct History {
    path: PathBuf,
}

impl History {
    /// The memory in this folder, which need not exist yet.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join(FILE) }
    }

    /// What was flashed, the oldest first. Lines that cannot be read are left out.
    ///
    /// # Errors
    /// The system's, if there is such a file but it cannot be read.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let end = &bytes[bytes.len().saturating_sub(READ_BYTES)..];
        Ok(end.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// What is known of the files that a job has just written.
    ///
    /// # Errors
    /// As [`entries`](Self::entries).
    pub fn known(&self, report: &Report) -> io::Result<Vec<Known>> {
        let entries = self.entries()?;
        let newest = |wanted: &dyn Fn(&Entry) -> bool| entries.iter().rev().find(|entry| wanted(entry)).cloned();
        let mut known = Vec::new();
        for (name, sha256) in &report.sha256 {
            let same = |entry: &Entry| entry.sha256 == *sha256;
            let here = |entry: &Entry| report.mac_address.is_some() && entry.mac == report.mac_address;
            known.extend(
                newest(&|entry| same(entry) && here(entry))
                    .map(Known::SameBoard)
                    .or_else(|| newest(&same).map(Known::OtherBoard))
                    .or_else(|| newest(&|entry| entry.name == *name).map(Known::OtherContents)),
            );
        }
        Ok(known)
    }

    /// Remembers what a job has written, or found to be there.
    ///
    /// # Errors
    /// The system's, if the folder cannot be made or the file not written.
    pub fn add(&self, report: &Report) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut lines = Vec::new();
        for (name, sha256) in &report.sha256 {
            let (chip, mac) = (report.chip.clone(), report.mac_address.clone());
            let entry = Entry { at, chip, mac, name: name.clone(), sha256: sha256.clone() };
            serde_json::to_writer(&mut lines, &entry)?;
            lines.push(b'\n');
        }
        // In one piece, so that a line of somebody else's never comes in between.
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        file.write_all(&lines)?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(mac: &str, name: &str, sha256: &str) -> Report {
        Report {
            chip: "esp32".to_owned(),
            mac_address: Some(mac.to_owned()),
            flash_bytes: 4 << 20,
            written_bytes: 0,
            baud: 921_600,
            sha256: vec![(name.to_owned(), sha256.to_owned())],
        }
    }

    #[test]
    fn a_file_is_known_again_by_its_contents_on_its_board_and_on_another() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::in_folder(&folder.path().join("not made yet"));
        let [first, other_board, altered] =
            [report("aa", "mp.bin", "11"), report("bb", "renamed.bin", "11"), report("aa", "mp.bin", "22")];
        assert_eq!(history.known(&first).unwrap(), []);
        history.add(&first).unwrap();
        let known = |report: &Report| history.known(report).unwrap();
        assert!(matches!(&known(&first)[..], [Known::SameBoard(entry)] if entry.name == "mp.bin"));
        assert!(matches!(&known(&other_board)[..], [Known::OtherBoard(_)]));
        assert!(matches!(&known(&altered)[..], [Known::OtherContents(_)]));
        assert!(known(&altered)[0].told().starts_with("the mp.bin that was flashed on 20"));
    }

    #[test]
    fn a_damaged_line_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::in_folder(folder.path());
        history.add(&report("aa", "mp.bin", "11")).unwrap();
        fs::OpenOptions::new().append(true).open(folder.path().join(FILE)).unwrap().write_all(b"{half\n\n").unwrap();
        history.add(&report("aa", "mp.bin", "22")).unwrap();
        assert_eq!(history.entries().unwrap().len(), 2);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let date = |at| Entry { at, chip: String::new(), mac: None, name: String::new(), sha256: String::new() }.date();
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_795_269_780), "2026-11-21 14:03 UTC");
    }
}
