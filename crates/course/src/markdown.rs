//! Lesson texts: Markdown in, safe HTML out.
//!
//! Raw HTML in a lesson is shown as text, links lead only to this site or to the web, pictures
//! are reduced to their description. Code is set in ink only: the page gives colour to data.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd, html};

use super::python;

/// One named section of a lesson text: `## key: Title`, then Markdown up to the next `##`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The key by which the page places it, the same in both languages.
    pub key: String,
    /// The heading, in the language of the text.
    pub title: String,
    /// The body as safe HTML.
    pub html: String,
    /// The line of the heading in its file, from 1.
    pub line: usize,
}

/// Splits a lesson text into its sections.
///
/// # Errors
/// The line (from 1) and what is wrong there: text before the first section, or a heading
/// without key or title.
pub fn sections(source: &str) -> Result<Vec<Section>, (usize, String)> {
    let mut sections: Vec<(Section, String)> = Vec::new();
    let mut fenced = false;
    for (index, line) in source.lines().enumerate() {
        fenced ^= line.starts_with("```");
        if let Some(heading) = line.strip_prefix("## ").filter(|_| !fenced) {
            let (key, title) = heading
                .split_once(':')
                .map(|(key, title)| (key.trim(), title.trim()))
                .filter(|(key, title)| !title.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase()))
                .ok_or((index + 1, format!("`{line}` is not of the form `## key: Title`")))?;
            let section =
                Section { key: key.to_owned(), title: title.to_owned(), html: String::new(), line: index + 1 };
            sections.push((section, String::new()));
        } else if let Some((_, body)) = sections.last_mut() {
            body.push_str(line);
            body.push('\n');
        } else if !line.trim().is_empty() {
            return Err((index + 1, "there is text before the first section".to_owned()));
        }
    }
    Ok(sections.into_iter().map(|(section, body)| Section { html: block_html(&body), ..section }).collect())
}

/// Renders paragraphs, lists, tables and code.
#[must_use]
pub fn block_html(source: &str) -> String {
    let mut rendered = String::with_capacity(source.len() * 2);
    html::push_html(&mut rendered, linked(safe(source)).into_iter());
    rendered
}

/// As [`inline_html`], with the calls of the module `lab` leading to their reference.
#[must_use]
pub fn linked_html(source: &str) -> String {
    let paragraph = |event: &Event<'_>| matches!(event, Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph));
    let mut rendered = String::with_capacity(source.len() * 2);
    html::push_html(&mut rendered, linked(safe(source)).into_iter().filter(|event| !paragraph(event)));
    rendered
}

/// Makes a link to the reference of each call of the module `lab` that stands as code.
fn linked(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut in_link = false;
    let link = |event| match event {
        Event::Start(Tag::Link { .. }) | Event::End(TagEnd::Link) => {
            in_link = matches!(event, Event::Start(_));
            event
        }
        Event::Code(code) if !in_link => {
            let name = code.strip_prefix("lab.").and_then(|call| call.split(|c: char| !c.is_ascii_lowercase()).next());
            match name {
                Some(name) if !name.is_empty() => {
                    Event::Html(format!("<a href=\"/lab#{name}\"><code>{}</code></a>", escape(&code)).into())
                }
                _ => Event::Code(code),
            }
        }
        event => event,
    };
    events.into_iter().map(link).collect()
}

/// Renders one line without a surrounding paragraph.
#[must_use]
pub fn inline_html(source: &str) -> String {
    let paragraph = |event: &Event<'_>| matches!(event, Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph));
    let mut rendered = String::with_capacity(source.len() * 2);
    html::push_html(&mut rendered, safe(source).into_iter().filter(|event| !paragraph(event)));
    rendered
}

/// The words alone.
#[must_use]
pub fn plain(source: &str) -> String {
    safe(source)
        .into_iter()
        .filter_map(|event| match event {
            Event::Text(text) | Event::Code(text) => Some(text.into_string()),
            Event::SoftBreak | Event::HardBreak => Some(" ".to_owned()),
            _ => None,
        })
        .collect()
}

fn safe(source: &str) -> Vec<Event<'_>> {
    let mut events = Vec::new();
    let mut code: Option<(String, String)> = None;
    let mut kept_links = Vec::new();
    for event in Parser::new_ext(source, Options::ENABLE_TABLES) {
        let event = match (&mut code, event) {
            (None, Event::Start(Tag::CodeBlock(kind))) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                code = Some((language, String::new()));
                continue;
            }
            (Some((_, text)), Event::Text(more)) => {
                text.push_str(&more);
                continue;
            }
            (Some((language, text)), Event::End(TagEnd::CodeBlock)) => {
                let block = code_html(language, text);
                code = None;
                Event::Html(block.into())
            }
            (_, Event::Html(raw) | Event::InlineHtml(raw)) => Event::Text(raw),
            (_, Event::Start(Tag::Link { link_type, dest_url, title, id })) => {
                kept_links.push(is_allowed_link(&dest_url));
                if kept_links.last() == Some(&false) {
                    continue;
                }
                Event::Start(Tag::Link { link_type, dest_url, title, id })
            }
            (_, Event::End(TagEnd::Link)) if kept_links.pop() == Some(false) => continue,
            (_, Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image)) => continue,
            (_, event) => event,
        };
        events.push(event);
    }
    events
}

/// Pages of this site, places on this page, and the web. No `javascript:`, no `data:`.
fn is_allowed_link(target: &str) -> bool {
    (target.starts_with('/') && !target.starts_with("//"))
        || target.starts_with('#')
        || target.starts_with("https://")
        || target.starts_with("http://")
}

fn code_html(language: &str, text: &str) -> String {
    match language {
        "python" => format!("<pre class=\"code\"><code>{}</code></pre>\n", python::html(text)),
        "bytecode" => bytecode_html(text),
        _ => format!("<pre class=\"code\"><code>{}</code></pre>\n", escape(text)),
    }
}

/// A listing of bytecodes: `04 POP_JUMP_IF_FALSE 9 ; note`. A leading `!` marks a line where a
/// callback can enter.
fn bytecode_html(text: &str) -> String {
    let mut rendered = String::from("<table class=\"bytecode\"><tbody>\n");
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (class, line) = match line.strip_prefix('!') {
            Some(rest) => (" class=\"safe-point\"", rest),
            None => ("", line),
        };
        let (operation, note) = line.split_once(';').unwrap_or((line, ""));
        let operation = operation.trim();
        let (offset, name) = operation.split_once(' ').unwrap_or(("", operation));
        let [offset, name, note] = [offset, name.trim(), note.trim()].map(escape);
        rendered.push_str(&format!("<tr{class}><td>{offset}</td><td><code>{name}</code></td><td>{note}</td></tr>\n"));
    }
    rendered.push_str("</tbody></table>\n");
    rendered
}

/// Text as HTML text, safe in attribute values too.
#[must_use]
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(block_html(source).trim_end(), expected);
    }

    #[test]
    fn raw_html_is_shown_and_never_obeyed() {
        check("a <b>bold</b> claim", "<p>a &lt;b&gt;bold&lt;/b&gt; claim</p>");
        check("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
        check("[here](javascript:alert(1))", "<p>here</p>");
        check("[here](//elsewhere)", "<p>here</p>");
        check("![a queue](https://x/y.png)", "<p>a queue</p>");
        check("[L01](/lessons/where-can-it-strike)", "<p><a href=\"/lessons/where-can-it-strike\">L01</a></p>");
    }

    #[test]
    fn code_is_set_in_ink() {
        check(
            "```python\nif a < b:  # why\n```",
            "<pre class=\"code\"><code><b>if</b> a &lt; b:  <i># why</i>\n</code></pre>",
        );
        check(
            "```bytecode\n00 LOAD_GLOBAL count ; read\n! 07 JUMP 10 ; safe point\n```",
            "<table class=\"bytecode\"><tbody>\n<tr><td>00</td><td><code>LOAD_GLOBAL count</code></td><td>read</td></tr>\n\
             <tr class=\"safe-point\"><td>07</td><td><code>JUMP 10</code></td><td>safe point</td></tr>\n\
             </tbody></table>",
        );
    }

    #[test]
    fn calls_of_the_module_lead_to_their_reference() {
        check(
            "`lab.beat()` and `beat()`",
            "<p><a href=\"/lab#beat\"><code>lab.beat()</code></a> and <code>beat()</code></p>",
        );
        check("[`lab.beat`](/x)", "<p><a href=\"/x\"><code>lab.beat</code></a></p>");
        assert_eq!(linked_html("`lab.get(\"<\")`"), "<a href=\"/lab#get\"><code>lab.get(&quot;&lt;&quot;)</code></a>");
    }

    #[test]
    fn one_line_needs_no_paragraph() {
        assert_eq!(inline_html("`lost` is *not* 0"), "<code>lost</code> is <em>not</em> 0");
        assert_eq!(plain("`lost` is *not* 0"), "lost is not 0");
    }

    #[test]
    fn sections_are_named() {
        let found =
            sections("\n## see: What you see\nOne.\n\n```python\n## not a heading\n```\n## fix: Mend it\nTwo.\n");
        let found = found.unwrap();
        let names: Vec<_> = found.iter().map(|s| (s.key.as_str(), s.title.as_str(), s.line)).collect();
        assert_eq!(names, [("see", "What you see", 2), ("fix", "Mend it", 8)]);
        assert!(found[0].html.starts_with("<p>One.</p>"));
        assert_eq!(sections("stray\n## a: B\n").unwrap_err().0, 1);
        assert_eq!(sections("## See\n").unwrap_err().0, 1);
    }

    /// Start tags that our own renderer writes; nothing else may look like a tag.
    fn tags(rendered: &str) -> Vec<String> {
        rendered
            .split('<')
            .skip(1)
            .map(|rest| rest.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect())
            .collect()
    }

    proptest! {
        #[test]
        fn only_known_elements_come_out(source in "([<>&\"'`!\\[\\]()a-z:/ #\n=-]|<script>|javascript:|```){0,60}") {
            const KNOWN: [&str; 27] = [
                "p", "em", "strong", "code", "pre", "a", "ul", "ol", "li", "blockquote", "hr", "br", "h1", "h2",
                "h3", "h4", "h5", "h6", "b", "i", "table", "thead", "tbody", "tr", "th", "td", "div",
            ];
            let rendered = block_html(&source);
            for tag in tags(&rendered) {
                prop_assert!(KNOWN.contains(&tag.as_str()), "<{}> in {}", tag, rendered);
            }
            prop_assert!(!rendered.contains("href=\"javascript"));
        }
    }
}
