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
    live::Live,
    routes::{Address, Pages},
    state::Companies,
};

/// The whole app.
#[component]
pub fn App() -> impl IntoView {
    let companies = Companies::default();
    provide_context(companies);
    provide_context(Actions::new(companies, Live::start(companies)));
    let address = Address::of_browser();
    provide_context(address);
    view! { <Pages address /> }
}
