//! A campaign as it is on the server, and what to do with it.

use std::collections::HashMap;

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::{clock, document},
    search::how_many,
    session::Session,
    state::{Load, Submission, Tone, Voice},
};
use crate::{
    api::{
        campaigns::{
            CampaignTexts, CampaignView, mark_links_sent, preview_mail, renew_link, send_links, show_campaign,
        },
        links::{LinkOutcome, withdraw_link},
    },
    domain::{CampaignAction, CampaignId, CampaignRow, CampaignState, CompanyId, LeftOut, LinkMessage},
    error::AppError,
};

/// How often to ask how far the companies are, while somebody looks.
const ASK_MILLIS: u32 = 2_000;

/// A campaign of more companies than this is much to read: it is asked for less often.
const LARGE: usize = 1_000;

/// How many times less often.
const LARGE_EVERY: u32 = 5;

/// The ids of the fields of a mail.
pub const SUBJECT: &str = "mail-subject";
pub const BODY: &str = "mail-body";

/// A row that stays the same while it changes, so that the focus stays where it is.
pub type Row = ArcRwSignal<CampaignRow>;

/// The campaign.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    id: CampaignId,
    session: Session,
    voice: Voice,
    view: RwSignal<CampaignView>,
    rows: RwSignal<Vec<Row>>,
    load: RwSignal<Load>,
    asking: StoredValue<bool>,
    /// With which companies something is being done.
    busy: StoredValue<Vec<CompanyId>>,
    refused: RwSignal<Option<String>>,
    left_out: RwSignal<Vec<LeftOut>>,
    renewed: RwSignal<Vec<LinkOutcome>>,
    preview: RwSignal<Option<LinkMessage>>,
    /// The state whose companies are shown. None: all of them.
    pub shown: RwSignal<Option<CampaignState>>,
    /// What clients are written, as somebody writes it now.
    pub subject: RwSignal<String>,
    /// The same.
    pub body: RwSignal<String>,
    /// How many days before a link expires its client is reminded. 0: not at all.
    pub days: RwSignal<u8>,
    /// Whether a mail is on its way to the server.
    pub form: Submission,
}

impl Campaign {
    /// Reads it, and follows it until the owner is gone.
    pub fn follow(id: CampaignId, session: Session, voice: Voice) -> Self {
        let this = Self {
            id,
            session,
            voice,
            view: RwSignal::default(),
            rows: RwSignal::default(),
            load: RwSignal::default(),
            asking: StoredValue::default(),
            busy: StoredValue::default(),
            refused: RwSignal::default(),
            left_out: RwSignal::default(),
            renewed: RwSignal::default(),
            preview: RwSignal::default(),
            shown: RwSignal::default(),
            subject: RwSignal::default(),
            body: RwSignal::default(),
            days: RwSignal::default(),
            form: Submission::default(),
        };
        this.read();
        document::on_return(move || this.read());
        let ticks = StoredValue::new(0_u32);
        clock::every(ASK_MILLIS, move || {
            ticks.update_value(|ticks| *ticks = ticks.wrapping_add(1));
            let is_turn = this.rows.with_untracked(Vec::len) <= LARGE || ticks.get_value().is_multiple_of(LARGE_EVERY);
            if is_turn && !document::is_hidden() {
                this.read();
            }
        });
        this
    }

    /// What it is, its companies apart.
    pub fn view(self) -> ReadSignal<CampaignView> {
        self.view.read_only()
    }

    /// Its companies, by name.
    pub fn rows(self) -> ReadSignal<Vec<Row>> {
        self.rows.read_only()
    }

    /// Whether it is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Why the last action was refused.
    pub fn refused(self) -> ReadSignal<Option<String>> {
        self.refused.read_only()
    }

    /// The companies that were written nothing, though somebody wanted that.
    pub fn left_out(self) -> ReadSignal<Vec<LeftOut>> {
        self.left_out.read_only()
    }

    /// Links that were just made, each to be shown once.
    pub fn renewed(self) -> RwSignal<Vec<LinkOutcome>> {
        self.renewed
    }

    /// What the first client would be written.
    pub fn preview(self) -> ReadSignal<Option<LinkMessage>> {
        self.preview.read_only()
    }

    /// How many companies are in each state, where there are any.
    pub fn counts(self) -> Vec<(CampaignState, usize)> {
        let states: Vec<_> = self.rows.with(|rows| rows.iter().map(|row| row.with(|row| row.state)).collect());
        let count = |state| states.iter().filter(|other| **other == state).count();
        CampaignState::ALL.into_iter().map(|state| (state, count(state))).filter(|(_, count)| *count > 0).collect()
    }

    /// The companies whose link waits to be sent: those that can be written to, or all of them.
    pub fn waiting(self, with_address: bool) -> Vec<CompanyId> {
        let waits = |row: &CampaignRow| row.state.refuses_mail(false).is_none() && (!with_address || row.to.is_some());
        self.rows.with(|rows| rows.iter().filter_map(|row| row.with(|row| waits(row).then_some(row.company))).collect())
    }

    /// The names of those that wait and can't be written to.
    pub fn unreachable(self) -> Vec<String> {
        let is_one = |row: &CampaignRow| row.state.refuses_mail(false).is_none() && row.to.is_none();
        self.rows
            .with(|rows| rows.iter().filter_map(|row| row.with(|row| is_one(row).then(|| row.name.clone()))).collect())
    }

    /// Asks the server how far it is. The page may be gone by now.
    pub fn read(self) {
        if self.asking.try_get_value() != Some(false) {
            return;
        }
        self.asking.set_value(true);
        spawn_local(async move {
            let digest = self.view.try_with_untracked(|view| view.digest).unwrap_or_default();
            let answer = show_campaign(self.id, digest).await;
            // The page may be gone by now.
            if self.load.try_get_untracked().is_none() {
                return;
            }
            self.asking.set_value(false);
            match answer {
                Ok(view) => {
                    if let Some(view) = view {
                        self.take(view);
                    }
                }
                Err(error) => {
                    self.session.heed(&error);
                    // What is shown stays.
                    if self.load.with_untracked(|load| *load != Load::Done) {
                        self.load.set(Load::Failed(error));
                    }
                }
            }
        });
    }

    fn take(self, mut view: CampaignView) {
        let rows = std::mem::take(&mut view.rows);
        if let Some(rows) = self.rows.with_untracked(|known| renewed_rows(known, rows)) {
            self.rows.set(rows);
        }
        let before = self.view.with_untracked(|view| view.texts.clone());
        follow(self.subject, &before.subject, &view.texts.subject);
        follow(self.body, &before.body, &view.texts.body);
        follow(self.days, &before.remind_days.unwrap_or_default(), &view.texts.remind_days.unwrap_or_default());
        if self.load.with_untracked(|load| *load != Load::Done) {
            document::set_title(&view.name);
            self.load.set(Load::Done);
        }
        self.view.set(view);
    }

    /// The texts as somebody wrote them here. None: they are as the server told.
    fn texts(self) -> Option<CampaignTexts> {
        let texts = self.written();
        self.view.with_untracked(|view| (view.texts != texts).then_some(texts))
    }

    fn written(self) -> CampaignTexts {
        let days = self.days.get_untracked();
        CampaignTexts {
            subject: self.subject.get_untracked(),
            body: self.body.get_untracked(),
            remind_days: Some(days).filter(|days| *days > 0),
        }
    }

    /// Shows what the first client would be written.
    pub fn show_preview(self) {
        self.form.send(
            BODY,
            Box::pin(async move {
                let message = self.heed(preview_mail(self.id, self.written()).await)?;
                self.preview.set(Some(message));
                Ok(())
            }),
        );
    }

    /// Keeps the text, and sends it to all who wait for it.
    pub fn send_to_all(self) {
        let companies = self.waiting(true);
        self.form.send(BODY, Box::pin(async move { self.send(companies, false).await }));
    }

    async fn send(self, companies: Vec<CompanyId>, again: bool) -> Result<(), AppError> {
        let is_kept = companies.is_empty();
        let queued = self.heed(send_links(self.id, self.texts(), companies, again).await)?;
        self.say(match queued.mails {
            _ if is_kept => "Text saved".to_owned(),
            0 => "No e-mail is on its way".to_owned(),
            1 => "1 e-mail is on its way".to_owned(),
            mails => format!("{mails} e-mails are on their way"),
        });
        self.left_out.set(queued.left_out);
        self.read();
        Ok(())
    }

    /// The companies that wait were sent their links in another way.
    pub fn mark_all(self) {
        let companies = self.waiting(false);
        self.run(None, async move { self.mark(companies).await });
    }

    async fn mark(self, companies: Vec<CompanyId>) -> Result<(), AppError> {
        let marked = self.heed(mark_links_sent(self.id, companies).await)?;
        self.say(format!("{} marked as sent", how_many(marked as usize)));
        Ok(())
    }

    /// Does something with a company, unless something is being done with it.
    pub fn act(self, row: &CampaignRow, action: CampaignAction) {
        let (company, name) = (row.company, row.name.clone());
        self.run(Some(company), async move {
            match action {
                CampaignAction::Send => self.send(vec![company], false).await,
                CampaignAction::SendAgain => self.send(vec![company], true).await,
                CampaignAction::MarkSent => self.mark(vec![company]).await,
                CampaignAction::Renew | CampaignAction::RenewAndSend => {
                    let send = action == CampaignAction::RenewAndSend;
                    let renewed = self.heed(renew_link(self.id, company, self.texts().filter(|_| send), send).await)?;
                    self.say(format!("{name}: {}", if send { "a new link is on its way" } else { "new link made" }));
                    self.renewed.update(|lines| lines.extend(renewed.line));
                    Ok(())
                }
                CampaignAction::Withdraw => {
                    self.heed(withdraw_link(company).await)?;
                    self.say(format!("{name}: link withdrawn"));
                    Ok(())
                }
            }
        });
    }

    fn run(self, company: Option<CompanyId>, what: impl Future<Output = Result<(), AppError>> + 'static) {
        if company.is_some_and(|company| self.busy.with_value(|busy| busy.contains(&company))) {
            return;
        }
        self.busy.update_value(|busy| busy.extend(company));
        self.refused.set(None);
        spawn_local(async move {
            if let Err(error) = what.await {
                self.refused.try_set(Some(error.message));
            }
            self.busy.try_update_value(|busy| busy.retain(|other| Some(*other) != company));
            if self.load.try_get_untracked().is_some() {
                self.read();
            }
        });
    }

    fn heed<T>(self, answer: Result<T, AppError>) -> Result<T, AppError> {
        answer.inspect_err(|error| {
            self.session.heed(error);
        })
    }

    fn say(self, words: String) {
        self.voice.say(words, Tone::Good, None);
    }
}

/// A field shows what the server has, unless somebody wrote something else there.
fn follow<T: Clone + PartialEq + Send + Sync + 'static>(field: RwSignal<T>, before: &T, now: &T) {
    if before != now && field.with_untracked(|written| written == before) {
        field.set(now.clone());
    }
}

/// Tells the rows what became of them. Answers the list, if other companies are in it or in another order.
fn renewed_rows(known: &[Row], rows: Vec<CampaignRow>) -> Option<Vec<Row>> {
    let company = |row: &Row| row.with_untracked(|row| row.company);
    let same = known.len() == rows.len() && known.iter().zip(&rows).all(|(known, row)| company(known) == row.company);
    let mut by_company: HashMap<CompanyId, &Row> = known.iter().map(|row| (company(row), row)).collect();
    let mut list = Vec::with_capacity(rows.len());
    for row in rows {
        // Whoever shows the company holds this one.
        list.push(match by_company.remove(&row.company) {
            Some(known) => {
                if known.with_untracked(|known| *known != row) {
                    known.set(row);
                }
                known.clone()
            }
            None => Row::new(row),
        });
    }
    (!same).then_some(list)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn row(number: u128, state: CampaignState) -> CampaignRow {
        let company = CompanyId::from_uuid(Uuid::from_u128(number));
        CampaignRow { company, name: number.to_string(), to: None, state, at: None, expires: None, note: String::new() }
    }

    #[test]
    fn a_field_follows_the_server_until_somebody_writes_in_it() {
        let field = RwSignal::new("");
        follow(field, &"", &"theirs");
        assert_eq!(field.get_untracked(), "theirs");
        field.set("mine");
        follow(field, &"theirs", &"theirs anew");
        assert_eq!(field.get_untracked(), "mine");
        follow(field, &"mine", &"theirs at last");
        assert_eq!(field.get_untracked(), "theirs at last", "mine was kept, and changed after that");
    }

    fn states(rows: &[Row]) -> Vec<(String, CampaignState)> {
        rows.iter().map(|row| row.with_untracked(|row| (row.name.clone(), row.state))).collect()
    }

    #[test]
    fn a_row_goes_on_being_told_of_its_company_when_others_come_go_or_change_places() {
        use CampaignState::{Connected, NotSent, Opened, Sent};

        let first = renewed_rows(&[], vec![row(1, NotSent), row(2, NotSent), row(3, NotSent)]).unwrap();
        let shown = first.clone();
        assert_eq!(
            renewed_rows(&first, vec![row(1, NotSent), row(2, Sent), row(3, NotSent)]),
            None,
            "the same companies"
        );
        assert_eq!(shown[1].with_untracked(|row| row.state), Sent);

        let second = renewed_rows(&first, vec![row(4, Sent), row(3, Opened), row(1, NotSent)]).unwrap();
        assert_eq!(states(&second), [("4".to_owned(), Sent), ("3".to_owned(), Opened), ("1".to_owned(), NotSent)]);
        assert_eq!(shown[2].with_untracked(|row| row.state), Opened, "whoever shows it sees it");

        assert_eq!(renewed_rows(&second, vec![row(4, Sent), row(3, Connected), row(1, NotSent)]), None);
        assert_eq!(shown[2].with_untracked(|row| row.state), Connected);
    }
}
