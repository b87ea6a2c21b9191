//! A text for many clients, with places for what is different for each of them.

use thiserror::Error;

use super::link::MessageParts;

/// What a text for many clients begins with.
pub const SUBJECT: &str = "Connect Microsoft 365 of {company} to {msp}";

/// The same, for its body.
pub const BODY: &str = "Hello,\n\nplease connect the Microsoft 365 of {company} to {msp}. Open this link, read what it \
                        asks for, and continue to Microsoft:\n\n{link}\n\nIt takes an administrator of {company} \
                        (Global Administrator or Privileged Role Administrator) and about two minutes. If that is not \
                        you, pass this message on to who it is. The link works once, and until {expires}.\n\nNot sure \
                        whether this message is genuine? Call us on the number that you know.\n\n{sender}\n{msp}\n";

/// A longer text in braces is no place.
const PLACE_MAX: usize = 40;

/// Where something stands that is different for each client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The client's name.
    Company,
    /// Whom one writes to there.
    Contact,
    /// The link.
    Link,
    /// Until when it is good.
    Expires,
    /// The MSP's name.
    Msp,
    /// Who writes.
    Sender,
}

impl Place {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 6] = [Self::Company, Self::Contact, Self::Link, Self::Expires, Self::Msp, Self::Sender];

    /// What stands in the braces.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Contact => "contact",
            Self::Link => "link",
            Self::Expires => "expires",
            Self::Msp => "msp",
            Self::Sender => "sender",
        }
    }

    const fn value<'a>(self, parts: &MessageParts<'a>) -> &'a str {
        match self {
            Self::Company => parts.company,
            // Somebody there.
            Self::Contact if parts.contact.is_empty() => parts.company,
            Self::Contact => parts.contact,
            Self::Link => parts.url,
            Self::Expires => parts.until,
            Self::Msp => parts.msp,
            Self::Sender => parts.sender,
        }
    }
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Place(Place),
    /// Something in braces that nothing belongs to.
    Unknown(&'a str),
}

/// A text in pieces. Braces that hold nothing like a name stay as they are.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(name) = name_in_braces(rest) {
            rest = &rest[name.len() + 2..];
            let place = Place::ALL.into_iter().find(|place| place.key() == name);
            return Some(place.map_or(Piece::Unknown(name), Piece::Place));
        }
        // A brace that begins no name is text.
        let end = rest.char_indices().skip(1).find(|(_, letter)| *letter == '{').map_or(rest.len(), |(at, _)| at);
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Text(text))
    })
}

/// The name at the beginning of a text, if that begins with one in braces.
fn name_in_braces(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    (name.chars().count() <= PLACE_MAX && !name.contains(['{', '\n'])).then_some(name)
}

/// Why a text can't be sent to clients.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// Nothing stands in the subject.
    #[error("The subject is empty.")]
    NoSubject,
    /// Too much does.
    #[error("The subject is longer than {} characters. Shorten it.", Template::SUBJECT_MAX)]
    LongSubject,
    /// Line breaks and the like.
    #[error("The subject contains control characters. Write it in one line.")]
    SubjectControl,
    /// Whoever reads over somebody's shoulder reads subjects.
    #[error("The subject may not hold {{link}}: subjects are shown to everybody. Put it into the text.")]
    LinkInSubject,
    /// Too long.
    #[error("The text is longer than {} characters. Shorten it.", Template::BODY_MAX)]
    LongBody,
    /// The client could do nothing.
    #[error("The text lacks {{link}}: without the link the client can do nothing. Put it where the link is to stand.")]
    NoLink,
    /// It would be sent as it stands.
    #[error(
        "Nothing is known that could stand in the place of {{{0}}}. There are {{company}}, {{contact}}, {{link}}, \
         {{expires}}, {{msp}} and {{sender}}."
    )]
    Unknown(String),
}

/// A text that can be sent to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    subject: String,
    body: String,
}

impl Default for Template {
    fn default() -> Self {
        Self { subject: SUBJECT.to_owned(), body: BODY.to_owned() }
    }
}

impl Template {
    /// The most characters that a subject has.
    pub const SUBJECT_MAX: usize = 200;

    /// The most characters that a body has.
    pub const BODY_MAX: usize = 10_000;

    /// Takes texts as people write them.
    pub fn parse(subject: &str, body: &str) -> Result<Self, TemplateError> {
        let (subject, body) = (subject.trim(), body.replace("\r\n", "\n"));
        if subject.is_empty() {
            return Err(TemplateError::NoSubject);
        }
        if subject.chars().any(char::is_control) {
            return Err(TemplateError::SubjectControl);
        }
        if subject.chars().count() > Self::SUBJECT_MAX {
            return Err(TemplateError::LongSubject);
        }
        if body.chars().count() > Self::BODY_MAX {
            return Err(TemplateError::LongBody);
        }
        for piece in pieces(subject).chain(pieces(&body)) {
            if let Piece::Unknown(name) = piece {
                return Err(TemplateError::Unknown(name.to_owned()));
            }
        }
        let has_link = |text| pieces(text).any(|piece| piece == Piece::Place(Place::Link));
        if has_link(subject) {
            return Err(TemplateError::LinkInSubject);
        }
        if !has_link(&body) {
            return Err(TemplateError::NoLink);
        }
        Ok(Self { subject: subject.to_owned(), body })
    }

    /// The subject, with its places.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The body, with its places.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Subject and body for one client. What stands in a place is taken as it is, braces and all.
    pub fn fill(&self, parts: &MessageParts<'_>) -> (String, String) {
        (fill(&self.subject, parts), fill(&self.body, parts))
    }
}

fn fill(text: &str, parts: &MessageParts<'_>) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Place(place) => filled.push_str(place.value(parts)),
            Piece::Unknown(name) => filled.extend(["{", name, "}"]),
        }
    }
    filled
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARTS: MessageParts<'_> = MessageParts {
        company: "Con{link}toso",
        contact: "Kim",
        msp: "Acme IT",
        sender: "Ann",
        url: "https://t.example/c/abc",
        until: "Monday",
    };

    fn parsed(subject: &str, body: &str) -> Result<(String, String), TemplateError> {
        Template::parse(subject, body).map(|template| template.fill(&PARTS))
    }

    #[test]
    fn what_stands_in_a_place_is_taken_as_it_is() {
        let (subject, body) = parsed("{company} and {msp}", "{contact}: {link} until {expires}. {sender}").unwrap();
        assert_eq!(subject, "Con{link}toso and Acme IT");
        assert_eq!(body, "Kim: https://t.example/c/abc until Monday. Ann");
    }

    #[test]
    fn the_text_to_begin_with_can_be_sent() {
        assert_eq!(Template::parse(SUBJECT, BODY), Ok(Template::default()));
    }

    #[test]
    fn where_nobody_is_named_the_company_is() {
        let template = Template::parse("Hi", "{contact} {link}").unwrap();
        let (_, body) = template.fill(&MessageParts { contact: "", company: "Contoso", ..PARTS });
        assert_eq!(body, "Contoso https://t.example/c/abc");
    }

    #[test]
    fn what_can_not_be_sent_is_refused_with_what_to_do() {
        for (subject, body, error) in [
            (" ", "{link}", TemplateError::NoSubject),
            ("a\nb", "{link}", TemplateError::SubjectControl),
            ("{link}", "{link}", TemplateError::LinkInSubject),
            ("a", "no link", TemplateError::NoLink),
            ("a", "{ link }", TemplateError::Unknown(" link ".into())),
            ("{Company}", "{link}", TemplateError::Unknown("Company".into())),
            ("a", "{link} {}", TemplateError::Unknown(String::new())),
        ] {
            assert_eq!(parsed(subject, body), Err(error), "{subject} {body}");
        }
        assert_eq!(parsed(&"é".repeat(201), "{link}"), Err(TemplateError::LongSubject));
        assert_eq!(parsed("a", &"é".repeat(10_001)), Err(TemplateError::LongBody));
        let words = TemplateError::Unknown("firma".into()).to_string();
        assert!(words.contains("{firma}") && words.contains("{company}"), "{words}");
        assert!(TemplateError::NoLink.to_string().contains("{link}"));
    }

    #[test]
    fn braces_that_hold_no_name_are_text() {
        let (_, body) = parsed("a", "{ {link} { a\nb } }").unwrap();
        assert_eq!(body, "{ https://t.example/c/abc { a\nb } }");
    }

    proptest! {
        #[test]
        fn a_text_falls_into_pieces_and_is_whole_again(text in "[a-z{}\\n é]{0,60}(\\{link\\})?[a-z{}]{0,9}") {
            let whole: String = pieces(&text)
                .map(|piece| match piece {
                    Piece::Text(text) => text.to_owned(),
                    Piece::Place(place) => format!("{{{}}}", place.key()),
                    Piece::Unknown(name) => format!("{{{name}}}"),
                })
                .collect();
            prop_assert_eq!(whole, text);
        }

        #[test]
        fn nothing_that_is_sent_holds_a_place(body in "[a-z{} ]{0,60}") {
            if let Ok(template) = Template::parse("a", &format!("{body}\n{{link}}")) {
                let parts = MessageParts { company: "Contoso", ..PARTS };
                let (_, body) = template.fill(&parts);
                for place in Place::ALL {
                    let place = format!("{{{}}}", place.key());
                    prop_assert!(!body.contains(&place), "{}", body);
                }
            }
        }
    }
}
