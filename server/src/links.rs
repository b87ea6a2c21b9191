//! Links that let somebody else connect a company: made, withdrawn, and written about.

use std::{sync::Arc, time::Duration};

use app::{
    api::links::NewLink,
    domain::{
        Action, CompanyId, LinkId, LinkMessage, LinkNote, LinkRow, Me, Template, Timestamp,
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
    store::{
        Store,
        activity::Actor,
        campaigns::InCampaign,
        companies::CompanyState,
        links::{self, Contact, Link, Made},
    },
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

    async fn company(&self, company: CompanyId) -> Result<CompanyState, AppError> {
        self.maker.store.company_state(company).await.map_err(internal)?.ok_or_else(no_such_company)
    }
}

#[async_trait]
impl ports::Links for Links {
    async fn create(&self, company: CompanyId, note: Option<LinkNote>) -> Result<NewLink, AppError> {
        self.maker.make(&self.company(company).await?, note, None, true, &self.by).await
    }

    async fn withdraw(&self, company: CompanyId) -> Result<(), AppError> {
        self.company(company).await?;
        self.maker.store.withdraw_link(company, &self.by).await.map_err(internal)
    }

    async fn list(&self) -> Result<Vec<LinkRow>, AppError> {
        self.maker.store.live_links().await.map_err(internal)
    }

    async fn message(&self, company: CompanyId) -> Result<LinkMessage, AppError> {
        let maker = &*self.maker;
        let company_name = self.company(company).await?.name;
        let none = || {
            let text = format!("{company_name} has no link that can be sent. Generate a new one.");
            AppError::new(ErrorCode::Conflict, text)
        };
        let link = maker.store.latest_link(company).await.map_err(internal)?.ok_or_else(none)?;
        let sent = maker.live(&link).ok_or_else(none)?;
        Ok(maker.message(&Template::default(), &self.me.name, &company_name, &link.contact, &sent))
    }
}

/// What is said of a company that there is not.
pub fn no_such_company() -> AppError {
    AppError::new(ErrorCode::NotFound, "There is no such company. Reload the page.")
}

impl LinkMaker {
    /// Makes a link for a company that stands like this, in a campaign or by itself. `replace`: also where there is a live
    /// one.
    pub async fn make(
        &self,
        company: &CompanyState,
        note: Option<LinkNote>,
        campaign: Option<InCampaign>,
        replace: bool,
        by: &Actor,
    ) -> Result<NewLink, AppError> {
        if !self.configured {
            let text = "Tenantry has no app registration yet, so nobody could connect with a link.";
            return Err(AppError::new(ErrorCode::Conflict, text));
        }
        if !company.status.allows(Action::GenerateLink) {
            let text = format!("{} is connected already: there is nothing to send a link for.", company.name);
            return Err(AppError::new(ErrorCode::Conflict, text));
        }
        let (company, id, token) = (company.id, LinkId::mint(self.clock.now()), Token::random());
        let sealed_token = self.vault.seal(id.uuid(), &SecretString::from(token.expose()));
        let (token_hash, lives) = (token.hash(), self.lives);
        let new = links::NewLink { id, company, token_hash, sealed_token, note, lives, campaign, replace };
        let expires = match self.store.make_link(new, by).await.map_err(internal)? {
            Made::Until(expires) => expires,
            Made::NoSuchCompany => return Err(no_such_company()),
            Made::HasLiveLink => {
                return Err(AppError::new(ErrorCode::Conflict, "It has a live link, which was not to be replaced."));
            }
        };
        tracing::info!(link = %id, company = %company, "a link was made");
        Ok(NewLink { url: self.url(&token), expires })
    }

    /// The address of a link that still leads somewhere.
    pub fn live(&self, link: &Link) -> Option<NewLink> {
        let sealed = link.sealed_token.as_ref().filter(|_| link.state.may_begin(self.clock.now()).is_ok())?;
        let token = self.vault.open(link.id.uuid(), sealed).inspect_err(|error| {
            tracing::warn!(%error, link = %link.id, "the token of a link can't be opened");
        });
        let token = Token::parse(token.ok()?.expose_secret())?;
        Some(NewLink { url: self.url(&token), expires: link.state.expires })
    }

    /// A text for a client with their link.
    pub fn message(
        &self,
        template: &Template,
        sender: &str,
        company: &str,
        contact: &Contact,
        link: &NewLink,
    ) -> LinkMessage {
        let until = moment(link.expires);
        let (contact, to) = (contact.name.as_str(), contact.email.as_ref().map(ToString::to_string));
        let parts = MessageParts { company, contact, msp: &self.msp, sender, url: &link.url, until: &until };
        LinkMessage::fill(template, &parts, to)
    }

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
