//! Python source as HTML in ink only: keywords bold, comments dim, everything else plain.

use super::markdown::escape;

/// The keywords of the language (Python language reference, section 2.3.1), without the soft ones.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Renders a program: `<b>` for keywords, `<i>` for comments.
#[must_use]
pub fn html(source: &str) -> String {
    let mut rendered = String::with_capacity(source.len() * 2);
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if first == '#' {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' || first == '\'' {
            string_length(rest, first)
        } else if first.is_alphabetic() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        let text = escape(token);
        if first == '#' {
            rendered.push_str(&format!("<i>{text}</i>"));
        } else if KEYWORDS.contains(&token) {
            rendered.push_str(&format!("<b>{text}</b>"));
        } else {
            rendered.push_str(&text);
        }
        rest = after;
    }
    rendered
}

/// The bytes of the string literal that `source` begins with, its quotation marks included.
fn string_length(source: &str, quote: char) -> usize {
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let (mark, ends_with_line) =
        if source.starts_with(&triple) { (triple.as_str(), false) } else { (&triple[..1], true) };
    let mut escaped = false;
    for (index, character) in source.char_indices().skip(mark.len()) {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if source[index..].starts_with(mark) {
            return index + mark.len();
        } else if character == '\n' && ends_with_line {
            return index;
        }
    }
    source.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(html(source), expected);
    }

    #[test]
    fn keywords_are_bold_and_comments_dim() {
        check("for i in x:", "<b>for</b> i <b>in</b> x:");
        check("format = 1  # if so", "format = 1  <i># if so</i>");
        check("a = 'if # not' # but", "a = &#39;if # not&#39; <i># but</i>");
        check("s = \"\"\"if\nor\"\"\"\nif", "s = &quot;&quot;&quot;if\nor&quot;&quot;&quot;\n<b>if</b>");
        check("'it\\'s' or", "&#39;it\\&#39;s&#39; <b>or</b>");
        check("'open\nif", "&#39;open\n<b>if</b>");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(source in "([a-z#'\"\\\\ \n<&]|if|'''|あ){0,40}") {
            let text = html(&source).replace("<b>", "").replace("</b>", "").replace("<i>", "").replace("</i>", "");
            prop_assert_eq!(text, escape(&source));
        }
    }
}
