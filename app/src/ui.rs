//! The user interface.

mod actions;
mod activity;
mod ago;
pub(crate) mod browser;
mod components;
mod entry;
mod live;
mod may;
mod note;
mod pages;
mod routes;
mod search;
mod session;
mod state;
mod team;
mod window;

use leptos::prelude::*;

use self::{
    actions::Actions,
    browser::location,
    routes::{Address, Pages},
    session::Session,
    state::Companies,
};

/// The parameter that names the company which this tab has just connected at Microsoft.
const CONNECTED: &str = "connected";

/// The whole app.
#[component]
pub fn App() -> impl IntoView {
    let address = Address::of_browser();
    provide_context(address);
    // One leaves the other pages by loading this one anew.
    if address.needs_session() {
        let session = Session::start();
        provide_context(session);
        let companies = Companies::default();
        if let Some(company) = location::take_parameter(CONNECTED).and_then(|id| id.parse().ok()) {
            companies.returned_from(company);
        }
        provide_context(companies);
        provide_context(Actions::new(companies, session));
    }
    view! { <Pages address /> }
}
