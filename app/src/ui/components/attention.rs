//! Companies that need somebody, by why: each group can be shown alone, and something done about all of it.

use leptos::prelude::*;

use crate::{
    domain::{Action, Cause},
    ui::{
        browser::locale,
        may::Reasons,
        routes::Page,
        search::{Filter, headline, how_many},
    },
};

/// The groups. A button that is not needed is hidden, so that the focus stays while numbers change.
#[component]
pub fn Attention(
    /// How many companies there are of each cause, in the order of [`Cause::all`].
    groups: Memo<Vec<usize>>,
    /// The place of the filter that is chosen.
    chosen: ReadSignal<usize>,
    /// What can't be done, and why.
    reasons: Memo<Reasons>,
    /// Another filter is chosen.
    on_choose: Callback<usize>,
    /// All companies of the group that is shown are to be checked again.
    on_check: Callback<()>,
) -> impl IntoView {
    let chip = move |(place, cause): (usize, Cause)| {
        let companies = move || groups.with(|groups| groups[place]);
        let filter = Filter::ALL.len() + place;
        view! {
            <button
                type="button"
                class="button"
                hidden=move || companies() == 0
                aria-pressed=move || (chosen.get() == filter).to_string()
                on:click=move |_| on_choose.run(if chosen.get_untracked() == filter { 0 } else { filter })
            >
                {move || format!("{} {}", locale::number(companies()), cause.short())}
            </button>
        }
    };
    let kind = move |lost: bool| {
        let of_kind = move |(_, cause): &(usize, Cause)| cause.is_lost() == lost;
        let companies = move || -> usize {
            groups.with(|groups| Cause::all().enumerate().filter(of_kind).map(|(place, _)| groups[place]).sum())
        };
        view! {
            <p hidden=move || companies() == 0>
                <strong>{move || headline(companies(), lost)}</strong>
                {Cause::all().enumerate().filter(of_kind).map(chip).collect_view()}
            </p>
        }
    };
    let bulk = move || {
        let place = chosen.get();
        let Filter::Cause(cause) = Filter::at(place) else { return None };
        let action = cause.action().filter(|action| reasons.with(|reasons| reasons.of(*action).is_none()))?;
        let companies = how_many(groups.with(|groups| groups[place - Filter::ALL.len()]));
        Some(if action == Action::GenerateLink {
            let href = format!("{}?cause={}", Page::NewLinks.path(), cause.key());
            view! { <a class="button button-main" href=href>{format!("Generate links for {companies}")}</a> }.into_any()
        } else {
            view! {
                <button type="button" class="button button-main" on:click=move |_| on_check.run(())>
                    {format!("Check {companies} again")}
                </button>
            }
            .into_any()
        })
    };
    let is_empty = move || groups.with(|groups| groups.iter().all(|companies| *companies == 0));
    view! {
        <section class="attention" aria-label="Needs attention" hidden=is_empty>
            {[true, false].map(kind).collect_view()} {bulk}
        </section>
    }
}
