//! Addresses of served pages, turned into those of files that lie beside each other.

use super::pages::Pages;
use super::{SiteKind, folder};
use crate::assets;
use course::Language;

/// What begins so needs the program: it is on no site.
/// The answer key is the class host's, and a site is everybody's.
const NEEDS_PROGRAM: [&str; 9] =
    ["/api", "/assets", "/class", "/events", "/host", "/join", "/teachers/key", "/workshop", "/~"];
/// The page that says that the program is needed.
const BOARDS: &str = "/boards";
/// Files of the site itself, at its root.
const ROOT_FILES: [&str; 2] = ["/manifest.webmanifest", "/sw.js"];
/// The lessons' files, as a served page names them and as they lie on the site.
const LESSONS: (&str, &str) = ("/api/lessons", "assets/lessons.json");
/// The script of pages that have none of their own on a site.
const COMMON_SCRIPT: &str = "course";

/// A page on its way to its file.
pub(super) struct Place<'p> {
    pub(super) file: String,
    pub(super) language: Language,
    pub(super) pages: &'p Pages,
    pub(super) kind: SiteKind,
}

/// The file of a page.
pub(super) fn file(path: &str, language: Language) -> String {
    let name = path.trim_matches('/');
    format!("{}{}.html", folder(language), if name.is_empty() { "index" } else { name })
}

/// Whether a page of this path can be a file.
pub(super) fn is_on_a_site(path: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '/' | '-' | '_');
    path.chars().all(plain) && !path.contains("//") && !NEEDS_PROGRAM.iter().any(|begin| path.starts_with(begin))
}

/// The paths that a page's links lead to, without what follows them.
pub(super) fn targets(html: &str) -> impl Iterator<Item = &str> {
    html.split("href=\"/").skip(1).filter_map(|rest| {
        let target = rest.split('"').next()?;
        let path = target.split(['#', '?']).next()?;
        // The slash that was split off stands before it.
        let begin = path.as_ptr() as usize - html.as_ptr() as usize - 1;
        html.get(begin..=begin + path.len())
    })
}

/// The page with its scripts and addresses as they are on the site.
pub(super) fn rewritten(html: &str, place: &Place<'_>) -> String {
    let html = with_scripts(html, place.kind);
    let mut written = String::with_capacity(html.len());
    let mut rest = &html[..];
    while let Some(at) = rest.find("\"/") {
        let (before, quoted) = rest.split_at(at + 1);
        let end = quoted.find('"').unwrap_or(quoted.len());
        let address = &quoted[..end];
        let is_attribute = ["href=\"", "src=\""].iter().any(|name| before.ends_with(name));
        written.push_str(before);
        match place.translated(address, is_attribute) {
            Some(translated) => written.push_str(&translated),
            None => written.push_str(address),
        }
        rest = &quoted[end..];
    }
    written.push_str(rest);
    written
}

impl Place<'_> {
    /// The address from this page; `None`: it is none of the site's.
    fn translated(&self, address: &str, is_attribute: bool) -> Option<String> {
        let up = "../".repeat(self.file.matches('/').count());
        if let Some(asset) = address.strip_prefix("/assets/") {
            // A file's version means something to web servers only.
            let name = if self.kind == SiteKind::Single { asset.split('?').next()? } else { asset };
            return Some(format!("{up}assets/{name}"));
        }
        if address == LESSONS.0 {
            return Some(up + LESSONS.1);
        }
        if ROOT_FILES.contains(&address) {
            return Some(up + address.trim_start_matches('/'));
        }
        if !is_attribute {
            return None;
        }
        let (path, fragment) = address.split_at(address.find('#').unwrap_or(address.len()));
        // The same page in another language: `/~ja/boards`.
        if let Some((tag, path)) = path.strip_prefix("/~").and_then(|path| path.split_once('/')) {
            return Some(up + &file(path, Language::from_tag(tag)?));
        }
        let there = self.pages.get(path).is_some_and(Option::is_some);
        let (path, fragment) = if there { (path, fragment) } else { (BOARDS, "") };
        Some(up + &file(path, self.language) + fragment)
    }
}

/// The site's own entry script in the place of each page's.
fn with_scripts(html: &str, kind: SiteKind) -> String {
    const BEGIN: &str = "<script type=\"module\" src=\"/assets/";
    const END: &str = "\"></script>";
    let mut written = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let Some((address, after)) = after.split_once(END) else { break };
        let name = address.split('.').next().unwrap_or_default();
        let name = if assets::bytes(&format!("site-{name}.js")).is_some() { name } else { COMMON_SCRIPT };
        written.push_str(before);
        written.push_str(&match kind {
            SiteKind::Folder => {
                format!(r#"<script type="module" src="{}"></script>"#, assets::address(&format!("site-{name}.js")))
            }
            SiteKind::Single => {
                format!(r#"<script defer src="{}"></script>"#, assets::address(&format!("single-{name}.js")))
            }
        });
        rest = after;
    }
    written.push_str(rest);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        ["/", "/boards", "/lessons/one"].map(|path| (path.to_owned(), Some(String::new()))).into_iter().collect()
    }

    #[track_caller]
    fn check(path: &str, kind: SiteKind, html: &str, expected: &str) {
        let place = Place { file: file(path, Language::Ja), language: Language::Ja, pages: &pages(), kind };
        assert_eq!(rewritten(html, &place), expected);
    }

    #[test]
    fn links_lead_from_file_to_file() {
        let folder = SiteKind::Folder;
        check("/", folder, r#"<a href="/">"#, r#"<a href="../ja/index.html">"#);
        check("/lessons/one", folder, r#"<a href="/">"#, r#"<a href="../../ja/index.html">"#);
        check("/", folder, r##"<a href="/lessons/one#explorer">"##, r##"<a href="../ja/lessons/one.html#explorer">"##);
        check("/", folder, r#"<a href="/~en/lessons/one">"#, r#"<a href="../lessons/one.html">"#);
        check(
            "/",
            folder,
            r#"<a href="/class#x"><a href="/lessons/two">"#,
            r#"<a href="../ja/boards.html"><a href="../ja/boards.html">"#,
        );
        check("/", folder, r##"<a href="#main" title="/">"##, r##"<a href="#main" title="/">"##);
    }

    #[test]
    fn files_lie_below_the_root() {
        check("/", SiteKind::Folder, r#"<img src="/assets/a.svg?v=1">"#, r#"<img src="../assets/a.svg?v=1">"#);
        check("/", SiteKind::Single, r#"<img src="/assets/a.svg?v=1">"#, r#"<img src="../assets/a.svg">"#);
        check(
            "/lessons/one",
            SiteKind::Folder,
            r#"{"flash":"/assets/f","lessons":"/api/lessons","text":"/","sw":"/sw.js"}"#,
            r#"{"flash":"../../assets/f","lessons":"../../assets/lessons.json","text":"/","sw":"../../sw.js"}"#,
        );
        check("/", SiteKind::Folder, r#"an end without a quote: "/"#, r#"an end without a quote: "/"#);
    }

    #[test]
    fn what_leads_out_of_the_course_is_no_page() {
        let html = r##"<a href="/boards"> <a href="/lessons/one#x"> <a href="#main"> <a href="https://elsewhere/"> <a href="/">"##;
        assert_eq!(targets(html).collect::<Vec<_>>(), ["/boards", "/lessons/one", "/"]);
        for (path, on_a_site) in [
            ("/", true),
            ("/lessons/a-b", true),
            ("/host/x", false),
            ("/class", false),
            ("/workshop", false),
            ("/..", false),
            ("//x", false),
            ("/a.b", false),
        ] {
            assert_eq!(is_on_a_site(path), on_a_site, "{path}");
        }
    }
}
