//! The tables as types. Only the store sees them.
#![expect(clippy::struct_excessive_bools, reason = "a row has the columns that it has")]

pub mod accepted_oddity;
pub mod account;
pub mod activity;
pub mod api_answer;
pub mod api_token;
pub mod attempt;
pub mod campaign;
pub mod campaign_company;
pub mod campaign_mail;
pub mod company;
pub mod connection;
pub mod dataset_state;
pub mod disconnection;
pub mod former_grant;
pub mod invitation;
pub mod link;
pub mod m365_domain;
pub mod m365_licence;
pub mod m365_product;
pub mod m365_user;
pub mod mail;
pub mod mail_line;
pub mod mail_settings;
pub mod notice;
pub mod platform_fault;
pub mod secure_score;
pub mod secure_score_control;
pub mod session;
pub mod sign_in_throttle;
pub mod webhook;
pub mod webhook_delivery;
