//! Links for many companies at once: whom they are for, how far they are, and what they look like on a sheet.

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::document,
    session::Session,
    state::{Load, Tone, Voice},
};
use crate::{
    api::{
        campaigns::{Recipients, link_recipients, make_links},
        links::{LinkOutcome, MANY},
    },
    domain::{CampaignId, Cause, CompanyId, Timestamp},
    error::AppError,
};

/// The id of what shows the links that were made.
pub const MADE: &str = "made-links";

/// For whom links are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The companies that need one for this cause.
    Cause(Cause),
    /// Those that somebody selected.
    Selected(Vec<CompanyId>),
}

/// How far the links are.
#[derive(Clone, Copy)]
pub struct NewLinks {
    session: Session,
    voice: Voice,
    source: StoredValue<Source>,
    load: RwSignal<Load>,
    recipients: RwSignal<Recipients>,
    /// How many were asked for, once they are.
    asked: RwSignal<Option<usize>>,
    lines: RwSignal<Vec<LinkOutcome>>,
    campaign: RwSignal<Option<CampaignId>>,
    refused: RwSignal<Option<String>>,
}

impl NewLinks {
    /// For these companies. Reads which of them can have one.
    pub fn of(source: Source, session: Session, voice: Voice) -> Self {
        let links = Self {
            session,
            voice,
            source: StoredValue::new(source),
            load: RwSignal::default(),
            recipients: RwSignal::default(),
            asked: RwSignal::default(),
            lines: RwSignal::default(),
            campaign: RwSignal::default(),
            refused: RwSignal::default(),
        };
        links.read();
        links
    }

    /// Why these companies.
    pub fn reason(self) -> &'static str {
        self.source.with_value(|source| match source {
            Source::Cause(cause) => cause.short(),
            Source::Selected(_) => "as you selected",
        })
    }

    /// Whether the companies are there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// The companies, by name.
    pub fn recipients(self) -> ReadSignal<Recipients> {
        self.recipients.read_only()
    }

    /// How many links were asked for. None: that is still to come.
    pub fn asked(self) -> ReadSignal<Option<usize>> {
        self.asked.read_only()
    }

    /// What came of them so far.
    pub fn lines(self) -> ReadSignal<Vec<LinkOutcome>> {
        self.lines.read_only()
    }

    /// The campaign that they are in, once one is made.
    pub fn campaign(self) -> ReadSignal<Option<CampaignId>> {
        self.campaign.read_only()
    }

    /// Why no more are made.
    pub fn refused(self) -> ReadSignal<Option<String>> {
        self.refused.read_only()
    }

    /// Reads the companies.
    pub fn read(self) {
        let (cause, companies) = match self.source.get_value() {
            Source::Cause(cause) => (Some(cause.key().to_owned()), Vec::new()),
            Source::Selected(companies) => (None, companies),
        };
        spawn_local(async move {
            let answer = link_recipients(cause, companies).await;
            // The page may be gone by now.
            if self.load.try_get_untracked().is_none() {
                return;
            }
            match answer {
                Ok(recipients) => {
                    self.recipients.set(recipients);
                    self.load.set(Load::Done);
                }
                Err(error) => {
                    self.session.heed(&error);
                    self.load.set(Load::Failed(error));
                }
            }
        });
    }

    /// Makes the links, part by part, in a campaign of this name. With `replace`, also for companies that have a live one.
    pub fn make(self, name: String, replace: bool) {
        if self.asked.get_untracked().is_some() {
            return;
        }
        let wanted: Vec<CompanyId> = self.recipients.with_untracked(|recipients| {
            let wanted = recipients.can.iter().filter(|recipient| replace || !recipient.has_link);
            wanted.map(|recipient| recipient.company).collect()
        });
        self.asked.set(Some(wanted.len()));
        self.refused.set(None);
        spawn_local(async move {
            for part in wanted.chunks(MANY) {
                let campaign = self.campaign.get_untracked();
                let answer = make_links(campaign, name.clone(), part.to_vec(), replace).await;
                if self.lines.try_get_untracked().is_none() {
                    return;
                }
                match answer {
                    Ok(made) => {
                        let is_first = self.lines.with_untracked(Vec::is_empty);
                        self.campaign.set(made.campaign);
                        self.lines.update(|lines| lines.extend(made.lines));
                        if is_first {
                            // The button that was pressed is gone.
                            request_animation_frame(|| {
                                document::focus(MADE);
                            });
                        }
                    }
                    Err(error) => return self.stop(&error),
                }
            }
            let made = self.lines.with_untracked(|lines| lines.iter().filter(|line| line.refusal.is_none()).count());
            self.voice.say(
                if made == 1 { "1 link made".into() } else { format!("{made} links made") },
                Tone::Good,
                None,
            );
        });
    }

    /// What was made so far is shown: its links are told once.
    fn stop(self, error: &AppError) {
        self.session.heed(error);
        self.refused.set(Some(error.message.clone()));
        if self.lines.with_untracked(Vec::is_empty) {
            self.asked.set(None);
        }
    }
}

/// The links, one on each line after its company's name.
pub fn list(lines: &[LinkOutcome]) -> String {
    made(lines).flat_map(|line| [&line.name, ": ", &line.url, "\n"]).collect()
}

/// The links as a file for a spreadsheet. `time` writes a point in time for machines.
pub fn sheet(lines: &[LinkOutcome], time: impl Fn(Timestamp) -> String) -> String {
    let mut sheet = "company,contact,link,valid_until,subject,message\r\n".to_owned();
    for line in made(lines) {
        let until = line.expires.map(&time).unwrap_or_default();
        let to = line.to.as_deref().unwrap_or_default();
        sheet.push_str(&[&line.name, to, &line.url, &until, &line.subject, &line.body].map(cell).join(","));
        sheet.push_str("\r\n");
    }
    sheet
}

fn made(lines: &[LinkOutcome]) -> impl Iterator<Item = &LinkOutcome> {
    lines.iter().filter(|line| line.refusal.is_none())
}

/// A cell that a spreadsheet does not take for a formula, and that does not break its row.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let mark = if is_formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str) -> LinkOutcome {
        LinkOutcome {
            name: name.into(),
            refusal: None,
            url: "https://t.example/c/abc".into(),
            expires: Some(Timestamp::from_millis(1_700_000_000_000)),
            to: Some("kim@contoso.com".into()),
            subject: "Connect".into(),
            body: "a\nb".into(),
        }
    }

    fn refused(name: &str) -> LinkOutcome {
        LinkOutcome { name: name.into(), refusal: Some("no".into()), ..LinkOutcome::default() }
    }

    #[test]
    fn a_sheet_holds_what_was_made_and_no_formula() {
        let lines = [made("=HYPERLINK(\"http://evil.test\")"), refused("Fabrikam")];
        assert_eq!(
            sheet(&lines, |time| time.as_millis().to_string()),
            "company,contact,link,valid_until,subject,message\r\n\
             \"'=HYPERLINK(\"\"http://evil.test\"\")\",\"kim@contoso.com\",\"https://t.example/c/abc\",\
             \"1700000000000\",\"Connect\",\"a\nb\"\r\n"
        );
    }

    #[test]
    fn all_links_can_be_pasted_somewhere() {
        assert_eq!(list(&[made("Contoso"), refused("Fabrikam")]), "Contoso: https://t.example/c/abc\n");
    }
}
