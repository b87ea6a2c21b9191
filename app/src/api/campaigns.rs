//! Campaigns: links for many companies that are made together, sent, and followed.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::{GetUrl, Json};

use super::{links::LinkOutcome, protocol::Shared};
use crate::{
    domain::{CampaignId, CampaignRow, CampaignSummary, CompanyId, LeftOut, LinkMessage, Timestamp},
    error::AppError,
};

/// A company that a link can be made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Which.
    pub company: CompanyId,
    /// Its name.
    pub name: String,
    /// Whether it has a link that still leads somewhere.
    pub has_link: bool,
}

/// For whom links can be made, of those that somebody has in mind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipients {
    /// Those, by name.
    pub can: Vec<Recipient>,
    /// The others.
    pub cannot: Vec<LeftOut>,
}

/// What became of links that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeLinks {
    /// The campaign that they are in. None: none was made.
    pub campaign: Option<CampaignId>,
    /// One for each company.
    pub lines: Vec<LinkOutcome>,
}

/// What clients are written, and when they are reminded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignTexts {
    /// The subject, with its places ([`crate::domain::template::Place`]).
    pub subject: String,
    /// The body, with its places.
    pub body: String,
    /// How many days before a link expires its client is reminded. None: not at all.
    pub remind_days: Option<u8>,
}

/// A campaign as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignView {
    /// What it is called.
    pub name: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Option<Timestamp>,
    /// What clients are written.
    pub texts: CampaignTexts,
    /// Who mails are from. None: no mail server is configured.
    pub mail_from: Option<String>,
    /// Its companies, by name.
    pub rows: Vec<CampaignRow>,
    /// Different for each state of it.
    pub digest: u32,
}

/// What became of mails that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// How many are on their way.
    pub mails: u32,
    /// The companies that are written nothing.
    pub left_out: Vec<LeftOut>,
}

/// A company's new link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    /// Its address, to be shown once. None: it is sent by mail.
    pub line: Option<LinkOutcome>,
}

/// Those of these companies, or of the group of this cause ([`crate::domain::Cause::key`]), that links can be made for.
#[server(prefix = "/api", endpoint = "campaigns/recipients", protocol = Shared<Json>)]
pub async fn link_recipients(cause: Option<String>, companies: Vec<CompanyId>) -> Result<Recipients, AppError> {
    let port = super::port::<dyn crate::ports::Campaigns>()?;
    match cause {
        Some(cause) => {
            let none = || AppError::new(crate::error::ErrorCode::Invalid, "There is no such group of companies.");
            port.recipients_of(crate::domain::Cause::from_key(&cause).ok_or_else(none)?).await
        }
        None => port.recipients(selected(companies)?).await,
    }
}

/// Makes a link for each of these companies, [`super::links::MANY`] at most. A live one is replaced only if `replace`
/// says so. The first part of a campaign's links begins it, the others name it.
#[server(prefix = "/api", endpoint = "campaigns/make", protocol = Shared<Json>)]
pub async fn make_links(
    campaign: Option<CampaignId>,
    name: String,
    companies: Vec<CompanyId>,
    replace: bool,
) -> Result<MadeLinks, AppError> {
    if companies.len() > super::links::MANY {
        let text = format!("At most {} links are made at once.", super::links::MANY);
        return Err(AppError::new(crate::error::ErrorCode::Invalid, text));
    }
    let name = crate::domain::CampaignName::parse(&name)
        .map_err(|error| AppError::new(crate::error::ErrorCode::Invalid, error.to_string()))?;
    super::port::<dyn crate::ports::Campaigns>()?.make(campaign, name, companies, replace).await
}

/// The latest campaigns, the latest first.
#[server(prefix = "/api", endpoint = "campaigns/list", protocol = Shared<GetUrl>)]
pub async fn list_campaigns() -> Result<Vec<CampaignSummary>, AppError> {
    super::port::<dyn crate::ports::Campaigns>()?.list().await
}

/// A campaign. None: it is as it was when it had this digest.
#[server(prefix = "/api", endpoint = "campaigns/show", protocol = Shared<GetUrl>)]
pub async fn show_campaign(campaign: CampaignId, digest: u32) -> Result<Option<CampaignView>, AppError> {
    let view = super::port::<dyn crate::ports::Campaigns>()?.show(campaign).await?;
    Ok(Some(view).filter(|view| view.digest != digest))
}

/// What the first company that is to be written to would be written.
#[server(prefix = "/api", endpoint = "campaigns/preview", protocol = Shared<Json>)]
pub async fn preview_mail(campaign: CampaignId, texts: CampaignTexts) -> Result<LinkMessage, AppError> {
    let texts = parsed(&texts)?;
    super::port::<dyn crate::ports::Campaigns>()?.preview(campaign, texts.template).await
}

/// Keeps the texts, if there are any, and sends these companies their links by mail: none, or many. `again`: also those
/// that were sent theirs before.
#[server(prefix = "/api", endpoint = "campaigns/send", protocol = Shared<Json>)]
pub async fn send_links(
    campaign: CampaignId,
    texts: Option<CampaignTexts>,
    companies: Vec<CompanyId>,
    again: bool,
) -> Result<Queued, AppError> {
    let texts = texts.as_ref().map(parsed).transpose()?;
    let companies = if companies.is_empty() { companies } else { selected(companies)? };
    super::port::<dyn crate::ports::Campaigns>()?.send(campaign, texts, companies, again).await
}

/// Says that these companies were sent their links in another way. Answers how many of them waited for it.
#[server(prefix = "/api", endpoint = "campaigns/mark-sent", protocol = Shared<Json>)]
pub async fn mark_links_sent(campaign: CampaignId, companies: Vec<CompanyId>) -> Result<u32, AppError> {
    super::port::<dyn crate::ports::Campaigns>()?.mark_sent(campaign, selected(companies)?).await
}

/// Makes a new link for a company of the campaign, and sends it by mail if that is wished, with these texts or as they are.
#[server(prefix = "/api", endpoint = "campaigns/renew", protocol = Shared<Json>)]
pub async fn renew_link(
    campaign: CampaignId,
    company: CompanyId,
    texts: Option<CampaignTexts>,
    send: bool,
) -> Result<Renewed, AppError> {
    let texts = texts.as_ref().map(parsed).transpose()?;
    super::port::<dyn crate::ports::Campaigns>()?.renew(campaign, company, texts, send).await
}

/// A selection that can be worked on.
#[cfg(feature = "ssr")]
pub(super) fn selected(companies: Vec<CompanyId>) -> Result<Vec<CompanyId>, AppError> {
    crate::domain::selection::admit(companies)
        .map_err(|error| AppError::new(crate::error::ErrorCode::Invalid, error.to_string()))
}

/// Texts that can be sent, and when clients are reminded.
#[cfg(feature = "ssr")]
fn parsed(texts: &CampaignTexts) -> Result<crate::domain::campaign::MailTexts, AppError> {
    use crate::domain::campaign::{MailTexts, REMIND_DAYS_MAX};

    let template = crate::domain::Template::parse(&texts.subject, &texts.body)
        .map_err(|error| AppError::new(crate::error::ErrorCode::Invalid, error.to_string()))?;
    match texts.remind_days {
        Some(days) if !(1..=REMIND_DAYS_MAX).contains(&days) => {
            let text = format!("A reminder comes 1 to {REMIND_DAYS_MAX} days before a link expires, or not at all.");
            Err(AppError::new(crate::error::ErrorCode::Invalid, text))
        }
        remind_days => Ok(MailTexts { template, remind_days }),
    }
}
