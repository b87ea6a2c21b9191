//! Companies that need somebody, by why: each group can be shown alone, and something done about all of it.

use leptos::prelude::*;

use crate::{
    domain::{Action, Cause},
    ui::{
        browser::locale,
        may::Forbidden,
        routes::Page,
        search::{Filter, headline, how_many},
    },
};

/// The groups. A button that is not needed is hidden, so that the focus stays while numbers change.
#[component]
pub fn Attention(
    /// How many companies there are of each.
    groups: Memo<Vec<(Cause, usize)>>,
    /// What is shown of the companies.
    chosen: ReadSignal<Filter>,
    /// What can't be done, and why.
    forbidden: Forbidden,
    /// Something else is to be shown.
    on_choose: Callback<Filter>,
    /// All companies of the group that is shown are to be checked again.
    on_check: Callback<()>,
) -> impl IntoView {
    // How many companies there are of some causes.
    let count = move |of: &dyn Fn(Cause) -> bool| {
        groups.with(|groups| {
            groups.iter().filter(|(cause, _)| of(*cause)).map(|(_, companies)| *companies).sum::<usize>()
        })
    };
    let chip = move |cause: Cause| {
        let companies = move || count(&|known| known == cause);
        let filter = Filter::Cause(cause);
        view! {
            <button
                type="button"
                class="button"
                hidden=move || companies() == 0
                aria-pressed=move || (chosen.get() == filter).to_string()
                on:click=move |_| on_choose.run(if chosen.get_untracked() == filter { Filter::All } else { filter })
            >
                {move || format!("{} {}", locale::number(companies()), cause.short())}
            </button>
        }
    };
    let kind = move |lost: bool| {
        let companies = move || count(&|cause| cause.is_lost() == lost);
        view! {
            <p hidden=move || companies() == 0>
                <strong>{move || headline(companies(), lost)}</strong>
                {Cause::all().filter(|cause| cause.is_lost() == lost).map(chip).collect_view()}
            </p>
        }
    };
    let bulk = move || {
        let Filter::Cause(cause) = chosen.get() else { return None };
        let action = cause.action().filter(|action| forbidden.reason(*action).get().is_none())?;
        let companies = how_many(count(&|known| known == cause));
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
    view! {
        <section class="attention" aria-label="Needs attention" hidden=move || groups.with(Vec::is_empty)>
            {[true, false].map(kind).collect_view()} {bulk}
        </section>
    }
}
