//! Links that let somebody else connect a company: made, withdrawn, and written about.

use std::{sync::Arc, time::Duration};

use app::{
    api::links::NewLink,
    domain::{
        Action, CompanyId, CompanyRow, LinkId, LinkMessage, LinkNote, LinkRow, Me, Timestamp,
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
}

impl Links {
    /// For who is signed in.
    pub const fn new(maker: Arc<LinkMaker>, me: Me) -> Self {
        Self { maker, me }
    }

    async fn row(&self, company: CompanyId) -> Result<CompanyRow, AppError> {
        let rows = self.maker.store.company_rows_of(&[company]).await.map_err(internal)?;
        rows.into_iter().next().ok_or_else(no_such_company)
    }
}

#[async_trait]
impl ports::Links for Links {
    async fn create(&self, company: CompanyId, note: Option<LinkNote>) -> Result<NewLink, AppError> {
        let maker = &*self.maker;
        let row = self.row(company).await?;
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
        let made = maker.store.make_link(new, &Actor::signed_in(&self.me)).await.map_err(internal)?;
        let expires = made.ok_or_else(no_such_company)?;
        tracing::info!(link = %id, company = %company, "a link was made");
        Ok(NewLink { url: maker.url(&token), expires })
    }

    async fn withdraw(&self, company: CompanyId) -> Result<(), AppError> {
        self.row(company).await?;
        self.maker.store.withdraw_link(company, &Actor::signed_in(&self.me)).await.map_err(internal)
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
        let to = link.email.map(|email| email.to_string());
        let (url, until) = (maker.url(&token), moment(link.state.expires));
        let parts =
            MessageParts { company: &company_name, msp: &maker.msp, sender: &self.me.name, url: &url, until: &until };
        Ok(LinkMessage::write(&parts, to))
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
