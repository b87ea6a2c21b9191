//! One choice of a few, side by side.

use leptos::prelude::*;

/// One of the choices.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Its words.
    pub label: &'static str,
    /// How many there are of it.
    pub count: Option<Memo<Option<usize>>>,
    /// Its picture, in the place of its words.
    pub shape: Option<super::Shape>,
}

/// A group of radio buttons that look like one bar.
#[component]
pub fn Segments(
    /// What is chosen here.
    legend: &'static str,
    /// A different one for each group of a page.
    name: &'static str,
    /// The choices.
    segments: Vec<Segment>,
    /// The place of the one that is chosen.
    chosen: ReadSignal<usize>,
    /// Somebody chose the one at this place.
    on_choose: Callback<usize>,
) -> impl IntoView {
    view! {
        <fieldset class="segments">
            <legend class="visually-hidden">{legend}</legend>
            {segments
                .into_iter()
                .enumerate()
                .map(|(place, Segment { label, count, shape })| {
                    let words = if shape.is_some() { "visually-hidden" } else { "" };
                    view! {
                        <label class="segment" title=shape.map(|_| label)>
                            <input
                                type="radio"
                                class="visually-hidden"
                                name=name
                                prop:checked=move || chosen.get() == place
                                on:change=move |_| on_choose.run(place)
                            />
                            {shape.map(|shape| view! { <super::Icon shape /> })}
                            <span class=words>{label}</span>
                            {count
                                .map(|count| {
                                    view! {
                                        <span class="segment-count">
                                            {move || count.get().map(crate::ui::browser::locale::number)}
                                        </span>
                                    }
                                })}
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}
