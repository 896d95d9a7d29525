//! The files beside the pages, and the folder that they are written to.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{SiteError, SiteKind};
use crate::assets;

/// The list of a site's files: a service worker reads it, and the next writing of the same site.
const LIST: &str = "contents.json";
/// What begins so belongs to sites that are opened as files.
const SINGLE: &str = "single-";
/// What such a site brings along in one script, under the names that the page's scripts use.
const INSIDE: [(&str, &str); 3] =
    [("module", "tab/tab.wasm"), ("flash", "tab/flash.bin"), ("symbols", "tab/symbols.elf")];
const WORKERS: [(&str, &str); 2] = [("worker", "single-tab-worker.js"), ("jobWorker", "single-tab-job-worker.js")];

#[derive(Debug, Serialize, Deserialize)]
struct List {
    /// Tells two sites with other contents apart.
    version: String,
    files: Vec<String>,
}

/// Adds to the pages what they need.
pub(super) fn add(written: &mut BTreeMap<String, Vec<u8>>, kind: SiteKind, lessons: &[u8]) -> Result<(), SiteError> {
    match kind {
        SiteKind::Folder => {
            for (name, content) in assets::all().filter(|(name, _)| !name.starts_with(SINGLE)) {
                written.insert(format!("assets/{name}"), content.to_vec());
            }
            written.insert("assets/lessons.json".into(), lessons.to_vec());
            let icon = json!([{ "src": "assets/mark.svg", "sizes": "any", "type": "image/svg+xml" }]);
            let manifest = json!({ "name": "ISR Lab", "short_name": "ISR Lab", "start_url": "index.html", "display": "standalone", "icons": icon });
            written.insert("manifest.webmanifest".into(), manifest.to_string().into_bytes());
            // A browser looks for a new version in this file alone.
            let script = [format!("// {}\n", version(written)).as_bytes(), asset("site-sw.js")?].concat();
            written.insert("sw.js".into(), script);
        }
        SiteKind::Single => {
            for name in ["style.css", "pages.css", "no-script.css", "mark.svg", "single-bench.js", "single-course.js"] {
                written.insert(format!("assets/{name}"), asset(name)?.to_vec());
            }
            written.insert("assets/board.js".into(), inside(lessons)?.into_bytes());
        }
    }
    let list = List { version: version(written), files: written.keys().cloned().collect() };
    written.insert(LIST.into(), json!(list).to_string().into_bytes());
    Ok(())
}

/// Workers, board and lessons as one script.
fn inside(lessons: &[u8]) -> Result<String, SiteError> {
    let mut files = serde_json::Map::new();
    for (name, file) in INSIDE {
        files.insert(name.into(), packed(asset(file)?).into());
    }
    files.insert("lessons".into(), packed(lessons).into());
    let mut workers = serde_json::Map::new();
    for (name, file) in WORKERS {
        workers.insert(name.into(), String::from_utf8_lossy(asset(file)?).into());
    }
    Ok(format!("globalThis.isrlabInside = {};\n", json!({ "workers": workers, "files": files })))
}

/// Base64 of gzip.
fn packed(content: &[u8]) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let gzip = encoder.write_all(content).and_then(|()| encoder.finish()).unwrap_or_default();
    BASE64.encode(gzip)
}

fn asset(name: &str) -> Result<&'static [u8], SiteError> {
    assets::bytes(name).ok_or_else(|| SiteError::AssetMissing(name.to_owned()))
}

/// A name for these contents.
fn version(written: &BTreeMap<String, Vec<u8>>) -> String {
    let mut sum = Sha256::new();
    for (name, content) in written {
        sum.update(name);
        sum.update([0]);
        sum.update(Sha256::digest(content));
    }
    sum.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the folder is empty, not there, or holds an earlier site.
pub(super) fn may_write(out: &Path) -> Result<(), SiteError> {
    let mut entries = match std::fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(SiteError::File { path: out.to_owned(), source }),
    };
    if entries.next().is_none() || earlier(out).is_some() { Ok(()) } else { Err(SiteError::NotOurs(out.to_owned())) }
}

/// The list of the site that is there.
fn earlier(out: &Path) -> Option<List> {
    serde_json::from_slice(&std::fs::read(out.join(LIST)).ok()?).ok()
}

/// Writes all files, and removes those of an earlier site that are no longer among them.
pub(super) fn put(out: &Path, written: &BTreeMap<String, Vec<u8>>) -> Result<(), SiteError> {
    let ours = |name: &String| !name.split('/').any(|part| part == ".." || part.is_empty());
    for name in earlier(out).into_iter().flat_map(|list| list.files).filter(ours) {
        if !written.contains_key(&name) {
            // Whoever removed it already has done the work.
            _ = std::fs::remove_file(out.join(name));
        }
    }
    for (name, content) in written {
        let path = out.join(name);
        let folder = path.parent().unwrap_or(out);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, content))
            .map_err(|source| SiteError::File { path: path.clone(), source })?;
    }
    Ok(())
}
