//! The words of the product as types, and the rules that decide without reading a clock or doing any IO.

pub mod account;
pub mod activity;
pub mod attempt;
pub mod company;
pub mod connection;
pub mod data_set;
pub mod id;
pub mod link;
pub mod schedule;
pub mod timestamp;

pub use account::{AccountRow, AccountState, Email, Me, Right, Role};
pub use activity::{ActivityFilter, ActivityKind, ActivityRow};
pub use attempt::{AttemptFailure, Ending, Step, Surface};
pub use company::{Action, CompanyName, CompanyRow, Domain, Figures, LastTry, LicenceUse, Progress, Status};
pub use connection::{Access, Phase, ReconnectReason};
pub use data_set::{DataSet, Lack, Problem};
pub use id::{AccountId, ActivityId, AttemptId, CompanyId, ConnectionId, LinkId, TenantId};
pub use link::{DeadLink, LinkEnd, LinkMessage, LinkNote, LinkRow, LinkState, LinkSummary};
pub use timestamp::Timestamp;
