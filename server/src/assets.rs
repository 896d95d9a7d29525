//! The built files of the page: style sheet, scripts, icon. Carried by the binary.
//!
//! Each is compressed once, when it is first asked for, and addressed with a hash of its contents, so
//! that a browser may keep it for good. The board for the learner's tab is among them, in `tab/`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::sync::{LazyLock, OnceLock};

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

use crate::app::AppState;
use crate::error::Problem;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../web/dist"]
#[allow_missing = true]
struct Embedded;

/// One file, ready to be sent.
struct Asset {
    plain: Cow<'static, [u8]>,
    /// Made when it is first wanted: the board for a tab takes a moment that no other page waits for.
    gzip: OnceLock<Vec<u8>>,
    media_type: &'static str,
    hash: String,
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    Embedded::iter()
        .filter_map(|name| {
            let plain = Embedded::get(&name)?.data;
            Some((name.to_string(), Asset::new(&name, plain)))
        })
        .collect()
});

impl Asset {
    fn new(name: &str, plain: Cow<'static, [u8]>) -> Self {
        let mut hasher = DefaultHasher::new();
        plain.hash(&mut hasher);
        let media_type = match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("txt") => "text/plain; charset=utf-8",
            Some("wasm") => "application/wasm",
            _ => "application/octet-stream",
        };
        Self { plain, gzip: OnceLock::new(), media_type, hash: format!("{:016x}", hasher.finish()) }
    }

    fn gzip(&self) -> &[u8] {
        self.gzip.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            // Writing to memory does not fail; if it did, the empty copy would not be sent.
            encoder.write_all(&self.plain).and_then(|()| encoder.finish()).unwrap_or_default()
        })
    }
}

/// The address of a built file; it changes with the file's contents.
#[must_use]
pub fn address(name: &str) -> String {
    match ASSETS.get(name) {
        Some(asset) => format!("/assets/{name}?v={}", &asset.hash[..8]),
        None => format!("/assets/{name}"),
    }
}

/// The contents of a built file.
#[must_use]
pub fn bytes(name: &str) -> Option<&'static [u8]> {
    ASSETS.get(name).map(|asset| &*asset.plain)
}

/// Every built file: its name and its contents.
pub fn all() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    ASSETS.iter().map(|(name, asset)| (&name[..], &*asset.plain))
}

/// The route of the built files.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/assets/{*name}", get(asset))
}

async fn asset(Path(name): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response, Problem> {
    let asset = ASSETS.get(&name).ok_or(Problem::PageUnknown)?;
    let takes_gzip = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|coding| coding.trim().split(';').next() == Some("gzip")));
    let compressed = if takes_gzip {
        // Compressing the board takes longer than others should wait for this thread.
        tokio::task::spawn_blocking(|| asset.gzip()).await.unwrap_or_default()
    } else {
        &[]
    };
    let gzip = !compressed.is_empty() && compressed.len() < asset.plain.len();
    let body: &'static [u8] = if gzip { compressed } else { &asset.plain };
    let mut response = body.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    // Pieces carry a hash in their name, entry files in the address that a page gives them.
    let for_good = query.is_some() || name.contains('-');
    answer.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(if for_good { "public, max-age=31536000, immutable" } else { "no-cache" }),
    );
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if gzip {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
