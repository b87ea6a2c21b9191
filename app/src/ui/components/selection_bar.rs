//! What can be done with the companies that are selected.

use leptos::{html, prelude::*};

use crate::{
    domain::Action,
    ui::{
        may::Reasons,
        state::{Selection, selection::Counts},
    },
};

/// The id of the bar.
pub const SELECTION_BAR: &str = "selection-bar";

/// Something that can be done with all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Make links for them.
    Links,
    /// Read their tenants now.
    Sync,
    /// Tag them.
    Tag,
    /// Put them away.
    Archive,
    /// Select none.
    Clear,
}

/// The bar.
#[component]
pub fn SelectionBar(
    /// How many are selected, and how many of them are shown.
    counts: Memo<Counts>,
    /// Which.
    selection: RwSignal<Selection>,
    /// What can't be done, and why.
    reasons: Memo<Reasons>,
    /// Somebody wants something done with them.
    on_deed: Callback<Deed>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let fill = move |_| {
        if let Some(field) = field.get_untracked() {
            field.set_value(&selection.with_untracked(Selection::list));
        }
    };
    let button = move |(label, deed): (&'static str, Deed)| {
        let reason = move || {
            reasons.with(|reasons| match deed {
                Deed::Links => reasons.of(Action::GenerateLink),
                Deed::Sync => reasons.of(Action::SyncNow),
                Deed::Tag | Deed::Archive => reasons.managing(),
                Deed::Clear => None,
            })
        };
        view! {
            <button
                type="button"
                class="button"
                disabled=move || reason().is_some()
                title=reason
                on:click=move |_| on_deed.run(deed)
            >
                {label}
            </button>
        }
    };
    let deeds =
        [("Generate links", Deed::Links), ("Sync now", Deed::Sync), ("Tag", Deed::Tag), ("Archive", Deed::Archive)];
    view! {
        <section
            class="selection-bar"
            id=SELECTION_BAR
            tabindex="-1"
            aria-label="Selected companies"
            hidden=move || counts.get().selected == 0
        >
            <strong>{move || counts.get().words()}</strong>
            {deeds.map(button).collect_view()}
            <form method="post" on:submit=fill>
                <input type="hidden" name="companies" node_ref=field />
                <button type="submit" class="button" formaction="/api/companies.csv">
                    "Export CSV"
                </button>
                <button type="submit" class="button" formaction="/api/companies.xlsx">
                    "Export Excel"
                </button>
            </form>
            {button(("Clear", Deed::Clear))}
        </section>
    }
}
