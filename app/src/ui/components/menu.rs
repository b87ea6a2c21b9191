//! A button that opens a menu.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use super::{Icon, Shape, link};
use crate::ui::{
    browser::popover,
    routes::{Address, Page},
};

/// One entry of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItem {
    /// Its words.
    pub label: &'static str,
    /// Its picture.
    pub shape: Shape,
    /// The page that it leads to, if it does.
    pub to: Option<Page>,
    /// Why it can't be chosen, if so.
    pub forbidden: Option<&'static str>,
}

impl MenuItem {
    /// One that can be chosen.
    pub const fn new(label: &'static str, shape: Shape) -> Self {
        Self { label, shape, to: None, forbidden: None }
    }
}

/// The button and its menu. Nothing where there are no items.
#[component]
pub fn Menu(
    /// A different one for each menu of a page.
    #[prop(into)]
    id: String,
    /// Its name.
    label: &'static str,
    /// The picture on the button.
    shape: Shape,
    /// What is in it.
    items: Memo<Vec<MenuItem>>,
    /// The id of what it is about.
    #[prop(into)]
    described_by: String,
    /// The item of this place in the list was chosen. One that leads to a page is not told.
    on_choose: Callback<usize>,
    /// What stands above the items.
    #[prop(optional)]
    children: Option<ChildrenFn>,
) -> impl IntoView {
    let children = StoredValue::new(children);
    let id = StoredValue::new(id);
    let described_by = StoredValue::new(described_by);
    let is_empty = Memo::new(move |_| items.with(Vec::is_empty));
    move || (!is_empty.get()).then(|| view! { <OpenableMenu id label shape items described_by on_choose children /> })
}

#[component]
fn OpenableMenu(
    id: StoredValue<String>,
    label: &'static str,
    shape: Shape,
    items: Memo<Vec<MenuItem>>,
    described_by: StoredValue<String>,
    on_choose: Callback<usize>,
    children: StoredValue<Option<ChildrenFn>>,
) -> impl IntoView {
    let address: Address = expect_context();
    let button = NodeRef::<html::Button>::new();
    let menu = NodeRef::<html::Div>::new();
    let open = RwSignal::new(false);
    let on_toggle = move |_| {
        let (Some(menu), Some(button)) = (menu.get_untracked(), button.get_untracked()) else { return };
        open.set(popover::is_open(&menu));
        if open.get_untracked() {
            popover::place(&menu, &button);
            popover::move_focus(&menu, 1);
        }
    };
    let close = move || {
        // It fails where the menu is closed already.
        let _ = menu.get_untracked().map(|menu| menu.hide_popover());
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            // Tab leaves a menu; the focus goes back to its button first.
            "Tab" => return close(),
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some(menu) = menu.get_untracked() {
            popover::move_focus(menu.unchecked_ref(), step);
        }
    };
    let item = move |(place, item): (usize, MenuItem)| {
        let reason_id = format!("{}-{place}", id.get_value());
        let described_by = item.forbidden.map(|_| reason_id.clone());
        let reason = item.forbidden.map(|reason| view! { <small id=reason_id>{reason}</small> });
        let words = view! {
            <Icon shape=item.shape />
            <span>{item.label} {reason}</span>
        };
        if let Some(to) = item.to.filter(|_| item.forbidden.is_none()) {
            let follow = link::follow(address, to);
            let on_click = move |event| {
                close();
                follow(event);
            };
            return view! {
                <a role="menuitem" tabindex="-1" href=to.path() on:click=on_click>
                    {words}
                </a>
            }
            .into_any();
        }
        let is_forbidden = item.forbidden.is_some();
        let on_click = move |_| {
            if !is_forbidden {
                close();
                on_choose.run(place);
            }
        };
        view! {
            <button
                type="button"
                role="menuitem"
                tabindex="-1"
                aria-label=item.label
                aria-disabled=is_forbidden.then_some("true")
                aria-describedby=described_by
                on:click=on_click
            >
                {words}
            </button>
        }
        .into_any()
    };
    view! {
        <button
            type="button"
            class="button button-quiet button-icon"
            node_ref=button
            popovertarget=id.get_value()
            aria-label=label
            aria-describedby=described_by.get_value()
            aria-haspopup="menu"
            aria-expanded=move || open.get().to_string()
        >
            <Icon shape />
        </button>
        <div class="popover menu" popover="auto" id=id.get_value() node_ref=menu on:toggle=on_toggle on:keydown=on_key>
            {children.with_value(|children| children.as_ref().map(|children| children()))}
            <div role="menu" aria-label=label>
                {move || items.get().into_iter().enumerate().map(item).collect_view()}
            </div>
        </div>
    }
}
