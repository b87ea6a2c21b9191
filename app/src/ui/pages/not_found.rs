//! The page for an address that leads nowhere.

use leptos::prelude::*;

use super::Frame;
use crate::ui::{
    browser::document,
    components::{Empty, Link},
    routes::Page,
};

/// Says so, and leads back.
#[component]
pub fn NotFound() -> impl IntoView {
    document::set_title("Page not found");
    view! {
        <Frame path=&[]>
            <h1>"Page not found"</h1>
            <Empty title="There is nothing at this address">
                <p>"It may be mistyped, or the page has moved."</p>
                <Link to=Page::Companies class="button">
                    "Go to M365 companies"
                </Link>
            </Empty>
        </Frame>
    }
}
