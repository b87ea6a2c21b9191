//! Links that let somebody else connect a company: made, withdrawn, and written about.

use std::{collections::HashMap, sync::Arc, time::Duration};

use app::{
    api::links::{LinkOutcome, NewLink, Recipient},
    domain::{
        Action, Cause, CompanyId, CompanyRow, Email, LinkId, LinkMessage, LinkNote, LinkRow, Me, Timestamp,
        link::{MessageParts, PATH},
    },
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use time::OffsetDateTime;
use url::Url;

use crate::{
    clock::{Clock, Mint as _},
    failure::internal,
    sessions::Token,
    store::{Store, activity::Actor, links},
    vault::Vault,
};

/// What making links needs, whoever does it.
pub struct LinkMaker {
    /// The database.
    pub store: Store,
    /// Seals tokens.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What people type to get here.
    pub public_url: Url,
    /// The MSP's name.
    pub msp: String,
    /// How long a link is good for.
    pub lives: Duration,
    /// Whether there is an app registration to sign in to.
    pub configured: bool,
}

/// Links, in somebody's name.
pub struct Links {
    maker: Arc<LinkMaker>,
    me: Me,
    by: Actor,
}

impl Links {
    /// For who is signed in.
    pub fn new(maker: Arc<LinkMaker>, me: Me) -> Self {
        let by = Actor::signed_in(&me);
        Self { maker, me, by }
    }

    /// For a program of theirs.
    pub const fn by(maker: Arc<LinkMaker>, me: Me, by: Actor) -> Self {
        Self { maker, me, by }
    }

    async fn row(&self, company: CompanyId) -> Result<CompanyRow, AppError> {
        let rows = self.maker.store.company_rows_of(&[company]).await.map_err(internal)?;
        rows.into_iter().next().ok_or_else(no_such_company)
    }

    async fn make(&self, row: &CompanyRow, note: Option<LinkNote>) -> Result<NewLink, AppError> {
        let (maker, company) = (&*self.maker, row.id);
        if !maker.configured {
            let text = "Tenantry has no app registration yet, so nobody could connect with a link.";
            return Err(AppError::new(ErrorCode::Conflict, text));
        }
        if !row.status.allows(Action::GenerateLink) {
            let text = format!("{} is connected already: there is nothing to send a link for.", row.name);
            return Err(AppError::new(ErrorCode::Conflict, text));
        }
        let (id, token) = (LinkId::mint(maker.clock.now()), Token::random());
        let sealed_token = maker.vault.seal(id.uuid(), &SecretString::from(token.expose()));
        let new = links::NewLink { id, company, token_hash: token.hash(), sealed_token, note, lives: maker.lives };
        let made = maker.store.make_link(new, &self.by).await.map_err(internal)?;
        let expires = made.ok_or_else(no_such_company)?;
        tracing::info!(link = %id, company = %company, "a link was made");
        Ok(NewLink { url: maker.url(&token), expires })
    }

    fn message_with(&self, company: &str, link: &NewLink, to: Option<&Email>) -> LinkMessage {
        let to = to.map(ToString::to_string);
        let until = moment(link.expires);
        let parts =
            MessageParts { company, msp: &self.maker.msp, sender: &self.me.name, url: &link.url, until: &until };
        LinkMessage::write(&parts, to)
    }
}

#[async_trait]
impl ports::Links for Links {
    async fn create(&self, company: CompanyId, note: Option<LinkNote>) -> Result<NewLink, AppError> {
        let row = self.row(company).await?;
        self.make(&row, note).await
    }

    async fn recipients(&self, cause: Cause) -> Result<Vec<Recipient>, AppError> {
        let rows = self.maker.store.company_rows().await.map_err(internal)?;
        let now = self.maker.clock.now();
        let needs_one = |row: &CompanyRow| row.status.cause() == Some(cause) && row.status.allows(Action::GenerateLink);
        let recipient =
            |row: CompanyRow| Recipient { has_link: row.live_link(now).is_some(), company: row.id, name: row.name };
        Ok(rows.into_iter().filter(needs_one).map(recipient).collect())
    }

    async fn create_many(&self, companies: Vec<CompanyId>, replace: bool) -> Result<Vec<LinkOutcome>, AppError> {
        let store = &self.maker.store;
        let rows = store.company_rows_of(&companies).await.map_err(internal)?;
        let mut rows: HashMap<CompanyId, CompanyRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        let contacts = store.contact_addresses(&companies).await.map_err(internal)?;
        let mut outcomes = Vec::with_capacity(companies.len());
        for company in companies {
            // Named twice, it is there once.
            let row = rows.remove(&company);
            let name = row.as_ref().map(|row| row.name.clone()).unwrap_or_default();
            let made = match row {
                Some(row) if !replace && row.live_link(self.maker.clock.now()).is_some() => {
                    Err(AppError::new(ErrorCode::Conflict, "It has a live link, which was not to be replaced."))
                }
                Some(row) => self.make(&row, None).await,
                None => Err(no_such_company()),
            };
            outcomes.push(match made {
                Ok(link) => {
                    let message = self.message_with(&name, &link, contacts.get(&company));
                    let LinkMessage { to, subject, body } = message;
                    LinkOutcome { name, refusal: None, url: link.url, expires: Some(link.expires), to, subject, body }
                }
                Err(error) => LinkOutcome { name, refusal: Some(error.message), ..LinkOutcome::default() },
            });
        }
        Ok(outcomes)
    }

    async fn withdraw(&self, company: CompanyId) -> Result<(), AppError> {
        self.row(company).await?;
        self.maker.store.withdraw_link(company, &self.by).await.map_err(internal)
    }

    async fn list(&self) -> Result<Vec<LinkRow>, AppError> {
        self.maker.store.live_links().await.map_err(internal)
    }

    async fn message(&self, company: CompanyId) -> Result<LinkMessage, AppError> {
        let maker = &*self.maker;
        let company_name = self.row(company).await?.name;
        let none = || {
            let text = format!("{company_name} has no link that can be sent. Generate a new one.");
            AppError::new(ErrorCode::Conflict, text)
        };
        let link = maker.store.latest_link(company).await.map_err(internal)?.ok_or_else(none)?;
        let sealed = link.sealed_token.filter(|_| link.state.may_begin(maker.clock.now()).is_ok()).ok_or_else(none)?;
        let token = maker.vault.open(link.id.uuid(), &sealed).map_err(|error| {
            tracing::warn!(%error, link = %link.id, "the token of a link can't be opened");
            none()
        })?;
        let token = Token::parse(token.expose_secret()).ok_or_else(none)?;
        let sent = NewLink { url: maker.url(&token), expires: link.state.expires };
        Ok(self.message_with(&company_name, &sent, link.email.as_ref()))
    }
}

fn no_such_company() -> AppError {
    AppError::new(ErrorCode::NotFound, "There is no such company. Reload the page.")
}

impl LinkMaker {
    fn url(&self, token: &Token) -> String {
        let mut url = self.public_url.clone();
        url.set_path(&path(token));
        url.into()
    }
}

/// The path of a link.
pub fn path(token: &Token) -> String {
    format!("{PATH}{}", token.expose())
}

/// A time for people whose time zone is not known: "30 November 2026, 09:05 UTC".
pub fn moment(time: Timestamp) -> String {
    let nanos = i128::from(time.as_millis()) * 1_000_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{} {} {}, {:02}:{:02} UTC", time.day(), time.month(), time.year(), time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_with_its_time_zone() {
        assert_eq!(moment(Timestamp::from_millis(1_796_029_500_000)), "30 November 2026, 09:05 UTC");
    }
}
