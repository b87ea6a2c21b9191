//! What one writes down about a company: one set of rules for a form, a file and the command line.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{CompanyId, CompanyName, Domain, Email, Timestamp, company::NameError, link::address_in};

/// Something that one writes down about a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompanyField {
    /// Its name, the one that must be there.
    Name,
    /// Its primary domain.
    Domain,
    /// Its id in another program, such as a PSA.
    ExternalId,
    /// Whom to ask there.
    Contact,
    /// Where they read mail.
    Email,
    /// What else is worth knowing.
    Note,
    /// What it is grouped by.
    Tags,
}

impl CompanyField {
    /// All of them, in the order of a form.
    pub const ALL: [Self; 7] =
        [Self::Name, Self::Domain, Self::ExternalId, Self::Contact, Self::Email, Self::Note, Self::Tags];

    /// Its stable name: a column of the template, and what the command line calls it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Domain => "domain",
            Self::ExternalId => "external_id",
            Self::Contact => "contact",
            Self::Email => "email",
            Self::Note => "note",
            Self::Tags => "tags",
        }
    }

    /// The field of this stable name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.key() == key)
    }

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Domain => "Primary domain",
            Self::ExternalId => "External id",
            Self::Contact => "Contact",
            Self::Email => "E-mail",
            Self::Note => "Note",
            Self::Tags => "Tags",
        }
    }
}

/// The fields of a company as texts: as somebody typed them, or as they are stored. An empty text is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompanyTexts {
    /// [`CompanyField::Name`].
    pub name: String,
    /// [`CompanyField::Domain`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub domain: String,
    /// [`CompanyField::ExternalId`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub external_id: String,
    /// [`CompanyField::Contact`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub contact: String,
    /// [`CompanyField::Email`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// [`CompanyField::Note`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// [`CompanyField::Tags`], with commas between them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
}

impl CompanyTexts {
    /// The text of a field.
    pub fn get(&self, field: CompanyField) -> &str {
        match field {
            CompanyField::Name => &self.name,
            CompanyField::Domain => &self.domain,
            CompanyField::ExternalId => &self.external_id,
            CompanyField::Contact => &self.contact,
            CompanyField::Email => &self.email,
            CompanyField::Note => &self.note,
            CompanyField::Tags => &self.tags,
        }
    }

    /// The text of a field, to be changed.
    pub const fn get_mut(&mut self, field: CompanyField) -> &mut String {
        match field {
            CompanyField::Name => &mut self.name,
            CompanyField::Domain => &mut self.domain,
            CompanyField::ExternalId => &mut self.external_id,
            CompanyField::Contact => &mut self.contact,
            CompanyField::Email => &mut self.email,
            CompanyField::Note => &mut self.note,
            CompanyField::Tags => &mut self.tags,
        }
    }

    /// These, and where they say nothing, those before: an empty cell of a file does not erase.
    #[must_use]
    pub fn or(&self, before: &Self) -> Self {
        let mut texts = self.clone();
        for field in CompanyField::ALL {
            if texts.get(field).is_empty() {
                before.get(field).clone_into(texts.get_mut(field));
            }
        }
        texts
    }

    /// What is different in others.
    pub fn changes_to(&self, after: &Self) -> Vec<FieldChange> {
        CompanyField::ALL
            .into_iter()
            .filter(|field| {
                let (from, to) = (self.get(*field), after.get(*field));
                // Tags are the same in any case.
                from != to && (*field != CompanyField::Tags || from.to_lowercase() != to.to_lowercase())
            })
            .map(|field| FieldChange { field, from: self.get(field).to_owned(), to: after.get(field).to_owned() })
            .collect()
    }
}

/// What became of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Which one.
    pub field: CompanyField,
    /// What it was.
    pub from: String,
    /// What it is.
    pub to: String,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.field.label();
        match (self.from.as_str(), self.to.as_str()) {
            // Too long for a line.
            _ if self.field == CompanyField::Note => write!(f, "{label} changed"),
            ("", to) => write!(f, "{label}: {to}"),
            (from, "") => write!(f, "{label}: no longer {from}"),
            (from, to) => write!(f, "{label}: {from} → {to}"),
        }
    }
}

/// Changes in one line.
pub fn in_words(changes: &[FieldChange]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A line of text, such as somebody's name or an id: 1 to 300 characters, no blanks around it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line(String);

/// What else is worth knowing of a company: up to 2,000 characters, with line breaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CompanyNote(String);

/// What a company is grouped by: 1 to 40 characters, without commas. Upper and lower case are the same.
#[derive(Clone, Debug)]
pub struct Tag {
    text: String,
    key: String,
}

/// What is wrong with the text of a field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FieldProblem {
    /// The name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No domain.
    #[error("“{0}” is not a domain name such as contoso.com")]
    Domain(String),
    /// No address.
    #[error("“{0}” is not an e-mail address such as kim@contoso.com")]
    Email(String),
    /// Too many characters.
    #[error("{0} is longer than {1} characters")]
    TooLong(&'static str, usize),
    /// Line breaks and the like.
    #[error("{0} contains control characters")]
    Control(&'static str),
    /// A tag with too many characters.
    #[error("the tag “{}…” is longer than {} characters", .0, Tag::MAX)]
    LongTag(String),
    /// Too many tags.
    #[error("there are more than {} tags", CompanyDraft::MAX_TAGS)]
    ManyTags,
}

/// A field that can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct FieldError {
    /// Which one.
    pub field: CompanyField,
    /// Why.
    pub problem: FieldProblem,
}

impl FieldError {
    /// As a sentence for who typed it.
    pub fn sentence(&self) -> String {
        let text = self.problem.to_string();
        let mut letters = text.chars();
        letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
    }
}

impl Line {
    /// The most characters that it has.
    pub const MAX: usize = 300;

    fn parse(text: &str, what: &'static str) -> Result<Option<Self>, FieldProblem> {
        let line = text.trim();
        if line.chars().any(char::is_control) {
            Err(FieldProblem::Control(what))
        } else if line.chars().count() > Self::MAX {
            Err(FieldProblem::TooLong(what, Self::MAX))
        } else {
            Ok((!line.is_empty()).then(|| Self(line.to_owned())))
        }
    }

    /// The line as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CompanyNote {
    /// The most characters that it has.
    pub const MAX: usize = 2_000;

    /// Takes a text as people write it; nothing but blanks is none.
    pub fn parse(text: &str) -> Result<Option<Self>, FieldProblem> {
        let note = text.trim().replace("\r\n", "\n").replace('\r', "\n");
        if note.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            Err(FieldProblem::Control("the note"))
        } else if note.chars().count() > Self::MAX {
            Err(FieldProblem::TooLong("the note", Self::MAX))
        } else {
            Ok((!note.is_empty()).then_some(Self(note)))
        }
    }

    /// The note as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tag {
    /// The most characters that it has.
    pub const MAX: usize = 40;

    /// Takes a text as people write it; nothing but blanks is none.
    pub fn parse(text: &str) -> Result<Option<Self>, FieldProblem> {
        let text = text.trim();
        if text.chars().any(|c| c.is_control() || is_between_tags(c)) {
            Err(FieldProblem::Control("a tag"))
        } else if text.chars().count() > Self::MAX {
            Err(FieldProblem::LongTag(text.chars().take(20).collect()))
        } else {
            Ok((!text.is_empty()).then(|| Self { text: text.to_owned(), key: text.to_lowercase() }))
        }
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

const fn is_between_tags(c: char) -> bool {
    matches!(c, ',' | ';' | '\n')
}

impl PartialEq for Tag {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Tag {}

impl PartialOrd for Tag {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Tag {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

/// What one writes down about a company, and may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyDraft {
    /// Its name.
    pub name: CompanyName,
    /// Its primary domain.
    pub domain: Option<Domain>,
    /// Its id in another program.
    pub external_id: Option<Line>,
    /// Whom to ask there.
    pub contact: Option<Line>,
    /// Where they read mail.
    pub email: Option<Email>,
    /// What else is worth knowing.
    pub note: Option<CompanyNote>,
    /// What it is grouped by.
    pub tags: BTreeSet<Tag>,
}

impl CompanyDraft {
    /// The most tags that a company has.
    pub const MAX_TAGS: usize = 50;

    /// Takes texts as people write them, or says what is wrong with each.
    pub fn parse(texts: &CompanyTexts) -> Result<Self, Vec<FieldError>> {
        let mut errors = Errors::default();
        let (mut contact_text, mut email_text) = (texts.contact.trim(), texts.email.trim());
        // Programs export both in one column, and the file that Tenantry reads had one too.
        if email_text.is_empty() {
            (contact_text, email_text) = split_contact(contact_text);
        }
        let name = CompanyName::parse(&texts.name).map(Some).map_err(FieldProblem::from);
        let domain = match domain_part(&texts.domain) {
            "" => Ok(None),
            text => Domain::parse(text).map(Some).map_err(|_| FieldProblem::Domain(shortened(&texts.domain))),
        };
        let email = match email_text {
            "" => Ok(None),
            text => Email::parse(text).map(Some).map_err(|_| FieldProblem::Email(shortened(text))),
        };
        let name = errors.keep(CompanyField::Name, name);
        let domain = errors.keep(CompanyField::Domain, domain);
        let external_id = errors.keep(CompanyField::ExternalId, Line::parse(&texts.external_id, "the external id"));
        let contact = errors.keep(CompanyField::Contact, Line::parse(contact_text, "the contact"));
        let email = errors.keep(CompanyField::Email, email);
        let note = errors.keep(CompanyField::Note, CompanyNote::parse(&texts.note));
        let mut tags = BTreeSet::new();
        for text in texts.tags.split(is_between_tags) {
            tags.extend(errors.keep(CompanyField::Tags, Tag::parse(text)));
        }
        if tags.len() > Self::MAX_TAGS {
            errors.keep::<()>(CompanyField::Tags, Err(FieldProblem::ManyTags));
        }
        match name {
            Some(name) if errors.0.is_empty() => Ok(Self { name, domain, external_id, contact, email, note, tags }),
            _ => Err(errors.0),
        }
    }

    /// As texts, each in the one way to write it.
    pub fn texts(&self) -> CompanyTexts {
        let line = |line: &Option<Line>| line.as_ref().map(|line| line.0.clone()).unwrap_or_default();
        CompanyTexts {
            name: self.name.to_string(),
            domain: self.domain.as_ref().map(Domain::to_string).unwrap_or_default(),
            external_id: line(&self.external_id),
            contact: line(&self.contact),
            email: self.email.as_ref().map(Email::to_string).unwrap_or_default(),
            note: self.note.as_ref().map(|note| note.0.clone()).unwrap_or_default(),
            tags: self.tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Takes tags as people write them, with commas between them.
pub fn parse_tags(text: &str) -> Result<BTreeSet<Tag>, FieldProblem> {
    let tags: Result<Vec<_>, _> = text.split(is_between_tags).map(Tag::parse).collect();
    tags.map(|tags| tags.into_iter().flatten().collect())
}

/// A company's tags, as they are stored, with some more and some less. One that is both is added.
pub fn retag(tags: &str, add: &BTreeSet<Tag>, remove: &BTreeSet<Tag>) -> Result<String, FieldProblem> {
    let before = parse_tags(tags)?;
    let mut after: BTreeSet<_> = before.iter().filter(|tag| !remove.contains(tag)).collect();
    for tag in add {
        // One that is there stays as it is written.
        after.insert(tag);
    }
    if after.len() > CompanyDraft::MAX_TAGS && after.len() > before.len() {
        return Err(FieldProblem::ManyTags);
    }
    Ok(after.into_iter().map(Tag::as_str).collect::<Vec<_>>().join(", "))
}

/// What is wrong with each field.
#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    /// What was parsed, or nothing, after what is wrong was noted.
    fn keep<T: Default>(&mut self, field: CompanyField, parsed: Result<T, FieldProblem>) -> T {
        parsed.unwrap_or_else(|problem| {
            self.0.push(FieldError { field, problem });
            T::default()
        })
    }
}

/// The beginning of a text, for a sentence about it.
fn shortened(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The domain in what people write as one, which may be a website's address.
fn domain_part(text: &str) -> &str {
    let text = text.trim();
    let (text, is_address) = match text.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => {
            (rest, true)
        }
        _ => (text, false),
    };
    let text = text.split(['/', '?', '#']).next().unwrap_or(text);
    match text.get(..4) {
        // `www.com` is a domain itself.
        Some(www) if www.eq_ignore_ascii_case("www.") && (is_address || text[4..].contains('.')) => &text[4..],
        _ => text,
    }
}

/// Name and address of a contact in one text: "Kim Abel <kim@contoso.com>", or an address alone. In a text that is
/// written otherwise, everything stays where it is, for it may say more than that.
pub fn split_contact(text: &str) -> (&str, &str) {
    let text = text.trim();
    if Email::parse(text).is_ok() {
        return ("", text);
    }
    let in_brackets = text.strip_suffix('>').and_then(|text| text.rsplit_once('<'));
    match in_brackets {
        Some((name, address)) if Email::parse(address).is_ok() => {
            (name.trim().trim_matches('"').trim(), address.trim())
        }
        _ => (text, ""),
    }
}

/// Where to write to a contact: their address, or else the one in what was written down as their name.
pub fn address_of(contact: Option<&str>, email: Option<&str>) -> Option<Email> {
    email.and_then(|email| Email::parse(email).ok()).or_else(|| contact.and_then(address_in))
}

/// A company as its form shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyCard {
    /// What was written down.
    pub texts: CompanyTexts,
    /// Whether it is put away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
}

/// A company that was put away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedCompany {
    /// Which one.
    pub id: CompanyId,
    /// Its name.
    pub name: String,
    /// Its primary domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The name of its tenant, if it is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Since when it is put away.
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(name: &str) -> CompanyTexts {
        CompanyTexts { name: name.into(), ..CompanyTexts::default() }
    }

    fn parsed(texts: &CompanyTexts) -> CompanyTexts {
        CompanyDraft::parse(texts).expect("it is taken").texts()
    }

    fn problems(texts: &CompanyTexts) -> Vec<(CompanyField, String)> {
        let errors = CompanyDraft::parse(texts).expect_err("it is refused");
        errors.iter().map(|error| (error.field, error.sentence())).collect()
    }

    #[test]
    fn a_domain_may_be_written_as_an_address() {
        for (text, domain) in [
            ("", ""),
            (" Contoso.com ", "contoso.com"),
            ("https://www.contoso.com/about?x=1", "contoso.com"),
            ("www.contoso.com", "contoso.com"),
            ("http://contoso.com", "contoso.com"),
            ("www.com", "www.com"),
        ] {
            assert_eq!(parsed(&CompanyTexts { domain: text.into(), ..named("A") }).domain, domain, "{text}");
        }
    }

    #[test]
    fn a_contact_is_split_where_it_is_written_so() {
        for (contact, email, name, address) in [
            ("Kim Abel <Kim@Contoso.com>", "", "Kim Abel", "kim@contoso.com"),
            ("\"Abel, Kim\" <kim@contoso.com>", "", "Abel, Kim", "kim@contoso.com"),
            ("kim@contoso.com", "", "", "kim@contoso.com"),
            ("Kim Abel, +1 555 0100", "", "Kim Abel, +1 555 0100", ""),
            ("Kim, kim@contoso.com; +1 555 0100", "", "Kim, kim@contoso.com; +1 555 0100", ""),
            ("Kim <old@contoso.com>", "kim@contoso.com", "Kim <old@contoso.com>", "kim@contoso.com"),
        ] {
            let texts = parsed(&CompanyTexts { contact: contact.into(), email: email.into(), ..named("A") });
            assert_eq!((texts.contact.as_str(), texts.email.as_str()), (name, address), "{contact}");
        }
    }

    #[test]
    fn mail_goes_to_the_address_of_the_contact_wherever_it_was_written() {
        let address = |contact, email| address_of(contact, email).map(|email| email.to_string());
        assert_eq!(address(Some("Kim"), Some("kim@a.test")).as_deref(), Some("kim@a.test"));
        assert_eq!(address(Some("Kim, kim@a.test; +1 555"), None).as_deref(), Some("kim@a.test"));
        assert_eq!(address(Some("Kim"), None), None);
    }

    #[test]
    fn tags_are_the_same_in_any_case_and_stand_in_one_order() {
        let texts = |tags: &str| parsed(&CompanyTexts { tags: tags.into(), ..named("A") });
        assert_eq!(texts("gold, VIP;gold ,,\nGold, a").tags, "a, gold, VIP");
        assert_eq!(texts("VIP").changes_to(&texts("vip")), []);
        assert_eq!(texts("VIP").changes_to(&texts("vip, new")).len(), 1);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let texts = CompanyTexts {
            name: " ".into(),
            domain: "acme".into(),
            external_id: "a\tb".into(),
            contact: "x".repeat(301),
            email: "kim".into(),
            note: "n".repeat(2_001),
            tags: format!("ok, {}", "t".repeat(41)),
        };
        assert_eq!(
            problems(&texts),
            [
                (CompanyField::Name, "The name is empty.".into()),
                (CompanyField::Domain, "“acme” is not a domain name such as contoso.com.".into()),
                (CompanyField::ExternalId, "The external id contains control characters.".into()),
                (CompanyField::Contact, "The contact is longer than 300 characters.".into()),
                (CompanyField::Email, "“kim” is not an e-mail address such as kim@contoso.com.".into()),
                (CompanyField::Note, "The note is longer than 2000 characters.".into()),
                (CompanyField::Tags, format!("The tag “{}…” is longer than 40 characters.", "t".repeat(20))),
            ]
        );
    }

    #[test]
    fn a_note_has_lines_and_no_other_control_characters() {
        assert_eq!(parsed(&CompanyTexts { note: " a\r\nb\rc ".into(), ..named("A") }).note, "a\nb\nc");
        assert_eq!(problems(&CompanyTexts { note: "a\0b".into(), ..named("A") }).len(), 1);
    }

    #[test]
    fn tags_are_added_and_removed_in_any_case() -> Result<(), FieldProblem> {
        let with = |tags: &str, add: &str, remove: &str| retag(tags, &parse_tags(add)?, &parse_tags(remove)?);
        for (tags, add, remove, expected) in [
            ("", "VIP; berlin", "", "berlin, VIP"),
            ("berlin, VIP", "vip", "", "berlin, VIP"),
            ("berlin, VIP", "", "BERLIN", "VIP"),
            ("berlin", "berlin", "berlin", "berlin"),
            ("berlin", "", "munich", "berlin"),
        ] {
            assert_eq!(with(tags, add, remove)?, expected, "{tags} + {add} - {remove}");
        }
        let most: Vec<_> = (0..50).map(|number| number.to_string()).collect();
        assert_eq!(with(&most.join(","), "one more", ""), Err(FieldProblem::ManyTags));
        assert!(with(&most.join(","), "one more", "0").is_ok());
        Ok(())
    }

    #[test]
    fn an_empty_text_erases_nothing_in_a_file() {
        let before = CompanyTexts { domain: "a.test".into(), note: "n".into(), ..named("A") };
        let after = CompanyTexts { note: "m".into(), ..named("B") }.or(&before);
        assert_eq!(after, CompanyTexts { domain: "a.test".into(), note: "m".into(), ..named("B") });
        assert_eq!(in_words(&before.changes_to(&after)), "Name: A → B; Note changed");
        assert_eq!(in_words(&after.changes_to(&named("B"))), "Primary domain: no longer a.test; Note changed");
    }

    #[test]
    fn stable_names_lead_back_to_what_they_name() {
        for field in CompanyField::ALL {
            assert_eq!(CompanyField::from_key(field.key()), Some(field));
        }
    }

    proptest! {
        #[test]
        fn what_was_taken_once_is_taken_again_unchanged(
            name in "[ a-zé\\t]{0,12}", domain in "(https?://)?(www\\.)?[a-z.]{0,9}(/x)?", contact in "\\PC{0,20}( <[a-z]@b\\.test>)?",
            email in "([a-z]{1,3}@b\\.test)?", note in "[a-z\\r\\n ]{0,9}", tags in "[a-zA-Z,; ]{0,20}", external_id in "\\PC{0,9}",
        ) {
            if let Ok(draft) = CompanyDraft::parse(&CompanyTexts { name, domain, external_id, contact, email, note, tags }) {
                let texts = draft.texts();
                prop_assert_eq!(CompanyDraft::parse(&texts).map(|draft| draft.texts()), Ok(texts));
            }
        }
    }
}
