//! Microsoft's texts, which may hold HTML, as plain text.

/// Takes the markup off. Where it breaks a line, so does the text.
///
/// What comes out is text wherever it is shown: nothing here makes it safe to be put into a page as HTML.
pub fn plain_text(html: &str) -> String {
    let mut text = Writer::default();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('<') { tag(rest, &mut text) } else { reference(rest, &mut text) };
    }
    text.push(rest);
    text.0.trim().to_owned()
}

/// What is written: blanks do not follow each other, nor does more than one empty line.
#[derive(Default)]
struct Writer(String);

impl Writer {
    fn push(&mut self, text: &str) {
        for letter in text.chars() {
            if !letter.is_whitespace() {
                self.0.push(letter);
            } else if !self.0.is_empty() && !self.0.ends_with([' ', '\n']) {
                self.0.push(' ');
            }
        }
    }

    fn line(&mut self) {
        self.0.truncate(self.0.trim_end_matches(' ').len());
        if !self.0.is_empty() && !self.0.ends_with('\n') {
            self.0.push('\n');
        }
    }
}

/// Takes a tag. Answers what comes after it.
fn tag<'a>(rest: &'a str, text: &mut Writer) -> &'a str {
    let inside = &rest[1..];
    let begins_a_tag = inside.starts_with(|letter: char| letter.is_ascii_alphabetic() || matches!(letter, '/' | '!'));
    let Some(end) = inside.find('>').filter(|_| begins_a_tag) else {
        // "a < b" is no tag.
        text.push("<");
        return inside;
    };
    let (tag, after) = (&inside[..end], &inside[end + 1..]);
    let name = tag.trim_start_matches('/').split(|letter: char| !letter.is_ascii_alphanumeric()).next();
    match name.unwrap_or_default().to_ascii_lowercase().as_str() {
        "li" if !tag.starts_with('/') => {
            text.line();
            text.push("• ");
        }
        "p" | "br" | "div" | "ul" | "ol" | "li" | "tr" | "h1" | "h2" | "h3" | "h4" => text.line(),
        // What is in these is no text.
        name @ ("script" | "style") if !tag.starts_with('/') => {
            let close = format!("</{name}");
            let end = after.to_ascii_lowercase().find(&close);
            return end.map_or("", |end| &after[end..]);
        }
        _ => {}
    }
    after
}

/// Takes what stands for a letter, such as `&amp;`. Answers what comes after it.
fn reference<'a>(rest: &'a str, text: &mut Writer) -> &'a str {
    let inside = &rest[1..];
    let found = inside.find(';').filter(|end| *end <= 10).and_then(|end| Some((letter(&inside[..end])?, end)));
    let Some((letter, end)) = found else {
        text.push("&");
        return inside;
    };
    text.push(letter.encode_utf8(&mut [0; 4]));
    &inside[end + 1..]
}

fn letter(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" | "rsquo" | "lsquo" => Some('’'),
        "nbsp" => Some(' '),
        "ndash" | "mdash" => Some('–'),
        "bull" => Some('•'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|letter| !letter.is_control())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_becomes_lines() {
        let html = "<p>Open <a href=\"https://x.test\">the portal</a>.</p>\r\n<ol><li>Sign in</li>\n<li>Choose <b>MFA</b></li></ol>Done";
        assert_eq!(plain_text(html), "Open the portal.\n• Sign in\n• Choose MFA\nDone");
        assert_eq!(plain_text("one<br/>two<BR>three"), "one\ntwo\nthree");
    }

    #[test]
    fn what_stands_for_a_letter_becomes_it_once() {
        assert_eq!(plain_text("R&amp;D &lt;script&gt; &#39;x&#x27;"), "R&D <script> 'x'");
        assert_eq!(plain_text("&amp;lt;"), "&lt;");
        assert_eq!(plain_text("AT&T & more; &#0; &nothing;"), "AT&T & more; &#0; &nothing;");
    }

    #[test]
    fn scripts_are_no_text() {
        assert_eq!(plain_text("a<script>alert(1)</script>b<style>p{}</style>c"), "abc");
        assert_eq!(plain_text("a<script>alert(1)"), "a");
        assert_eq!(plain_text("a<img src=x onerror=alert(1)>b"), "ab");
    }

    #[test]
    fn a_comparison_is_no_tag() {
        assert_eq!(plain_text("a < b and c > d"), "a < b and c > d");
        assert_eq!(plain_text("1<2"), "1<2");
    }

    proptest! {
        #[test]
        fn any_text_is_taken(html in "(<|>|&|;|/|#|x27|amp|script|li|[a-z é\n]){0,40}") {
            let text = plain_text(&html);
            prop_assert!(text.len() <= html.len() * 3);
            prop_assert_eq!(text.trim(), text.as_str());
        }

        #[test]
        fn text_without_markup_stays(text in "[A-Za-z0-9.,é]{1,10}( [A-Za-z0-9.,é]{1,10}){0,5}") {
            prop_assert_eq!(plain_text(&text), text);
        }
    }
}
