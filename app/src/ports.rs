//! What the server provides to the server functions.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::{
    api::{
        accounts::Invitation,
        api_tokens::NewApiToken,
        campaigns::{CampaignView, MadeLinks, Queued, Recipients, Renewed},
        companies::{CompanyChanges, CompanyList},
        disconnections::Parting,
        links::NewLink,
        notifications::NotificationSettings,
        selections::{Farewell, SelectedTags},
        sessions::{Credentials, NewAccount, SignInOptions},
        webhooks::NewWebhook,
    },
    domain::{
        AccountId, AccountRow, ActivityFilter, ActivityRow, ApiTokenId, ApiTokenRow, ArchivedCompany, CampaignId,
        CampaignName, CampaignSummary, Cause, CompanyCard, CompanyDetails, CompanyDraft, CompanyId, CompanyTexts,
        DeliveryId, DeliveryRow, Email, LicenceRow, LinkMessage, LinkNote, LinkRow, ListPage, MailSettings, Me,
        NoticeKind, OddityKind, Role, Scope, ScoreReport, ScoreRow, Template, TenantDigits, TenantDomainRow, Timestamp,
        UserRow, WebhookId, campaign::MailTexts, company_draft::Tag, licence::LicenceQuery, secure_score::ScoreQuery,
        tenant_domain::TenantDomainQuery, user::UserQuery,
    },
    error::AppError,
};

/// The list of companies.
#[async_trait]
pub trait Companies: Send + Sync {
    /// All of them, by name.
    async fn list(&self) -> Result<CompanyList, AppError>;

    /// The first of them by name.
    async fn first(&self) -> Result<CompanyList, AppError>;

    /// Those that changed at or after `since`, by the server's clock.
    async fn changes(&self, since: Timestamp) -> Result<CompanyChanges, AppError>;

    /// Those whose tenant's id begins with these digits.
    async fn of_tenant(&self, digits: TenantDigits) -> Result<Vec<CompanyId>, AppError>;
}

/// What was read from tenants.
#[async_trait]
pub trait TenantData: Send + Sync {
    /// A company by itself.
    async fn company(&self, company: CompanyId) -> Result<CompanyDetails, AppError>;

    /// A page of users.
    async fn users(&self, query: UserQuery) -> Result<ListPage<UserRow>, AppError>;

    /// A page of licences.
    async fn licences(&self, query: LicenceQuery) -> Result<ListPage<LicenceRow>, AppError>;

    /// A page of domains.
    async fn tenant_domains(&self, query: TenantDomainQuery) -> Result<ListPage<TenantDomainRow>, AppError>;

    /// A page of the scores of all companies.
    async fn scores(&self, query: ScoreQuery) -> Result<ListPage<ScoreRow>, AppError>;

    /// What is known of a company's score.
    async fn score_report(&self, company: CompanyId) -> Result<ScoreReport, AppError>;
}

/// Tries at connecting a company.
#[async_trait]
pub trait Attempts: Send + Sync {
    /// Ends the company's open attempts. None being open is no failure: the wish is fulfilled.
    async fn cancel(&self, company: CompanyId) -> Result<(), AppError>;
}

/// Connections to tenants.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Makes the company's sync due now.
    async fn sync_now(&self, company: CompanyId) -> Result<(), AppError>;

    /// Makes the sync of these companies due now, as far as they are connected. Answers how many are.
    async fn sync_many(&self, companies: Vec<CompanyId>) -> Result<u64, AppError>;

    /// Makes the sync of every connected company due now. Answers how many there are.
    async fn sync_all(&self) -> Result<u64, AppError>;
}

/// The end of connections. Every call is of somebody who may connect.
#[async_trait]
pub trait Disconnections: Send + Sync {
    /// What there is to end of a company, or what is left of it.
    async fn show(&self, company: CompanyId) -> Result<Parting, AppError>;

    /// Ends the company's connection, or deletes what was kept of it. `name` is the company's, typed to confirm it.
    async fn disconnect(&self, company: CompanyId, name: String, keep_data: bool) -> Result<Parting, AppError>;

    /// Looks now whether the access to the tenant is gone.
    async fn check(&self, company: CompanyId) -> Result<Parting, AppError>;
}

/// Links that let somebody else connect a company. Every call is of somebody who may send them.
#[async_trait]
pub trait Links: Send + Sync {
    /// Makes one, and withdraws the company's last one if that was not used.
    async fn create(&self, company: CompanyId, note: Option<LinkNote>) -> Result<NewLink, AppError>;

    /// Withdraws the company's live link. None being live is no failure: the wish is fulfilled.
    async fn withdraw(&self, company: CompanyId) -> Result<(), AppError>;

    /// All that are live, those that expire first first.
    async fn list(&self) -> Result<Vec<LinkRow>, AppError>;

    /// A text for the client, with the company's live link.
    async fn message(&self, company: CompanyId) -> Result<LinkMessage, AppError>;
}

/// Links for many companies, made together. Every call is of somebody who may send them.
#[async_trait]
pub trait Campaigns: Send + Sync {
    /// Those of these companies that a link can be made for.
    async fn recipients(&self, companies: Vec<CompanyId>) -> Result<Recipients, AppError>;

    /// The companies that need a link for this cause.
    async fn recipients_of(&self, cause: Cause) -> Result<Recipients, AppError>;

    /// Makes a link for each of these companies, in this campaign or in a new one. Each may be refused by itself.
    async fn make(
        &self,
        campaign: Option<CampaignId>,
        name: Option<CampaignName>,
        companies: Vec<CompanyId>,
        replace: bool,
    ) -> Result<MadeLinks, AppError>;

    /// The latest ones, the latest first.
    async fn list(&self) -> Result<Vec<CampaignSummary>, AppError>;

    /// One of them.
    async fn show(&self, campaign: CampaignId) -> Result<CampaignView, AppError>;

    /// What the first company that is to be written to would be written. It does not hold the link.
    async fn preview(&self, campaign: CampaignId, template: Template) -> Result<LinkMessage, AppError>;

    /// Keeps the texts, if there are any, and has these companies sent their links by mail.
    async fn send(
        &self,
        campaign: CampaignId,
        texts: Option<MailTexts>,
        companies: Vec<CompanyId>,
        again: bool,
    ) -> Result<Queued, AppError>;

    /// These were sent their links in another way.
    async fn mark_sent(&self, campaign: CampaignId, companies: Vec<CompanyId>) -> Result<u32, AppError>;

    /// Makes a new link for a company of it, and has it sent by mail if that is wished: with these texts, which are kept,
    /// or as they are.
    async fn renew(
        &self,
        campaign: CampaignId,
        company: CompanyId,
        texts: Option<MailTexts>,
        send: bool,
    ) -> Result<Renewed, AppError>;
}

/// Signing in and out. What needs nobody to be signed in is here too.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// What the page Sign in offers.
    async fn options(&self) -> Result<SignInOptions, AppError>;

    /// Signs in with a password. The answer sets the session's cookie.
    async fn sign_in(&self, credentials: Credentials) -> Result<Me, AppError>;

    /// Ends this session.
    async fn sign_out(&self) -> Result<(), AppError>;

    /// Who is signed in.
    async fn me(&self) -> Result<Me, AppError>;

    /// Changes the password of who is signed in, and ends their other sessions.
    async fn change_password(&self, current: String, new: String) -> Result<(), AppError>;

    /// Whom a one-time link is for, and what it makes of them.
    async fn invitation(&self, token: String) -> Result<Invitation, AppError>;

    /// Uses a one-time link up: makes the account and signs in.
    async fn accept_invitation(&self, new: NewAccount) -> Result<Me, AppError>;
}

/// The team. Every call is an owner's.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Everybody, by name.
    async fn list(&self) -> Result<Vec<AccountRow>, AppError>;

    /// Makes a one-time link for somebody new, or a new one for somebody who did not use theirs. Answers its URL, once.
    async fn invite(&self, email: Email, role: Role) -> Result<String, AppError>;

    /// Changes what somebody may do, at once.
    async fn change_role(&self, account: AccountId, role: Role) -> Result<(), AppError>;

    /// Ends somebody's access and their sessions, at once; or gives it back.
    async fn set_active(&self, account: AccountId, active: bool) -> Result<(), AppError>;
}

/// What was done.
#[async_trait]
pub trait Activity: Send + Sync {
    /// A page of it, the latest first. A company's own is for everybody; all of it for owners.
    async fn list(&self, filter: ActivityFilter) -> Result<Vec<ActivityRow>, AppError>;
}

/// Who is told what happens. Every call is an owner's.
#[async_trait]
pub trait Notifications: Send + Sync {
    /// All of it.
    async fn show(&self) -> Result<NotificationSettings, AppError>;

    /// Adds a webhook. Answers its secret, once.
    async fn create_webhook(&self, url: String, kinds: Vec<NoticeKind>) -> Result<NewWebhook, AppError>;

    /// Changes where a webhook is and what it is told.
    async fn change_webhook(&self, webhook: WebhookId, url: String, kinds: Vec<NoticeKind>) -> Result<(), AppError>;

    /// Pauses a webhook, or goes on with it.
    async fn set_webhook_active(&self, webhook: WebhookId, active: bool) -> Result<(), AppError>;

    /// Deletes a webhook. There being none is no failure: the wish is fulfilled.
    async fn delete_webhook(&self, webhook: WebhookId) -> Result<(), AppError>;

    /// Replaces a webhook's secret. Answers the new one, once.
    async fn replace_webhook_secret(&self, webhook: WebhookId) -> Result<NewWebhook, AppError>;

    /// Sends an event that tells nothing.
    async fn test_webhook(&self, webhook: WebhookId) -> Result<(), AppError>;

    /// The latest deliveries to a webhook, the latest first.
    async fn deliveries(&self, webhook: WebhookId) -> Result<Vec<DeliveryRow>, AppError>;

    /// Tries a delivery once more, now.
    async fn retry_delivery(&self, delivery: DeliveryId) -> Result<(), AppError>;

    /// Changes who is sent mail, what and when.
    async fn save_mail(&self, settings: MailSettings) -> Result<(), AppError>;

    /// Sends a mail that tells nothing to everybody who is sent mail.
    async fn test_mail(&self) -> Result<(), AppError>;
}

/// What is written down about companies, and which of them are in use. Every call is of somebody who may change that.
#[async_trait]
pub trait CompanyRecords: Send + Sync {
    /// A company as its form shows it.
    async fn card(&self, company: CompanyId) -> Result<CompanyCard, AppError>;

    /// Adds one.
    async fn add(&self, draft: CompanyDraft) -> Result<CompanyId, AppError>;

    /// Changes one, if it is still as `before` says.
    async fn edit(&self, company: CompanyId, before: CompanyTexts, draft: CompanyDraft) -> Result<(), AppError>;

    /// Puts one away. That it is away already is no failure: the wish is fulfilled.
    async fn archive(&self, company: CompanyId) -> Result<(), AppError>;

    /// Brings one back that was put away. That it is there already is no failure.
    async fn restore(&self, company: CompanyId) -> Result<(), AppError>;

    /// Deletes one for good that was put away and is not connected. `name`: what it is called, as a proof of care.
    async fn delete(&self, company: CompanyId, name: String) -> Result<(), AppError>;

    /// The tags of these companies.
    async fn tags_of(&self, companies: Vec<CompanyId>) -> Result<SelectedTags, AppError>;

    /// Gives them tags, and takes tags from them. Answers what changed, in words.
    async fn retag(
        &self,
        companies: Vec<CompanyId>,
        add: BTreeSet<Tag>,
        remove: BTreeSet<Tag>,
    ) -> Result<String, AppError>;

    /// What would become of them if they were put away.
    async fn farewell(&self, companies: Vec<CompanyId>) -> Result<Farewell, AppError>;

    /// Puts them away. Answers what was done, in words.
    async fn archive_many(&self, companies: Vec<CompanyId>) -> Result<String, AppError>;
    /// Says of something odd that it is meant so, if it is still as it was seen.
    async fn accept_oddity(&self, company: CompanyId, kind: OddityKind, seen: String) -> Result<(), AppError>;

    /// Those that are put away, by name.
    async fn archived(&self) -> Result<Vec<ArchivedCompany>, AppError>;
}

/// Tokens with which other programs use the programming interface. Every call is an owner's.
#[async_trait]
pub trait ApiTokens: Send + Sync {
    /// All of them, the latest first.
    async fn list(&self) -> Result<Vec<ApiTokenRow>, AppError>;

    /// Makes one that is good for so many days. Answers it, once.
    async fn create(&self, name: String, scopes: Vec<Scope>, days: u16) -> Result<NewApiToken, AppError>;

    /// Ends one at once. There being none is no failure: the wish is fulfilled.
    async fn revoke(&self, token: ApiTokenId) -> Result<(), AppError>;
}
