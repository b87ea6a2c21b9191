//! One line that somebody fills in.

use leptos::prelude::*;

/// The field with its label above it, and its rules below.
#[component]
pub fn Field(
    /// A different one for each field of a page.
    id: &'static str,
    /// What to fill in.
    label: &'static str,
    /// The kind of field, as HTML names it.
    kind: &'static str,
    /// What the browser may fill in, as HTML names it.
    autocomplete: &'static str,
    /// What is filled in.
    value: RwSignal<String>,
    /// The rules.
    #[prop(optional)]
    rules: Option<&'static str>,
    /// Whether it may stay empty.
    #[prop(optional)]
    optional: bool,
) -> impl IntoView {
    let rules_id = format!("{id}-rules");
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                name=id
                type=kind
                autocomplete=autocomplete
                required=!optional
                aria-describedby=rules.map(|_| rules_id.clone())
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
            />
            {rules.map(|rules| view! { <p class="field-rules" id=rules_id>{rules}</p> })}
        </div>
    }
}
