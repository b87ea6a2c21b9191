//! Companies that something is not done to, each with the reason.

use leptos::prelude::*;

use crate::{domain::LeftOut, ui::browser::locale};

/// How many names are shown at most.
const SHOWN: usize = 200;

/// The first of many names, and how many more there are.
pub fn names_shown(names: Vec<String>) -> AnyView {
    let more = names.len().saturating_sub(SHOWN);
    view! {
        <ul class="recipients" aria-label="Companies" tabindex="0">
            {names.into_iter().take(SHOWN).map(|name| view! { <li>{name}</li> }).collect_view()}
            {(more > 0).then(|| view! { <li>{format!("and {} more", locale::number(more))}</li> })}
        </ul>
    }
    .into_any()
}

/// The companies. Nothing where there are none.
#[component]
pub fn LeftOutList(
    /// What is not done to them, as a sentence that ends with a colon.
    title: &'static str,
    /// The companies.
    companies: Vec<LeftOut>,
) -> impl IntoView {
    let more = companies.len().saturating_sub(SHOWN);
    let line = |LeftOut { name, reason }| view! { <li><strong>{name}</strong> " " {reason}</li> };
    (!companies.is_empty()).then(|| {
        view! {
            <section class="left-out" aria-label=title>
                <p>{title}</p>
                <ul class="steps">
                    {companies.into_iter().take(SHOWN).map(line).collect_view()}
                    {(more > 0).then(|| view! { <li>{format!("and {} more", locale::number(more))}</li> })}
                </ul>
            </section>
        }
    })
}
