//! The user interface.

mod actions;
mod ago;
mod browser;
mod components;
mod live;
mod note;
mod pages;
mod routes;
mod search;
mod state;
mod window;

use leptos::prelude::*;

use self::{
    actions::Actions,
    browser::location,
    live::Live,
    routes::{Address, Pages},
    state::Companies,
};

/// The parameter that names the company which this tab has just connected at Microsoft.
const CONNECTED: &str = "connected";

/// The whole app.
#[component]
pub fn App() -> impl IntoView {
    let companies = Companies::default();
    if let Some(company) = location::take_parameter(CONNECTED).and_then(|id| id.parse().ok()) {
        companies.returned_from(company);
    }
    provide_context(companies);
    provide_context(Actions::new(companies, Live::start(companies)));
    let address = Address::of_browser();
    provide_context(address);
    view! { <Pages address /> }
}
