//! Something that stands in the way, and what can be done about it.

use leptos::prelude::*;

use super::{Icon, Shape};

/// A box across the page. With `on_dismiss` it can be put away.
#[component]
pub fn Notice(
    /// What happened.
    #[prop(into)]
    title: String,
    /// Whether it interrupts what a screen reader says: it answers a click.
    #[prop(optional)]
    urgent: bool,
    /// A different one for each notice of a page.
    id: &'static str,
    /// Somebody puts it away.
    #[prop(optional)]
    on_dismiss: Option<Callback<()>>,
    /// What it means, and the buttons.
    children: Children,
) -> impl IntoView {
    let name = title.clone();
    view! {
        <section class="notice" id=id role=if urgent { "alert" } else { "region" } aria-label=name>
            <Icon shape=Shape::Warning />
            <div class="notice-body">
                <strong>{title}</strong>
                {children()}
            </div>
            {on_dismiss
                .map(|on_dismiss| {
                    view! {
                        <button
                            type="button"
                            class="button button-quiet button-icon"
                            aria-label="Dismiss"
                            on:click=move |_| on_dismiss.run(())
                        >
                            <Icon shape=Shape::Cross />
                        </button>
                    }
                })}
        </section>
    }
}
