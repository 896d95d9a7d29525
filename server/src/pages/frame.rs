//! What every page has around its content: bar, language, theme, the visitor's board.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use serde_json::json;

use crate::assets;
use crate::language::cookie;
use crate::site::SiteKind;
use course::Language;
use course::catalogue;

/// The cookie that keeps the visitor's choice of colours.
pub const THEME_COOKIE: &str = "theme";

/// The colours a visitor asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Whatever the system asks for.
    #[default]
    System,
    /// Dark ink on light enamel.
    Light,
    /// The other way round.
    Dark,
}

impl Theme {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The name in cookie, form and page.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    /// The visitor's choice.
    #[must_use]
    pub fn of_request(headers: &HeaderMap) -> Self {
        cookie(headers, THEME_COOKIE).and_then(Self::from_name).unwrap_or_default()
    }
}

/// The parts of the site that the bar leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The course index.
    Course,
    /// The bench of a lesson.
    Bench,
    /// A program and a wiring of one's own.
    Workshop,
    /// The boards.
    Boards,
    /// The class.
    Class,
    /// None of them: a page about trouble.
    Elsewhere,
}

/// The visitor's board, as the chip in the bar shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardChip {
    /// Its name, such as `Virtual 1`.
    pub name: String,
    /// Its chip, such as `ESP32-C3`.
    pub chip: String,
    /// `absent`, `free`, `booting`, `ready`, `flashing`, `running` or `fault`.
    pub state: String,
    /// Whether it is at a cable of this machine, and not virtual.
    pub attached: bool,
}

impl BoardChip {
    /// The verdict shape of its state.
    #[must_use]
    pub fn shape(&self) -> &'static str {
        shape_of_state(&self.state)
    }

    /// The catalogue key of its state.
    #[must_use]
    pub fn words_key(&self) -> &'static str {
        key_of_state(&self.state)
    }
}

/// The verdict shape of a board's state.
#[must_use]
pub fn shape_of_state(state: &str) -> &'static str {
    match state {
        "ready" => "holds",
        "free" => "ring",
        "fault" => "needs",
        "absent" => "away",
        _ => "running",
    }
}

/// The catalogue key of a board's state.
#[must_use]
pub fn key_of_state(state: &str) -> &'static str {
    match state {
        "absent" => "state.absent",
        "free" => "state.free",
        "booting" => "state.booting",
        "flashing" => "state.flashing",
        "running" => "state.running",
        "fault" => "state.fault",
        _ => "state.ready",
    }
}

/// What every page has around its content.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The visitor's language.
    pub language: Language,
    /// The visitor's colours.
    pub theme: Theme,
    /// Where in the site this page is.
    pub part: Part,
    /// The page's own address, to come back to after a choice of language or theme.
    pub path: String,
    /// Where "Bench" leads: the lesson the visitor is at.
    pub bench_path: String,
    /// Where "Explorer" leads: the explorer of that lesson, else of the first that has one.
    pub explorer_path: Option<String>,
    /// The visitor's board, if there is one by now.
    pub board: Option<BoardChip>,
    /// What the page says of the class.
    pub class: ClassStrip,
    /// How the page is opened if no server is behind it.
    pub site: Option<SiteKind>,
    /// Whether the page is for a projector: without the bar, and without anybody's name.
    pub projector: bool,
}

/// What every page says of the class that somebody is in, or could join.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassStrip {
    /// Whether one is open that they could join.
    pub open: bool,
    /// The one that they are in.
    pub within: Option<ClassIn>,
}

/// The class that somebody is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassIn {
    /// Its title.
    pub title: String,
    /// Their nickname.
    pub name: String,
    /// Whether it has ended.
    pub ended: bool,
}

/// A link of the bar.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where it leads.
    pub path: String,
    /// Its words.
    pub words: &'static str,
    /// Whether the visitor is there.
    pub here: bool,
}

/// A choice of the language switch or the theme menu.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its name in the form.
    pub name: &'static str,
    /// Its BCP 47 tag, for a language.
    pub tag: &'static str,
    /// Its words.
    pub words: &'static str,
    /// Whether it is chosen.
    pub here: bool,
}

impl Frame {
    /// Whether the visitor works at a board at a cable, which no tab can run.
    #[must_use]
    pub fn has_attached_board(&self) -> bool {
        self.board.as_ref().is_some_and(|board| board.attached)
    }

    /// The content security policy, where no server sends one: that of the server, and for pages that are opened as files
    /// workers from what the page itself holds.
    #[must_use]
    pub fn policy(&self) -> Option<&'static str> {
        Some(match self.site? {
            SiteKind::Folder => {
                "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
                 connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'"
            }
            SiteKind::Single => {
                "default-src 'none'; script-src 'self' file: 'wasm-unsafe-eval'; style-src 'self' file:; img-src 'self' file: data:; \
                 worker-src blob:; base-uri 'none'; form-action 'none'"
            }
        })
    }

    /// What the scripts of a site need to know, as JSON.
    #[must_use]
    pub fn site_data(&self) -> Option<String> {
        let kind = self.site?;
        let states = [
            ("passed", "course.passed"),
            ("started", "course.started"),
            ("failed", "course.failed"),
            ("not-started", "course.not_started"),
        ];
        let states: BTreeMap<_, _> = states.map(|(state, key)| (state, self.t(key))).into();
        let mut data = json!({ "states": states });
        if kind == SiteKind::Folder {
            data["serviceWorker"] = "/sw.js".into();
        }
        Some(catalogue::script_json(&data))
    }

    /// What brings a board along into a page that is opened as a file.
    #[must_use]
    pub fn inside(&self) -> Option<&'static str> {
        (self.site? == SiteKind::Single).then_some("/assets/board.js")
    }

    /// The text of a catalogue key.
    #[must_use]
    pub fn t(&self, key: &'static str) -> &'static str {
        catalogue::text(self.language, key)
    }

    /// The text of a catalogue key with its places filled.
    #[must_use]
    pub fn fill(&self, key: &'static str, places: &[(&str, &str)]) -> String {
        catalogue::fill(self.language, key, places)
    }

    /// The words of the scripts.
    #[must_use]
    pub fn catalogue(&self) -> String {
        catalogue::for_scripts(self.language)
    }

    /// The address of a built file; it changes with the file's contents.
    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// An icon of the page's sprite, as HTML.
    #[must_use]
    pub fn icon(&self, name: &str) -> String {
        let alarm = if matches!(name, "lost" | "needs") { " alarm" } else { "" };
        format!(r##"<svg class="icon{alarm}" aria-hidden="true"><use href="#icon-{name}"/></svg>"##)
    }

    /// The links of the bar.
    #[must_use]
    pub fn links(&self) -> Vec<Link> {
        let link = |path: String, key, here| Link { path, words: self.t(key), here };
        [
            Some(link("/".to_owned(), "nav.course", self.part == Part::Course)),
            Some(link(self.bench_path.clone(), "nav.bench", self.part == Part::Bench)),
            self.site.is_none().then(|| link("/workshop".to_owned(), "nav.workshop", self.part == Part::Workshop)),
            self.explorer_path.clone().map(|path| link(path, "nav.explorer", false)),
            Some(link("/boards".to_owned(), "nav.boards", self.part == Part::Boards)),
            self.site.is_none().then(|| link("/class".to_owned(), "nav.class", self.part == Part::Class)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The languages to choose from, each under its own name.
    #[must_use]
    pub fn languages(&self) -> [Choice; 2] {
        [(Language::En, "English"), (Language::Ja, "日本語")].map(|(language, words)| Choice {
            name: language.tag(),
            tag: language.tag(),
            words,
            here: language == self.language,
        })
    }

    /// The themes to choose from.
    #[must_use]
    pub fn themes(&self) -> [Choice; 3] {
        [(Theme::System, "nav.system"), (Theme::Light, "nav.light"), (Theme::Dark, "nav.dark")]
            .map(|(theme, key)| Choice { name: theme.name(), tag: "", words: self.t(key), here: theme == self.theme })
    }
}
