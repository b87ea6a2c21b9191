//! The words of the product as types, and the rules that decide without reading a clock or doing any IO.

pub mod account;
pub mod activity;
pub mod api_token;
pub mod attempt;
pub mod campaign;
pub mod company;
pub mod company_details;
pub mod company_draft;
pub mod company_import;
pub mod connection;
pub mod data_set;
pub mod disconnection;
pub mod id;
pub mod licence;
pub mod link;
pub mod listing;
pub mod mail;
pub mod notice;
pub mod oddity;
pub mod platform;
pub mod schedule;
pub mod secure_score;
pub mod selection;
mod status_words;
pub mod template;
pub mod tenant_domain;
pub mod timestamp;
pub mod user;
pub mod webhook;

pub use account::{AccountRow, AccountState, Email, Me, Right, Role};
pub use activity::{ActivityFilter, ActivityKind, ActivityRow};
pub use api_token::{ApiTokenRow, Scope, TokenName};
pub use attempt::{AttemptFailure, Ending, Step, Surface};
pub use campaign::{CampaignAction, CampaignName, CampaignRow, CampaignState, CampaignSummary};
pub use company::{Action, Cause, CompanyName, CompanyRow, Domain, Figures, LastTry, LicenceUse, Progress, Status};
pub use company_details::{CompanyDetails, ConnectionDetails, DataSetStatus, DisconnectionDetails};
pub use company_draft::{ArchivedCompany, CompanyCard, CompanyDraft, CompanyField, CompanyTexts, FieldChange};
pub use connection::{Access, Phase, ReconnectReason, Remedy};
pub use data_set::{DataSet, Lack, PermissionSet, Problem};
pub use disconnection::Sight;
pub use id::{
    AccountId, ActivityId, ApiTokenId, AttemptId, CampaignId, CompanyId, ConnectionId, DeliveryId, LinkId, MailId,
    NoticeId, TenantDigits, TenantId, UserId, WebhookId,
};
pub use licence::{LicenceRow, LicenceState};
pub use link::{DeadLink, LinkEnd, LinkMessage, LinkNote, LinkRow, LinkState, LinkSummary};
pub use listing::{Cursor, ListPage, ListQuery, Order, Origin};
pub use mail::{MailFailure, MailPace, MailSettings};
pub use notice::{NoticeKind, Standing, Subject};
pub use oddity::{Oddity, OddityDetails, OddityKind};
pub use platform::{PlatformFault, PlatformNotice};
pub use secure_score::{ScoreReport, ScoreRow};
pub use selection::LeftOut;
pub use template::Template;
pub use tenant_domain::TenantDomainRow;
pub use timestamp::Timestamp;
pub use user::{UserKind, UserRow};
pub use webhook::{DeliveryRow, DeliveryState, WebhookRow, WebhookState};
