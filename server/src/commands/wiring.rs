//! `--wiring FILE`, and what `isrlab run` writes of the pins: `--vcd FILE`, `--trace FILE`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use parts::{Draft, Wiring};

use super::out::{failure, language};
use course::words::wiring as wiring_words;
use ports::folder;
use workbench::emulated::EmulatedLine;

/// The largest wiring that is read, in bytes.
const WIRING_MAX_BYTES: usize = 256 * 1024;
/// Changes of the pins that are written; of a longer run the last ones.
const CHANGES: usize = 1 << 20;

/// What is on the pins.
#[derive(Debug, Args)]
pub(super) struct WiringOption {
    /// What is on the pins, as TOML or JSON, in the place of the lesson's own.
    #[arg(long, value_name = "FILE")]
    wiring: Option<PathBuf>,
}

impl WiringOption {
    /// The wiring of the file, if one is named.
    pub(super) fn read(&self) -> anyhow::Result<Option<Arc<Wiring>>> {
        self.wiring.as_deref().map(|file| read(file).map(Arc::new)).transpose()
    }
}

/// The wiring in a file; every mistake is told with its place.
fn read(file: &Path) -> anyhow::Result<Wiring> {
    let name = file.display();
    let cannot = |en: &str, ja: &str| {
        failure(format!("the wiring {name} cannot be read: {en}"), format!("配線 {name} を読み取れません: {ja}"))
    };
    let bytes =
        folder::read_at_most(file, WIRING_MAX_BYTES).map_err(|error| cannot(&error.to_string(), &error.to_string()))?;
    let Some(bytes) = bytes else {
        let most = WIRING_MAX_BYTES / 1024;
        return Err(cannot(&format!("it has more than {most} KB"), &format!("{most} KB を超えています。")));
    };
    let text =
        String::from_utf8(bytes).map_err(|_| cannot("it is not text in UTF-8", "UTF-8 のテキストではありません。"))?;
    let draft: Result<Draft, String> = if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        toml::from_str(&text).map_err(|error| error.to_string())
    };
    let draft = draft.map_err(|error| cannot(&error, &error))?;
    draft.check().map_err(|mistakes| {
        let language = language();
        let lines = mistakes.0.iter().map(|mistake| {
            let place = wiring_words::place(&wiring_words::place_of(mistake), language);
            format!("{name}, {place}: {} [{}]", wiring_words::mistake(mistake, language), mistake.code())
        });
        let lines = lines.collect::<Vec<_>>().join("\n");
        anyhow::anyhow!("{lines}")
    })
}

/// Files for the pins over time.
#[derive(Debug, Args)]
pub(super) struct RecordOptions {
    /// Writes the pins over time as a value change dump, which PulseView, sigrok-cli and GTKWave open.
    #[arg(long, value_name = "FILE")]
    vcd: Option<PathBuf>,
    /// Writes the pins over time as a trace, which Perfetto opens.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

impl RecordOptions {
    /// How many changes of the pins are to be kept; none where no file is asked for.
    pub(super) fn changes(&self) -> Option<usize> {
        (self.vcd.is_some() || self.trace.is_some()).then_some(CHANGES)
    }

    /// Refuses files that a board at a cable cannot fill.
    pub(super) fn refuse_at_a_cable(&self, wiring: &WiringOption) -> anyhow::Result<()> {
        if self.changes().is_some() || wiring.wiring.is_some() {
            return Err(failure(
                "`--wiring`, `--vcd` and `--trace` are for the virtual board; connect real parts to a board at a cable",
                "`--wiring`、`--vcd`、`--trace` は仮想ボード用です。ケーブルのボードには実物の部品を接続してください。",
            ));
        }
        Ok(())
    }

    /// Writes what was recorded on a board. `origin` says what ran.
    pub(super) fn write(&self, line: &EmulatedLine, origin: &str) -> anyhow::Result<()> {
        let files = [(&self.vcd, EmulatedLine::vcd as fn(&_, &_) -> _), (&self.trace, EmulatedLine::perfetto)];
        for (file, text) in files {
            let Some(file) = file else { continue };
            let Some(text) = text(line, origin) else { continue };
            std::fs::write(file, text).map_err(|error| {
                let name = file.display();
                failure(format!("cannot write {name}: {error}"), format!("{name} に書き込めません: {error}"))
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wiring_is_read_from_toml_and_json_and_mistakes_have_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            read(&path).map_err(|error| error.to_string())
        };
        let toml = file("a.toml", "[[parts]]\nkind = 'led'\nname = 'l'\npins = { anode = 4 }\n").unwrap();
        let json = file("a.json", r#"{"parts":[{"kind":"led","name":"l","pins":{"anode":4}}]}"#).unwrap();
        assert_eq!((toml.parts().len(), &toml), (1, &json));
        let told = file("b.toml", "[[parts]]\nkind = 'led'\nname = 'l'\npins = { anode = 12 }\n").unwrap_err();
        assert!(told.contains("b.toml, part `l`") || told.contains("b.toml, 部品 `l`"), "{told}");
        assert!(told.ends_with("[E-WIRE-RESERVED]"), "{told}");
        assert!(file("c.toml", "[[parts]\n").is_err() && read(&folder.path().join("none")).is_err());
    }
}
