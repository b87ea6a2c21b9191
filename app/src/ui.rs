//! The user interface: five programs, each with its pages. See [`routes::Program`].

mod actions;
mod activity;
mod ago;
mod api_tokens;
pub(crate) mod browser;
mod campaign;
mod campaigns;
mod chart;
mod client_message;
mod company;
mod company_archive;
mod company_form;
mod company_import;
mod components;
mod disconnecting;
mod entry;
mod finding;
mod freshness;
mod links;
mod listing;
mod live;
mod live_links;
mod may;
mod new_links;
mod note;
mod notifications;
mod pages;
mod routes;
mod search;
mod selection;
mod session;
mod state;
mod team;
mod window;

use leptos::prelude::*;

use self::{
    actions::Actions,
    browser::location,
    pages::Companies,
    routes::{Address, DataPages, LinkPages, Pages, Program, RecordPages},
    session::Session,
    state::Voice,
};

/// The parameter that names the company which this tab has just connected at Microsoft.
const CONNECTED: &str = "connected";

/// The program of the page M365 companies.
#[component]
pub fn CompaniesProgram() -> impl IntoView {
    provide_context(Address::of_browser(Program::Companies));
    let voice = Voice::start();
    provide_context(voice);
    let session = Session::start(None);
    provide_context(session);
    if let Some(words) = selection::last_words() {
        // What is in a live region from its first moment is not read out.
        request_animation_frame(move || voice.say(words, state::Tone::Good, None));
    }
    let companies = state::Companies::new(voice);
    if let Some(company) = location::take_parameter(CONNECTED).and_then(|id| id.parse().ok()) {
        companies.returned_from(company);
    }
    provide_context(companies);
    provide_context(Actions::new(companies, session));
    view! { <Companies /> }
}

/// The program of what was read of tenants.
#[component]
pub fn DataProgram() -> impl IntoView {
    let address = other_program(Program::Data);
    view! { <DataPages address /> }
}

/// The program of what is done to companies.
#[component]
pub fn RecordsProgram() -> impl IntoView {
    let address = other_program(Program::Records);
    view! { <RecordPages address /> }
}

/// The program of links.
#[component]
pub fn LinksProgram() -> impl IntoView {
    let address = other_program(Program::Links);
    view! { <LinkPages address /> }
}

/// The program of all other pages.
#[component]
pub fn PagesProgram() -> impl IntoView {
    let address = other_program(Program::Pages);
    view! { <Pages address /> }
}

/// What all programs but M365 companies begin with.
fn other_program(program: Program) -> Address {
    let address = Address::of_browser(program);
    provide_context(address);
    // One leaves the pages before a session by loading this one anew.
    if address.needs_session() {
        let voice = Voice::start();
        provide_context(voice);
        provide_context(Session::start(Some(voice)));
    }
    address
}
