//! A long list: what it is searched for and narrowed down by, the table, and the way to its next page.

use leptos::prelude::*;

use super::{Empty, Icon, LoadFailed, SearchBox, Select, Shape, Skeleton, When};
use crate::{
    domain::Order,
    ui::{
        browser::locale,
        listing::{Column, Listing, count_words},
        state::Load,
    },
};

/// The list.
#[component]
pub fn ListTable(
    /// What was read of it.
    listing: Listing,
) -> impl IntoView {
    let is_empty = Memo::new(move |_| listing.lines.with(Vec::is_empty));
    let is_whole = Memo::new(move |_| listing.is_whole());
    let is_done = move || listing.load.with(|load| *load == Load::Done);
    let more = Memo::new(move |_| listing.has_more() && is_done());
    let body = move || match listing.load.get() {
        Load::Loading => view! { <Skeleton /> }.into_any(),
        Load::Failed(error) => {
            let on_retry = Callback::new(move |()| listing.read());
            view! { <LoadFailed title="The list could not be read" error on_retry /> }.into_any()
        }
        Load::Done if is_empty.get() && is_whole.get() => {
            view! { <Empty title="Nothing here yet"><p>{listing.kind.get_value().nothing}</p></Empty> }.into_any()
        }
        Load::Done if is_empty.get() => view! {
            <Empty title="Nothing matches">
                <p>"Nothing has these words and choices."</p>
                <button type="button" class="button" on:click=move |_| listing.clear()>
                    "Show all"
                </button>
            </Empty>
        }
        .into_any(),
        Load::Done => view! { <Table listing /> }.into_any(),
    };
    view! {
        <Tools listing />
        {body}
        <When flag=more>
            <button type="button" class="button load-more" on:click=move |_| listing.read_more()>
                "Load more"
            </button>
        </When>
    }
}

#[component]
fn Tools(listing: Listing) -> impl IntoView {
    let kind = listing.kind.get_value();
    let columns = (kind.columns)(listing.is_within());
    let sorts: Vec<(&'static str, usize)> =
        columns.iter().filter_map(|column| Some((column.label, column.sort?))).collect();
    let sort_labels: Vec<&'static str> = sorts.iter().map(|(label, _)| *label).collect();
    let first = sorts.iter().position(|(_, sort)| *sort == 0).unwrap_or_default();
    let on_sort = Callback::new(move |place: usize| {
        listing.order.set(Order { by: sorts[place].1, descending: false });
    });
    let choice = |(number, (label, options)): (usize, (&'static str, Vec<&'static str>))| {
        let chosen = Memo::new(move |_| listing.chosen.with(|chosen| chosen[number]));
        let on_choose = Callback::new(move |place: usize| listing.chosen.update(|chosen| chosen[number] = place));
        // What somebody chooses is drawn by the browser; it is drawn again when it changes in another way.
        move || {
            listing.cleared.track();
            let chosen = chosen.get_untracked();
            view! { <Select label=label.to_owned() options=options.clone() chosen on_choose /> }
        }
    };
    let count = move || {
        listing.load.with(|load| *load == Load::Done).then(|| {
            let shown = listing.lines.with(Vec::len);
            count_words(shown, listing.total(), listing.has_more(), kind.noun, locale::number)
        })
    };
    view! {
        <div class="list-tools">
            <SearchBox label=kind.search text=listing.search on_down=Callback::new(|()| {}) />
            {(kind.choices)().into_iter().enumerate().map(choice).collect_view()}
            <div class="list-sort">
                <Select label="Sort by".to_owned() options=sort_labels chosen=first on_choose=on_sort />
            </div>
            <a class="button" href=move || listing.file() download>
                <Icon shape=Shape::Download />
                "Download CSV"
            </a>
        </div>
        <p class="list-count" role="status">
            {count}
        </p>
    }
}

#[component]
fn Table(listing: Listing) -> impl IntoView {
    let kind = listing.kind.get_value();
    let order = listing.order;
    let head = move |column: Column<usize>| {
        let class = if column.is_figure { "data-figure" } else { "" };
        let Some(sort) = column.sort else {
            return view! { <th role="columnheader" scope="col" class=class>{column.label}</th> }.into_any();
        };
        let direction = move || {
            let order = order.get();
            (order.by == sort).then_some(if order.descending { "descending" } else { "ascending" })
        };
        view! {
            <th role="columnheader" scope="col" class=class aria-sort=direction>
                <button
                    type="button"
                    class="sort-button"
                    on:click=move |_| order.update(|order| *order = order.chosen(sort))
                >
                    {column.label}
                    <Icon shape=Shape::Sort />
                </button>
            </th>
        }
        .into_any()
    };
    view! {
        <table class="data-table list-table" role="table" aria-label=kind.name>
            <thead role="rowgroup">
                <tr role="row">{(kind.columns)(listing.is_within()).into_iter().map(head).collect_view()}</tr>
            </thead>
            <tbody role="rowgroup">
                {move || listing.lines.get().into_iter().map(|line| line()).collect_view()}
            </tbody>
        </table>
    }
}
