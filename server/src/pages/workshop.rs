//! The workshop: a program and a wiring of one's own.

use askama::Template;
use serde::Serialize;
use serde_json::{Value, json};

use super::frame::Frame;
use super::parts::kinds;
use crate::examples::EXAMPLES;
use course::Language;
use course::catalogue;

/// The page.
#[derive(Debug, Template)]
#[template(path = "workshop.html")]
pub struct WorkshopPage {
    frame: Frame,
    examples: Vec<ExampleView>,
    /// The first example's, for who reads before the scripts run.
    program: &'static str,
    seed: u32,
    /// Whether the visitor may show it to a class.
    hosts: bool,
    data: String,
}

#[derive(Debug)]
struct ExampleView {
    slug: &'static str,
    title: &'static str,
}

/// What the scripts need to know (`web/js/workshop.js`).
#[derive(Serialize)]
struct WorkshopData {
    kinds: Vec<Value>,
    examples: Vec<Value>,
    seed: u32,
}

impl WorkshopPage {
    /// The page; `seed` is the seed of the first run, `hosts` whether the visitor may show it to a class.
    #[must_use]
    pub fn new(frame: Frame, seed: u32, hosts: bool) -> Self {
        let language = frame.language;
        let title = |title: (&'static str, &'static str)| match language {
            Language::En => title.0,
            Language::Ja => title.1,
        };
        let examples = EXAMPLES.iter().map(|example| {
            json!({
                "slug": example.slug,
                "title": title(example.title),
                "program": example.program,
                "wiring": example.wiring(),
            })
        });
        let data = WorkshopData { kinds: kinds(language), examples: examples.collect(), seed };
        Self {
            data: catalogue::script_json(&data),
            examples: EXAMPLES
                .iter()
                .map(|example| ExampleView { slug: example.slug, title: title(example.title) })
                .collect(),
            program: EXAMPLES.first().map_or("", |example| example.program),
            seed,
            hosts,
            frame,
        }
    }
}
