//! One choice of a few, in a list that opens.

use leptos::{html, prelude::*};

/// The list. It shows what is chosen again with each notice of `chosen`, even of the same choice: a choice that was
/// refused goes from the screen.
#[component]
pub fn Select(
    /// What is chosen here.
    label: String,
    /// The choices.
    options: Vec<&'static str>,
    /// The place of the one that is chosen.
    chosen: Signal<usize>,
    /// Somebody chose the one at this place.
    on_choose: Callback<usize>,
) -> impl IntoView {
    let select = NodeRef::<html::Select>::new();
    Effect::new(move |_| {
        let place = i32::try_from(chosen.get()).unwrap_or_default();
        if let Some(select) = select.get() {
            select.set_selected_index(place);
        }
    });
    let on_change = move |_| {
        let place = select.get_untracked().and_then(|select| usize::try_from(select.selected_index()).ok());
        if let Some(place) = place {
            on_choose.run(place);
        }
    };
    view! {
        <select class="select" aria-label=label node_ref=select on:change=on_change>
            {options.into_iter().map(|option| view! { <option>{option}</option> }).collect_view()}
        </select>
    }
}
