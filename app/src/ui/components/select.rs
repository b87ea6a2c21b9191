//! One choice of a few, in a list that opens.

use leptos::{ev, prelude::*, web_sys::HtmlSelectElement};

/// The list.
#[component]
pub fn Select(
    /// What is chosen here.
    label: String,
    /// The choices.
    options: Vec<&'static str>,
    /// The place of the one that is chosen.
    #[prop(into)]
    chosen: Signal<usize>,
    /// Somebody chose the one at this place.
    on_choose: Callback<usize>,
) -> impl IntoView {
    let on_change = move |event: ev::Targeted<ev::Event, HtmlSelectElement>| {
        if let Ok(place) = usize::try_from(event.target().selected_index()) {
            on_choose.run(place);
        }
    };
    let option = |(place, words): (usize, &'static str)| {
        view! { <option prop:selected=move || place == chosen.get()>{words}</option> }
    };
    view! {
        <select class="select" aria-label=label on:change:target=on_change>
            {options.into_iter().enumerate().map(option).collect_view()}
        </select>
    }
}
