//! The expectation grid: what must come out on the virtual board for which settings, and on which other boards.

use serde::{Deserialize, Serialize};

use crate::relation::Relation;
use crate::settings::Settings;

/// The expectation grid: settings, and what must hold for them on the virtual board.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Length of a run, in seconds of the board's time.
    pub seconds: u32,
    /// Settings of every row, beside the defaults of the controls.
    #[serde(default)]
    pub set: Settings,
    /// What must hold in every row.
    pub holds: Vec<Relation>,
    /// What a board must have for any of its rows, and for the predictions, to come out.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// The rows.
    #[serde(rename = "row")]
    pub rows: Vec<GridRow>,
}

/// One row of the expectation grid.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridRow {
    /// By which the index of sentences names it; unique in its lesson.
    pub id: String,
    /// The settings that make this row.
    pub set: Settings,
    /// What must hold.
    pub holds: Vec<Relation>,
    /// The run ends with a crash of the board; then nothing else is asked of it.
    #[serde(default)]
    pub crashes: bool,
    /// Length of this run in seconds, where it differs.
    #[serde(default)]
    pub seconds: Option<u32>,
    /// What a board must have for this row to come out.
    #[serde(default)]
    pub needs: Vec<Need>,
}

/// What not every board has. Hard interrupts are asked for by the control `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// A compiler to machine code for its chip; official MicroPython has one for RISC-V since 1.24.
    Native,
    /// A console on a serial line, which takes time for each character.
    Serial,
    /// The lesson firmware: what it counts or does cannot be had from a module in Python.
    Firmware,
}

impl Grid {
    /// The settings of a row, without the defaults of the controls.
    #[must_use]
    pub fn settings(&self, row: &GridRow) -> Settings {
        let mut settings = self.set.clone();
        settings.extend(row.set.clone());
        settings
    }
}
