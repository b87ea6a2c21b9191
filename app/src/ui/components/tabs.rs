//! The parts of a page, one of which is shown.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use crate::ui::{
    browser::document,
    routes::{Address, Page, Tab},
};

/// The id of what the tabs turn.
pub const PANEL: &str = "tab-panel";

/// The id of a tab.
pub fn tab_id(tab: Tab) -> String {
    let slug = tab.slug();
    format!("tab-{}", if slug.is_empty() { "overview" } else { slug })
}

/// The tabs of a company's page. Each has an address of its own, so it can be opened elsewhere and sent to somebody.
#[component]
pub fn Tabs(
    /// What it is that has parts.
    label: &'static str,
    /// The page of a tab.
    page: fn(crate::domain::CompanyId, Tab) -> Page,
    /// Whose.
    company: crate::domain::CompanyId,
    /// The tab that is shown.
    shown: Memo<Tab>,
) -> impl IntoView {
    let address: Address = expect_context();
    let list = NodeRef::<html::Div>::new();
    let turn = move |tab: Tab| {
        address.turn_to(page(company, tab));
        document::focus_in_place(&tab_id(tab));
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let place = Tab::ALL.iter().position(|tab| *tab == shown.get_untracked()).unwrap_or_default();
        let end = Tab::ALL.len() - 1;
        let next = match event.key().as_str() {
            "ArrowRight" if place == end => 0,
            "ArrowRight" => place + 1,
            "ArrowLeft" => place.checked_sub(1).unwrap_or(end),
            "Home" => 0,
            "End" => end,
            _ => return,
        };
        event.prevent_default();
        turn(Tab::ALL[next]);
    };
    // On a narrow screen the row of tabs is scrolled by itself.
    Effect::new(move |_| {
        let tab = shown.get();
        if let Some(list) = list.get() {
            document::scroll_into(list.unchecked_ref(), &tab_id(tab));
        }
    });
    let tab = move |tab: Tab| {
        let is_shown = move || shown.get() == tab;
        let on_click = move |event: ev::MouseEvent| {
            let elsewhere = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
            if event.button() == 0 && !elsewhere {
                event.prevent_default();
                turn(tab);
            }
        };
        view! {
            <a
                role="tab"
                class="tab"
                id=tab_id(tab)
                href=page(company, tab).path()
                aria-selected=move || is_shown().to_string()
                aria-controls=move || is_shown().then_some(PANEL)
                tabindex=move || if is_shown() { "0" } else { "-1" }
                on:click=on_click
            >
                {tab.label()}
            </a>
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label=label node_ref=list on:keydown=on_key>
            {Tab::ALL.into_iter().map(tab).collect_view()}
        </div>
    }
}
