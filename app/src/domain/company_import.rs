//! What a file of companies would do: shown before it is done, and done as it was shown.

use std::collections::{HashMap, hash_map::Entry};

use serde::{Deserialize, Serialize};

use super::{
    CompanyId,
    company_draft::{CompanyDraft, CompanyField, CompanyTexts, FieldChange, FieldError},
};

/// The most rows that a file may have.
pub const MAX_ROWS: usize = 10_000;

/// The largest file, in bytes.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;

/// A company that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Which one.
    pub id: CompanyId,
    /// What is known of it.
    pub texts: CompanyTexts,
    /// Whether it is put away.
    pub archived: bool,
}

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Its line, from 1.
    pub line: u32,
    /// What it says.
    pub texts: CompanyTexts,
}

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Its line in the file, from 1.
    pub line: u32,
    /// The company as it will be; of a wrong row, what it says.
    pub texts: CompanyTexts,
    /// What it does.
    pub verdict: Verdict,
}

/// What a row does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It adds a company.
    New,
    /// It changes one.
    Changed {
        /// Which one.
        company: CompanyId,
        /// What of it.
        changes: Vec<FieldChange>,
    },
    /// It says what is known.
    Unchanged,
    /// It is about a company that is put away, which stays as it is.
    Archived,
    /// It can't be taken.
    Wrong {
        /// Why.
        reasons: Vec<String>,
        /// What has to be otherwise, as a rule.
        fields: Vec<CompanyField>,
    },
}

impl Verdict {
    fn not_told_apart(reason: String) -> Self {
        Self::Wrong { reasons: vec![reason], fields: IDENTITY.into() }
    }
}

/// How many rows do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// New companies.
    pub new: usize,
    /// Changed ones.
    pub changed: usize,
    /// Unchanged ones.
    pub unchanged: usize,
    /// Those that are put away.
    pub archived: usize,
    /// Wrong rows.
    pub wrong: usize,
}

impl Counts {
    /// Of these rows.
    pub fn of(rows: &[Planned]) -> Self {
        let mut counts = Self::default();
        for row in rows {
            *match row.verdict {
                Verdict::New => &mut counts.new,
                Verdict::Changed { .. } => &mut counts.changed,
                Verdict::Unchanged => &mut counts.unchanged,
                Verdict::Archived => &mut counts.archived,
                Verdict::Wrong { .. } => &mut counts.wrong,
            } += 1;
        }
        counts
    }
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportColumn {
    /// What the file calls it.
    pub header: String,
    /// What stands in it first.
    pub sample: String,
    /// What it is taken for. None: it is left out.
    pub field: Option<CompanyField>,
}

/// What a file would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPreview {
    /// Its columns. As long as none is the name, there are no rows.
    pub columns: Vec<ImportColumn>,
    /// Its rows.
    pub rows: Vec<Planned>,
    /// What confirms that this was seen.
    pub digest: String,
}

/// The names that programs give to the columns, the surest first, in lower case and without blanks.
const HEADERS: [(CompanyField, &[&str]); 7] = [
    (
        CompanyField::Name,
        &[
            "companyname",
            "clientname",
            "accountname",
            "customername",
            "organizationname",
            "organisationname",
            "company",
            "client",
            "customer",
            "organization",
            "organisation",
            "name",
            "account",
            "firma",
            "kunde",
        ],
    ),
    (
        CompanyField::Domain,
        &["primarydomain", "domain", "domainname", "website", "webaddress", "web", "url", "homepage"],
    ),
    (
        CompanyField::ExternalId,
        &[
            "externalid",
            "companyid",
            "clientid",
            "accountid",
            "customerid",
            "accountnumber",
            "clientnumber",
            "customernumber",
            "companynumber",
            "account#",
            "client#",
            "id",
            "number",
            "reference",
        ],
    ),
    (
        CompanyField::Contact,
        &["contactname", "contact", "primarycontact", "primarycontactname", "maincontact", "contactperson"],
    ),
    (
        CompanyField::Email,
        &[
            "contactemail",
            "primarycontactemail",
            "contactmail",
            "contactemailaddress",
            "email",
            "emailaddress",
            "mail",
            "primaryemail",
        ],
    ),
    (CompanyField::Note, &["note", "notes", "comment", "comments", "remark", "remarks", "description"]),
    (CompanyField::Tags, &["tags", "tag", "labels", "label", "categories", "category", "groups", "group"]),
];

/// What the columns of a file are, by their names.
pub fn guess<S: AsRef<str>>(headers: &[S]) -> Vec<Option<CompanyField>> {
    let plain: Vec<String> = headers
        .iter()
        .map(|header| header.as_ref().to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '#').collect())
        .collect();
    let mut mapping = vec![None; headers.len()];
    for (field, names) in HEADERS {
        let free =
            |name: &&&str| plain.iter().zip(&mapping).position(|(header, taken)| header == **name && taken.is_none());
        if let Some(column) = names.iter().find_map(|name| free(&name)) {
            mapping[column] = Some(field);
        }
    }
    mapping
}

/// What a row of cells says.
pub fn texts_of<S: AsRef<str>>(cells: &[S], mapping: &[Option<CompanyField>]) -> CompanyTexts {
    let mut texts = CompanyTexts::default();
    for (cell, field) in cells.iter().zip(mapping) {
        if let Some(field) = field {
            cell.as_ref().trim().clone_into(texts.get_mut(*field));
        }
    }
    texts
}

/// What somebody says of a row that is wrong, beside the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mend {
    /// The row's line.
    pub line: u32,
    /// Which field says this. None: the row is left out, unless the text is empty.
    pub field: Option<CompanyField>,
    /// What it says.
    pub text: String,
}

/// The rows as somebody mended them. Of two who say something of one field, the later counts.
pub fn mended(rows: Vec<FileRow>, mends: &[Mend]) -> Vec<FileRow> {
    let mut by_line: HashMap<u32, Vec<&Mend>> = HashMap::new();
    for mend in mends {
        by_line.entry(mend.line).or_default().push(mend);
    }
    let mend = |mut row: FileRow| {
        let mut left_out = false;
        for mend in by_line.get(&row.line).into_iter().flatten() {
            match mend.field {
                Some(field) => mend.text.trim().clone_into(row.texts.get_mut(field)),
                None => left_out = !mend.text.is_empty(),
            }
        }
        (!left_out).then_some(row)
    };
    rows.into_iter().filter_map(mend).collect()
}

/// What tells companies apart.
const IDENTITY: [CompanyField; 3] = [CompanyField::Name, CompanyField::Domain, CompanyField::ExternalId];

/// What becomes of each row. A company is found again by its external id, else by its domain, else by its name. Two
/// different external ids are two companies, whatever else they share.
///
/// If no row is wrong, then after it is done, the same file changes nothing.
pub fn plan(present: &[Present], rows: &[FileRow]) -> Vec<Planned> {
    let mut companies = Companies::default();
    for company in present {
        let name = company.texts.name.to_lowercase();
        let (id, texts) = (Some(company.id), company.texts.clone());
        companies.add(Known { id, archived: company.archived, texts, name, line: None });
    }
    let planned: Vec<_> = rows.iter().map(|row| companies.admit(row)).collect();
    let after = companies.indexed_anew();
    planned.into_iter().map(|(said, planned)| after.recheck(&said, planned)).collect()
}

struct Known {
    id: Option<CompanyId>,
    archived: bool,
    texts: CompanyTexts,
    /// Its name in lower case: what it is found by.
    name: String,
    /// The row that means it.
    line: Option<u32>,
}

/// The companies as they are after the rows so far.
#[derive(Default)]
struct Companies {
    known: Vec<Known>,
    by_external_id: HashMap<String, usize>,
    by_domain: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
}

enum Found {
    Nobody,
    One(usize),
    /// Several, which share this.
    Several(CompanyField),
}

impl Companies {
    fn add(&mut self, company: Known) {
        self.known.push(company);
        self.index(self.known.len() - 1);
    }

    fn index(&mut self, place: usize) {
        let Known { name, texts: CompanyTexts { domain, external_id, .. }, .. } = &self.known[place];
        if !external_id.is_empty() {
            self.by_external_id.insert(external_id.clone(), place);
        }
        let named = self.by_name.entry(name.clone());
        let at_domain = (!domain.is_empty()).then(|| self.by_domain.entry(domain.clone()));
        for places in std::iter::once(named).chain(at_domain).map(Entry::or_default) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }

    fn indexed_anew(self) -> Self {
        let mut anew = Self::default();
        for company in self.known {
            anew.add(company);
        }
        anew
    }

    fn find(&self, texts: &CompanyTexts) -> Found {
        let external_id = &texts.external_id;
        if let Some(place) = self.by_external_id.get(external_id) {
            return Found::One(*place);
        }
        let name = texts.name.to_lowercase();
        let at_domain = self.by_domain.get(&texts.domain).map(|places| (CompanyField::Domain, places));
        let named = self.by_name.get(&name).map(|places| (CompanyField::Name, places));
        // Those that are put away are meant only if no other is.
        for archived in [false, true] {
            for (shared, places) in at_domain.into_iter().chain(named) {
                let may_be = |place: &&usize| {
                    let known = &self.known[**place];
                    known.archived == archived && (external_id.is_empty() || known.texts.external_id.is_empty())
                };
                let mut may_be: Vec<usize> = places.iter().filter(may_be).copied().collect();
                if may_be.len() > 1 && may_be.iter().any(|place| self.known[*place].name == name) {
                    may_be.retain(|place| self.known[*place].name == name);
                }
                match may_be[..] {
                    [] => {}
                    [place] => return Found::One(place),
                    _ => return Found::Several(shared),
                }
            }
        }
        Found::Nobody
    }

    /// What becomes of a row, beside what it says.
    fn admit(&mut self, row: &FileRow) -> (CompanyTexts, Planned) {
        match CompanyDraft::parse(&row.texts) {
            Ok(draft) => {
                let said = draft.texts();
                (said.clone(), self.admit_texts(row.line, said))
            }
            Err(errors) => {
                let reasons = errors.iter().map(FieldError::to_string).collect();
                let mut fields: Vec<_> = errors.iter().map(|error| error.field).collect();
                fields.dedup();
                let verdict = Verdict::Wrong { reasons, fields };
                (row.texts.clone(), Planned { line: row.line, texts: row.texts.clone(), verdict })
            }
        }
    }

    fn admit_texts(&mut self, line: u32, texts: CompanyTexts) -> Planned {
        let wrong = |reason| Planned { line, texts: texts.clone(), verdict: Verdict::not_told_apart(reason) };
        let place = match self.find(&texts) {
            Found::Several(field) => {
                let reason = match field {
                    CompanyField::Domain => format!("several companies have the domain {}", texts.domain),
                    _ => format!("several companies are called {}", texts.name),
                };
                return wrong(format!("{reason}: only an external id tells which one is meant"));
            }
            Found::Nobody => {
                let name = texts.name.to_lowercase();
                self.add(Known { id: None, archived: false, texts: texts.clone(), name, line: Some(line) });
                return Planned { line, texts, verdict: Verdict::New };
            }
            Found::One(place) => place,
        };
        let known = &mut self.known[place];
        if let Some(first) = known.line {
            return wrong(format!("the same company stands in line {first}"));
        }
        known.line = Some(line);
        if known.archived {
            return Planned { line, texts: known.texts.clone(), verdict: Verdict::Archived };
        }
        let after = texts.or(&known.texts);
        let changes = known.texts.changes_to(&after);
        let verdict = match known.id {
            Some(company) if !changes.is_empty() => Verdict::Changed { company, changes },
            _ => return Planned { line, texts: known.texts.clone(), verdict: Verdict::Unchanged },
        };
        known.name = after.name.to_lowercase();
        known.texts = after.clone();
        self.index(place);
        Planned { line, texts: after, verdict }
    }

    /// Whether the row would find its company again.
    fn recheck(&self, said: &CompanyTexts, planned: Planned) -> Planned {
        if matches!(planned.verdict, Verdict::Wrong { .. }) {
            return planned;
        }
        match self.find(said) {
            Found::One(place) if self.known[place].line == Some(planned.line) => planned,
            _ => {
                let reason = "another company has the same domain or name: only external ids tell them apart";
                Planned { verdict: Verdict::not_told_apart(reason.into()), ..planned }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(number: usize) -> CompanyId {
        CompanyId::from_uuid(Uuid::from_u128(number as u128 + 1))
    }

    fn texts(name: &str, domain: &str, external_id: &str) -> CompanyTexts {
        CompanyTexts {
            name: name.into(),
            domain: domain.into(),
            external_id: external_id.into(),
            ..CompanyTexts::default()
        }
    }

    fn present(list: &[(&str, &str, &str)]) -> Vec<Present> {
        let company = |(place, (name, domain, external_id)): (usize, &(&str, &str, &str))| Present {
            id: id(place),
            texts: texts(name, domain, external_id),
            archived: false,
        };
        list.iter().enumerate().map(company).collect()
    }

    fn rows(list: &[(&str, &str, &str)]) -> Vec<FileRow> {
        let lines = 2..;
        let row = |(line, (name, domain, external_id)): (u32, &(&str, &str, &str))| FileRow {
            line,
            texts: texts(name, domain, external_id),
        };
        lines.zip(list).map(row).collect()
    }

    /// A word for each row, and of changes what changes.
    fn words(planned: &[Planned]) -> Vec<String> {
        let word = |planned: &Planned| match &planned.verdict {
            Verdict::New => "new".into(),
            Verdict::Changed { company, changes } => {
                let place = company.uuid().as_u128() - 1;
                format!("{place} {}", super::super::company_draft::in_words(changes))
            }
            Verdict::Unchanged => "unchanged".into(),
            Verdict::Archived => "archived".into(),
            Verdict::Wrong { reasons, .. } => reasons.join("; "),
        };
        planned.iter().map(word).collect()
    }

    #[test]
    fn a_company_is_found_by_external_id_else_by_domain_else_by_name() {
        let there = present(&[("Acme", "acme.test", "a1"), ("Gamma", "gamma.test", ""), ("Beta", "", "")]);
        let file = rows(&[
            ("Acme Ltd", "acme.example", "a1"),
            ("Gamma Inc", "gamma.test", "g1"),
            ("BETA", "beta.test", ""),
            ("Delta", "", ""),
            ("Acme", "acme.test", "a2"),
        ]);
        assert_eq!(
            words(&plan(&there, &file)),
            [
                "0 Name: Acme → Acme Ltd; Primary domain: acme.test → acme.example",
                "1 Name: Gamma → Gamma Inc; External id: g1",
                "2 Name: Beta → BETA; Primary domain: beta.test",
                "new",
                "new",
            ]
        );
    }

    #[test]
    fn what_is_empty_in_the_file_stays() {
        let there = present(&[("Acme", "acme.test", "a1")]);
        assert_eq!(words(&plan(&there, &rows(&[("Acme", "", "")]))), ["unchanged"]);
    }

    #[test]
    fn two_rows_never_mean_one_company() {
        let there = present(&[("Acme", "acme.test", "a1")]);
        for (file, wrong) in [
            (&[("X", "", "1"), ("Y", "", "1")][..], "the same company stands in line 2"),
            (&[("Acme", "", "a1"), ("Other", "acme.test", "")], "the same company stands in line 2"),
            (&[("X", "x.test", "1"), ("Y", "x.test", "")], "the same company stands in line 2"),
            (&[("X", "", ""), ("x", "", "")], "the same company stands in line 2"),
        ] {
            assert_eq!(words(&plan(&there, &rows(file)))[1], wrong, "{file:?}");
        }
    }

    #[test]
    fn what_could_be_either_of_two_is_asked_about() {
        let there =
            present(&[("North", "acme.test", "1"), ("South", "acme.test", "2"), ("Twin", "", ""), ("twin", "", "")]);
        let file = rows(&[("South", "acme.test", ""), ("West", "acme.test", ""), ("Twin", "", "")]);
        assert_eq!(
            words(&plan(&there, &file)),
            [
                "unchanged",
                "several companies have the domain acme.test: only an external id tells which one is meant",
                "several companies are called Twin: only an external id tells which one is meant",
            ]
        );
    }

    #[test]
    fn a_company_that_is_put_away_stays_so_unless_another_is_meant() {
        let mut there = present(&[("Acme", "acme.test", "a1"), ("Acme", "acme.test", "")]);
        there[0].archived = true;
        let file = rows(&[("Acme Ltd", "", "a1"), ("Acme Inc", "acme.test", "")]);
        assert_eq!(words(&plan(&there, &file)), ["archived", "1 Name: Acme → Acme Inc"]);
    }

    #[test]
    fn a_row_that_would_be_taken_for_another_next_time_is_wrong() {
        let there = present(&[("Acme", "old.test", "a1")]);
        let file = rows(&[("New", "new.test", ""), ("New", "new.test", "a1")]);
        assert!(words(&plan(&there, &file))[0].starts_with("another company has the same domain or name"));
    }

    #[test]
    fn wrong_rows_are_mended_or_left_out_beside_the_file() {
        let file = rows(&[("Acme", "no domain", ""), ("Beta", "", ""), ("Beta", "", ""), ("", "x", "")]);
        let Verdict::Wrong { fields, .. } = &plan(&[], &file)[0].verdict else { panic!("it is wrong") };
        assert_eq!(fields, &[CompanyField::Domain]);
        let Verdict::Wrong { fields, .. } = &plan(&[], &file)[2].verdict else { panic!("it is wrong") };
        assert_eq!(fields, &IDENTITY);
        let mend = |line, field, text: &str| Mend { line, field, text: text.into() };
        let mends = [
            mend(2, Some(CompanyField::Domain), "first.test"),
            mend(2, Some(CompanyField::Domain), " acme.test "),
            mend(3, None, ""),
            mend(4, None, "yes"),
            mend(5, None, "yes"),
            mend(5, None, ""),
            mend(5, Some(CompanyField::Domain), ""),
            mend(5, Some(CompanyField::Name), "Delta"),
            mend(99, Some(CompanyField::Name), "Nobody"),
        ];
        let mended = mended(file, &mends);
        let lines: Vec<_> = mended.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 3, 5]);
        assert_eq!(mended[0].texts, texts("Acme", "acme.test", ""));
        assert_eq!(words(&plan(&[], &mended)), ["new", "new", "new"]);
    }

    #[test]
    fn columns_are_known_by_the_names_that_programs_give_them() {
        use CompanyField::{Contact, Domain, Email, ExternalId, Name, Note, Tags};

        for (headers, fields) in [
            (
                &["name", "domain", "external_id", "contact", "email", "note", "tags"][..],
                &[Some(Name), Some(Domain), Some(ExternalId), Some(Contact), Some(Email), Some(Note), Some(Tags)][..],
            ),
            (&["Company Name", "Primary Contact", "Web Address"], &[Some(Name), Some(Contact), Some(Domain)]),
            (&["Account Name", "Account #", "Notes"], &[Some(Name), Some(ExternalId), Some(Note)]),
            (
                &["ID", " CLIENT ", "E-Mail", "Website", "Tier"],
                &[Some(ExternalId), Some(Name), Some(Email), Some(Domain), None],
            ),
            (&["Name", "Company"], &[None, Some(Name)]),
            (&["name", "name", ""], &[Some(Name), None, None]),
            (&["title"], &[None]),
        ] {
            assert_eq!(guess(headers), fields, "{headers:?}");
        }
    }

    #[test]
    fn a_row_with_too_few_or_too_many_cells_is_read_as_far_as_it_goes() {
        let mapping = [None, Some(CompanyField::Name), Some(CompanyField::Note)];
        assert_eq!(texts_of(&["x", " Acme "], &mapping), texts("Acme", "", ""));
        assert_eq!(texts_of(&["x", "Acme", "", "y"], &mapping), texts("Acme", "", ""));
    }

    fn some_texts() -> impl Strategy<Value = CompanyTexts> {
        ("[ABb]{1}", "([ab]\\.test)?", "[12]?", "[n]?")
            .prop_map(|(name, domain, external_id, note)| CompanyTexts { note, ..texts(&name, &domain, &external_id) })
    }

    proptest! {
        #[test]
        fn the_same_file_again_changes_nothing(
            there in proptest::collection::vec((some_texts(), any::<bool>()), 0..5),
            file in proptest::collection::vec(some_texts(), 0..5),
        ) {
            let mut external_ids = std::collections::HashSet::new();
            let mut there: Vec<Present> = there
                .into_iter()
                .filter(|(texts, _)| texts.external_id.is_empty() || external_ids.insert(texts.external_id.clone()))
                .enumerate()
                .map(|(place, (texts, archived))| Present { id: id(place), texts, archived })
                .collect();
            let file: Vec<FileRow> = (2..).zip(file).map(|(line, texts)| FileRow { line, texts }).collect();
            let planned = plan(&there, &file);
            prop_assume!(Counts::of(&planned).wrong == 0);
            for Planned { texts, verdict, .. } in planned {
                match verdict {
                    Verdict::New => there.push(Present { id: id(there.len()), texts, archived: false }),
                    Verdict::Changed { company, .. } => {
                        there.iter_mut().filter(|known| known.id == company).for_each(|known| known.texts = texts.clone());
                    }
                    _ => {}
                }
            }
            let used: Vec<_> = there.iter().map(|known| &known.texts.external_id).filter(|id| !id.is_empty()).collect();
            prop_assert_eq!(used.iter().collect::<std::collections::HashSet<_>>().len(), used.len());
            let again = plan(&there, &file);
            let counts = Counts::of(&again);
            prop_assert_eq!(counts.unchanged + counts.archived, file.len(), "{:?}", again);
        }
    }
}
