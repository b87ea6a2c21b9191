//! A button that opens a menu of further actions.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use super::{Icon, Shape};
use crate::ui::browser::popover;

/// One entry of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItem {
    /// Its words.
    pub label: &'static str,
    /// Its picture.
    pub shape: Shape,
}

/// The button "More actions" and its menu. Nothing where there are no items.
#[component]
pub fn Menu(
    /// A different one for each menu of a page.
    id: String,
    /// What is in it.
    items: Memo<Vec<MenuItem>>,
    /// The id of what the actions are about.
    described_by: String,
    /// The item of this place in the list was chosen.
    on_choose: Callback<usize>,
) -> impl IntoView {
    let id = StoredValue::new(id);
    let described_by = StoredValue::new(described_by);
    let is_empty = Memo::new(move |_| items.with(Vec::is_empty));
    move || (!is_empty.get()).then(|| view! { <OpenableMenu id described_by items on_choose /> })
}

#[component]
fn OpenableMenu(
    id: StoredValue<String>,
    described_by: StoredValue<String>,
    items: Memo<Vec<MenuItem>>,
    on_choose: Callback<usize>,
) -> impl IntoView {
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
    view! {
        <button
            type="button"
            class="button button-quiet button-icon"
            node_ref=button
            popovertarget=id.get_value()
            aria-label="More actions"
            aria-describedby=described_by.get_value()
            aria-haspopup="menu"
            aria-expanded=move || open.get().to_string()
        >
            <Icon shape=Shape::Dots />
        </button>
        <div
            class="popover menu"
            popover="auto"
            role="menu"
            aria-label="More actions"
            id=id.get_value()
            node_ref=menu
            on:toggle=on_toggle
            on:keydown=on_key
        >
            {move || {
                let item = |(place, item): (usize, MenuItem)| {
                    view! {
                        <button
                            type="button"
                            role="menuitem"
                            tabindex="-1"
                            on:click=move |_| {
                                close();
                                on_choose.run(place);
                            }
                        >
                            <Icon shape=item.shape />
                            {item.label}
                        </button>
                    }
                };
                items.get().into_iter().enumerate().map(item).collect_view()
            }}
        </div>
    }
}
