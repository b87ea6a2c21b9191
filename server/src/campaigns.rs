//! Campaigns: links for many companies, made together, sent by mail, and followed.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use app::{
    api::{
        campaigns::{CampaignTexts, CampaignView, MadeLinks, Queued, Recipient, Recipients, Renewed},
        links::{LinkOutcome, NewLink},
    },
    domain::{
        Action, CampaignAction, CampaignId, CampaignName, CampaignRow, CampaignState, CampaignSummary, Cause,
        CompanyId, CompanyRow, LeftOut, LinkMessage, Me, Status, Template, Timestamp,
        campaign::{MailTexts, REMIND_DAYS},
        link::PATH,
    },
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use maud::{DOCTYPE, Markup, html};
use tokio::sync::Notify;

use crate::{
    clock::Mint as _,
    failure::internal,
    links::{LinkMaker, moment, no_such_company},
    store::{
        StoreError,
        activity::Actor,
        campaigns::{Campaign, ClientMail, InCampaign, Member, NewCampaign},
        links::Contact,
        mail::Letter,
    },
};

/// What a reminder says above the text.
const REMINDER: &str = "This is a reminder: the link below was not used yet, and it is good for a few days only.\n\n";

/// Campaigns, in somebody's name.
pub struct Campaigns {
    maker: Arc<LinkMaker>,
    /// Who mails are from. None: no mail server is configured.
    mail_from: Option<String>,
    /// Wakes who sends.
    wake: Arc<Notify>,
    me: Me,
}

impl Campaigns {
    /// For who is signed in.
    pub const fn new(maker: Arc<LinkMaker>, mail_from: Option<String>, wake: Arc<Notify>, me: Me) -> Self {
        Self { maker, mail_from, wake, me }
    }

    fn by(&self) -> Actor {
        Actor::signed_in(&self.me)
    }

    async fn find(&self, campaign: CampaignId) -> Result<Campaign, AppError> {
        self.maker.store.campaign(campaign).await.map_err(internal)?.ok_or_else(no_such_campaign)
    }

    fn need_mail(&self) -> Result<(), AppError> {
        let text = "No mail server is configured. Set TENANTRY_SMTP_URL and TENANTRY_MAIL_FROM, and restart.";
        self.mail_from.is_some().then_some(()).ok_or_else(|| AppError::new(ErrorCode::Conflict, text))
    }

    fn recipient(&self, row: CompanyRow) -> Recipient {
        let has_link = row.live_link(self.maker.clock.now()).is_some();
        Recipient { company: row.id, name: row.name, has_link }
    }

    /// A new campaign, as it begins.
    fn beginning(&self, name: Option<&CampaignName>) -> NewCampaign {
        let unnamed = || format!("Links of {}", moment(self.maker.clock.now()));
        NewCampaign {
            name: name.map_or_else(unnamed, |name| name.as_str().to_owned()),
            template: Template::default(),
            remind_days: Some(REMIND_DAYS),
        }
    }

    fn outcome(&self, template: &Template, name: String, contact: Option<&Contact>, link: NewLink) -> LinkOutcome {
        let nobody = Contact::default();
        let message = self.maker.message(template, &self.me.name, &name, contact.unwrap_or(&nobody), &link);
        let LinkMessage { to, subject, body } = message;
        LinkOutcome { name, refusal: None, url: link.url, expires: Some(link.expires), to, subject, body }
    }
}

#[async_trait]
impl ports::Campaigns for Campaigns {
    async fn recipients(&self, companies: Vec<CompanyId>) -> Result<Recipients, AppError> {
        let store = &self.maker.store;
        // Those that are put away first: one that comes back in between is in the rows.
        let found = store.selected(&companies).await.map_err(internal)?;
        let rows = store.selected_rows(&companies).await.map_err(internal)?;
        let gone = companies.len().saturating_sub(found.len());
        let mut recipients = Recipients::default();
        let left_out = |name: String, reason: &str| LeftOut { name, reason: reason.to_owned() };
        let archived = found.into_iter().filter(|company| company.archived);
        recipients.cannot.extend(archived.map(|company| left_out(company.name, "It is archived.")));
        for row in rows {
            match no_link_for(&row.status) {
                Some(reason) => recipients.cannot.push(left_out(row.name, reason)),
                None => recipients.can.push(self.recipient(row)),
            }
        }
        recipients.cannot.sort_by_cached_key(|company| company.name.to_lowercase());
        recipients.cannot.extend((0..gone).map(|_| left_out("A company".to_owned(), "It was deleted.")));
        Ok(recipients)
    }

    async fn recipients_of(&self, cause: Cause) -> Result<Recipients, AppError> {
        let rows = self.maker.store.company_rows().await.map_err(internal)?;
        let needs_one = |row: &CompanyRow| row.status.cause() == Some(cause) && row.status.allows(Action::GenerateLink);
        let can = rows.into_iter().filter(needs_one).map(|row| self.recipient(row)).collect();
        Ok(Recipients { can, cannot: Vec::new() })
    }

    async fn make(
        &self,
        campaign: Option<CampaignId>,
        name: Option<CampaignName>,
        companies: Vec<CompanyId>,
        replace: bool,
    ) -> Result<MadeLinks, AppError> {
        let store = &self.maker.store;
        if let Some(campaign) = campaign {
            self.find(campaign).await?;
        }
        let rows = store.company_rows_of(&companies).await.map_err(internal)?;
        let mut rows: HashMap<CompanyId, CompanyRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        let contacts = store.contacts(&companies).await.map_err(internal)?;
        let template = Template::default();
        let mut made = MadeLinks { campaign, lines: Vec::with_capacity(companies.len()) };
        for company in companies {
            // Named twice, it is there once.
            let row = rows.remove(&company);
            let name_of_it = row.as_ref().map(|row| row.name.clone()).unwrap_or_default();
            // The first link begins the campaign, so that none is empty.
            let (id, new) = match made.campaign {
                Some(id) => (id, None),
                None => (CampaignId::mint(self.maker.clock.now()), Some(self.beginning(name.as_ref()))),
            };
            let link = match row {
                Some(row) => {
                    self.maker.make(&row.into(), None, Some(InCampaign { id, new }), replace, &self.by()).await
                }
                None => Err(no_such_company()),
            };
            made.lines.push(match link {
                Ok(link) => {
                    made.campaign = Some(id);
                    self.outcome(&template, name_of_it, contacts.get(&company), link)
                }
                Err(error) => LinkOutcome { name: name_of_it, refusal: Some(error.message), ..LinkOutcome::default() },
            });
        }
        Ok(made)
    }

    async fn list(&self) -> Result<Vec<CampaignSummary>, AppError> {
        let store = &self.maker.store;
        let now = self.maker.clock.now();
        let campaigns = store.campaigns().await.map_err(internal)?;
        let ids: Vec<_> = campaigns.iter().map(|campaign| campaign.id).collect();
        let mut summaries: HashMap<CampaignId, CampaignSummary> = campaigns
            .into_iter()
            .map(|Campaign { id, name, made_by, made_at, .. }| {
                let (companies, connected, waiting) = (0, 0, 0);
                (id, CampaignSummary { id, name, made_by, made_at, companies, connected, waiting })
            })
            .collect();
        // One after the other: each may have as many members as there are companies.
        for (id, summary) in &mut summaries {
            for member in store.campaign_members(&[*id]).await.map_err(internal)? {
                summary.count(member.facts.state(now).0);
            }
        }
        Ok(ids.iter().filter_map(|id| summaries.remove(id)).collect())
    }

    async fn show(&self, campaign: CampaignId) -> Result<CampaignView, AppError> {
        let found = self.find(campaign).await?;
        let now = self.maker.clock.now();
        let members = self.maker.store.campaign_members(&[campaign]).await.map_err(internal)?;
        let mut view = CampaignView {
            name: found.name,
            made_by: found.made_by,
            made_at: Some(found.made_at),
            texts: CampaignTexts { subject: found.texts.0, body: found.texts.1, remind_days: found.remind_days },
            mail_from: self.mail_from.clone(),
            rows: members.into_iter().map(|member| row(member, now)).collect(),
            digest: 0,
        };
        view.digest = digest(&view);
        Ok(view)
    }

    async fn preview(&self, campaign: CampaignId, template: Template) -> Result<LinkMessage, AppError> {
        self.find(campaign).await?;
        let now = self.maker.clock.now();
        let members = self.maker.store.campaign_members(&[campaign]).await.map_err(internal)?;
        let waits = |member: &&Member| member.facts.state(now).0.refuses_mail(false).is_none();
        let reachable = |member: &&Member| member.contact.email.is_some();
        let first = members.iter().find(|member| waits(member) && reachable(member)).or_else(|| members.first());
        let first = first.ok_or_else(no_such_company)?;
        // The address is not shown again: what stands here leads nowhere.
        let url = self.maker.public_url.join(PATH).map(String::from).unwrap_or_default() + "…";
        let expires = first.facts.link.map_or(now, |link| link.state.expires);
        let link = NewLink { url, expires };
        Ok(self.maker.message(&template, &self.me.name, &first.name, &first.contact, &link))
    }

    async fn send(
        &self,
        campaign: CampaignId,
        texts: Option<MailTexts>,
        companies: Vec<CompanyId>,
        again: bool,
    ) -> Result<Queued, AppError> {
        if !companies.is_empty() {
            self.need_mail()?;
        }
        let store = &self.maker.store;
        let queued = store.send_to_clients(campaign, texts.as_ref(), &companies, again, &self.by()).await;
        let queued = queued.map_err(internal)?.ok_or_else(no_such_campaign)?;
        self.wake.notify_one();
        let left_out = |(name, reason): (String, &str)| LeftOut { name, reason: reason.to_owned() };
        Ok(Queued { mails: queued.mails, left_out: queued.left_out.into_iter().map(left_out).collect() })
    }

    async fn mark_sent(&self, campaign: CampaignId, companies: Vec<CompanyId>) -> Result<u32, AppError> {
        let marked = self.maker.store.mark_sent(campaign, &companies, &self.by()).await.map_err(internal)?;
        marked.ok_or_else(no_such_campaign)
    }

    async fn renew(
        &self,
        campaign: CampaignId,
        company: CompanyId,
        texts: Option<MailTexts>,
        send: bool,
    ) -> Result<Renewed, AppError> {
        let store = &self.maker.store;
        let found = self.find(campaign).await?;
        let member = store.campaign_member(campaign, company).await.map_err(internal)?.ok_or_else(no_such_company)?;
        let now = self.maker.clock.now();
        let (state, conflict) = (member.facts.state(now).0, |text| AppError::new(ErrorCode::Conflict, text));
        if !state.allows(CampaignAction::Renew) {
            let text = format!("{} needs no new link: {}.", member.name, state.label().to_lowercase());
            return Err(conflict(text));
        }
        let template = match &texts {
            Some(texts) => texts.template.clone(),
            None => Template::parse(&found.texts.0, &found.texts.1)
                .map_err(|error| AppError::new(ErrorCode::Invalid, error.to_string()))?,
        };
        if send {
            self.need_mail()?;
            if member.contact.email.is_none() {
                let text = format!("{} can't be written to: no address of a contact is written down.", member.name);
                return Err(conflict(text));
            }
        }
        let row = store.company_state(company).await.map_err(internal)?.ok_or_else(no_such_company)?;
        let place = InCampaign { id: campaign, new: None };
        let link = self.maker.make(&row, None, Some(place), true, &self.by()).await?;
        if !send {
            let made = self.outcome(&template, row.name, Some(&member.contact), link);
            return Ok(Renewed { line: Some(made) });
        }
        let queued = self.send(campaign, texts, vec![company], false).await?;
        match queued.left_out.into_iter().next() {
            // Somebody was quicker.
            Some(LeftOut { reason, .. }) => Err(conflict(format!("{}: {reason}", row.name))),
            None => Ok(Renewed::default()),
        }
    }
}

/// Why no link can be made for a company that is as this says.
fn no_link_for(status: &Status) -> Option<&'static str> {
    match status {
        status if status.allows(Action::GenerateLink) => None,
        Status::Verifying { .. } => Some("It is being connected right now."),
        _ => Some("It is connected already."),
    }
}

fn no_such_campaign() -> AppError {
    AppError::new(ErrorCode::NotFound, "There is no such campaign. It may have been forgotten after a year.")
}

/// A company of a campaign, for the page.
fn row(member: Member, now: Timestamp) -> CampaignRow {
    let (state, at) = member.facts.state(now);
    let expires = member.facts.link.filter(|_| state.allows(CampaignAction::Withdraw)).map(|link| link.state.expires);
    let is_in_vain = matches!(state, CampaignState::Sending | CampaignState::Failed | CampaignState::Opened);
    let note = match (member.problem.filter(|_| is_in_vain), member.reminder) {
        (Some(problem), _) => problem,
        (None, Some(Ok(_))) if state != CampaignState::Connected => "A reminder was sent.".to_owned(),
        (None, Some(Err(problem))) if expires.is_some() => format!("The reminder could not be sent: {problem}"),
        _ => String::new(),
    };
    let to = member.contact.email.map(|email| email.to_string());
    CampaignRow { company: member.company, name: member.name, to, state, at, expires, note }
}

/// Different for what looks different. Never 0: that is what a page says that knows nothing yet.
fn digest(view: &CampaignView) -> u32 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_vec(view).unwrap_or_default().hash(&mut hasher);
    u32::try_from(hasher.finish() >> 32).unwrap_or_default().max(1)
}

/// A mail to a client as it goes out.
pub struct Outgoing {
    /// What it says.
    pub letter: Letter,
    /// Whom answers go to.
    pub reply_to: Option<String>,
}

/// Writes a mail to a client. The link's token is opened for it here, and stored nowhere else. None: there is nothing to
/// send any more.
pub async fn write(maker: &LinkMaker, mail: &ClientMail) -> Result<Option<Outgoing>, StoreError> {
    let (campaign, link) = (maker.store.campaign(mail.campaign).await?, maker.store.link(mail.link).await?);
    let (Some(campaign), Some(link)) = (campaign, link) else { return Ok(None) };
    if mail.is_reminder && campaign.remind_days.is_none() {
        return Ok(None);
    }
    let (subject, body) = &campaign.texts;
    let template = Template::parse(subject, body)
        .map_err(|error| StoreError::Unexpected(format!("the text of campaign {}: {error}", campaign.id)))?;
    // Withdrawn, replaced, used or expired since somebody wanted it sent.
    let Some(sent) = maker.live(&link) else { return Ok(None) };
    let sender = maker.store.sender(mail.made_by).await?;
    let (name, reply_to) = sender.map_or_else(|| (maker.msp.clone(), None), |(name, email)| (name, Some(email)));
    let LinkMessage { subject, body, .. } = maker.message(&template, &name, &link.company_name, &link.contact, &sent);
    let (subject, plain) =
        if mail.is_reminder { (format!("Reminder: {subject}"), format!("{REMINDER}{body}")) } else { (subject, body) };
    let html = page(&subject, &plain, &sent.url).into_string();
    Ok(Some(Outgoing { letter: Letter { subject, plain, html }, reply_to }))
}

/// The text as HTML: its paragraphs, its lines, and the link to click on.
fn page(subject: &str, plain: &str, url: &str) -> Markup {
    let line = |line: &str| -> Markup {
        if let Some((before, after)) = line.split_once(url) {
            html! { (before) a href=(url) { (url) } (after) }
        } else {
            html! { (line) }
        }
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (subject) } }
            body {
                @for paragraph in plain.trim_end().split("\n\n") {
                    p {
                        @for (place, text) in paragraph.split('\n').enumerate() {
                            @if place > 0 { br; }
                            (line(text))
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_a_page_with_a_link_and_nothing_else() {
        let url = "https://t.example/c/abc";
        let html = page("Hi", &format!("A & B <b>\n\nOpen: {url}\nnow\n"), url).into_string();
        assert!(html.contains("<p>A &amp; B &lt;b&gt;</p>"), "{html}");
        assert!(html.contains(&format!("<p>Open: <a href=\"{url}\">{url}</a><br>now</p>")), "{html}");
    }
}
