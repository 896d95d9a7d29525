//! The words of the pages in both languages: one file, `web/i18n/catalogue.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::Language;
use crate::text::Text;

/// Sections of the catalogue whose words the scripts need as well.
const FOR_SCRIPTS: [&str; 5] = ["live", "state", "step", "explore", "room"];

static CATALOGUE: LazyLock<BTreeMap<String, BTreeMap<String, Text>>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../web/i18n/catalogue.toml")).expect("a test reads the catalogue")
});

/// The text of a key such as `nav.course`.
///
/// A key that does not exist comes back as it is; a test finds every such key.
#[must_use]
pub fn text(language: Language, key: &'static str) -> &'static str {
    find(key).map_or(key, |text| text.source(language))
}

/// The text of a key with its `{name}` places filled.
#[must_use]
pub fn fill(language: Language, key: &'static str, places: &[(&str, &str)]) -> String {
    filled(text(language, key), places)
}

/// A text with its `{name}` places filled.
#[must_use]
pub fn filled(text: &str, places: &[(&str, impl AsRef<str>)]) -> String {
    places.iter().fold(text.to_owned(), |filled, (name, value)| filled.replace(&format!("{{{name}}}"), value.as_ref()))
}

/// The words that the scripts need, as JSON that is safe inside a `script` element.
#[must_use]
pub fn for_scripts(language: Language) -> String {
    let words: BTreeMap<String, &str> = FOR_SCRIPTS
        .iter()
        .filter_map(|section| Some((section, CATALOGUE.get(*section)?)))
        .flat_map(|(section, texts)| {
            texts.iter().map(move |(key, text)| (format!("{section}.{key}"), text.source(language)))
        })
        .collect();
    script_json(&words)
}

/// A value as JSON that cannot end the `script` element it stands in.
#[must_use]
pub fn script_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value)
        .unwrap_or_else(|_| "{}".to_owned())
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

fn find(key: &str) -> Option<&'static Text> {
    let (section, name) = key.split_once('.')?;
    CATALOGUE.get(section)?.get(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn keys() -> BTreeSet<String> {
        CATALOGUE.iter().flat_map(|(section, texts)| texts.keys().map(move |key| format!("{section}.{key}"))).collect()
    }

    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect()
    }

    #[test]
    fn every_text_is_there_in_both_languages_with_the_same_places() {
        for (section, texts) in CATALOGUE.iter() {
            for (key, text) in texts {
                assert!(!text.en.trim().is_empty(), "{section}.{key} has no English");
                assert!(!text.ja.trim().is_empty(), "{section}.{key} has no Japanese");
                assert_eq!(places(&text.en), places(&text.ja), "{section}.{key}: the places differ");
            }
        }
    }

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
    }

    /// All strings in double quotes of our templates, scripts and sources that look like a key.
    fn used_keys() -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut used = BTreeSet::new();
        let ours = [("server/src", "rs"), ("crates/workbench/src", "rs"), ("crates/course/src", "pages.rs")];
        for (folder, ending) in [("web/templates", "html"), ("web/js", "js")].into_iter().chain(ours) {
            for path in files_below(&root.join(folder)) {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if !name.ends_with(ending) || name.ends_with(".test.js") {
                    continue;
                }
                let source = std::fs::read_to_string(&path).unwrap();
                for quoted in source.split('"').skip(1) {
                    let key = quoted.split_once('.').is_some_and(|(section, key)| {
                        CATALOGUE.contains_key(section)
                            && !key.is_empty()
                            && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                    });
                    // File names and addresses have the same form.
                    if key && !quoted.ends_with(".html") && !quoted.ends_with(".js") {
                        used.insert(quoted.to_owned());
                    }
                }
            }
        }
        used
    }

    #[test]
    fn every_key_is_used_and_every_used_key_exists() {
        let (keys, used) = (keys(), used_keys());
        let unused: Vec<_> = keys.difference(&used).collect();
        let unknown: Vec<_> = used.difference(&keys).collect();
        assert!(unused.is_empty(), "not used by any page: {unused:?}");
        assert!(unknown.is_empty(), "not in web/i18n/catalogue.toml: {unknown:?}");
    }

    #[test]
    fn places_are_filled_and_scripts_stay_whole() {
        assert_eq!(fill(Language::En, "course.progress", &[("n", "2"), ("all", "5")]), "2 of 5 lessons passed");
        assert_eq!(text(Language::Ja, "nav.course"), "コース");
        assert!(!script_json(&"</script>").contains('<'));
        assert!(for_scripts(Language::En).contains("live.nothing_yet"));
    }
}
