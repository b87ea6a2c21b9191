//! A long list: what it is searched for and narrowed down by, the table, and the way to its next page.

use leptos::prelude::*;

use super::{Empty, Icon, LoadFailed, SearchBox, Select, Shape, Skeleton, When};
use crate::{
    domain::{Order, Timestamp},
    ui::{
        browser::locale,
        listing::{Column, Listed, Listing, count_words},
        state::Load,
    },
};

/// The list.
#[component]
pub fn ListTable<Row: Listed>(
    /// What was read of it.
    listing: Listing<Row>,
    /// Whether it is of one company.
    within: bool,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
) -> impl IntoView {
    let is_empty = Memo::new(move |_| listing.rows.with(Vec::is_empty));
    let is_whole = Memo::new(move |_| listing.is_whole());
    let body = move || match listing.load.get() {
        Load::Loading => view! { <Skeleton /> }.into_any(),
        Load::Failed(error) => {
            let on_retry = Callback::new(move |()| listing.read());
            view! { <LoadFailed title="The list could not be read" error on_retry /> }.into_any()
        }
        Load::Done if is_empty.get() && is_whole.get() => {
            view! { <Empty title="Nothing here yet"><p>{Row::NOTHING}</p></Empty> }.into_any()
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
        Load::Done => table(listing, within, now),
    };
    view! {
        {toolbar(listing, within)}
        {body}
        <When flag=Memo::new(move |_| listing.more.get() && listing.load.with(|load| *load == Load::Done))>
            <button type="button" class="button load-more" on:click=move |_| listing.read_more()>
                "Load more"
            </button>
        </When>
    }
}

fn toolbar<Row: Listed>(listing: Listing<Row>, within: bool) -> impl IntoView {
    let choice = |choice: crate::ui::listing::Choice<Row::Filter>| {
        let choices = choice.options;
        let on_choose = Callback::new(move |place: usize| {
            listing.filter.update(|filter| choices[place].1(filter));
        });
        // A change that comes from elsewhere, such as "Show all", shows the first choice again.
        let again = Memo::new(move |_| listing.filter.with(|filter| *filter == Row::Filter::default()));
        move || {
            let options: Vec<&'static str> = choices.iter().map(|(label, _)| *label).collect();
            again.track();
            let chosen = untrack(|| {
                listing.filter.with(|filter| {
                    let leaves = |change: fn(&mut Row::Filter)| {
                        let mut after = filter.clone();
                        change(&mut after);
                        after == *filter
                    };
                    choices.iter().position(|(_, change)| leaves(*change)).unwrap_or_default()
                })
            });
            view! { <Select label=choice.label.to_owned() options chosen on_choose /> }
        }
    };
    let sorts: Vec<(&'static str, Row::Sort)> =
        Row::columns(within).iter().filter_map(|column| Some((column.label, column.sort?))).collect();
    let labels: Vec<&'static str> = sorts.iter().map(|(label, _)| *label).collect();
    let on_sort = Callback::new(move |place: usize| {
        listing.order.update(|order| *order = Order { by: sorts[place].1, descending: false });
    });
    let count = move || {
        listing.load.with(|load| *load == Load::Done).then(|| {
            let shown = listing.rows.with(Vec::len);
            count_words(shown, listing.total.get(), listing.more.get(), Row::NOUN, locale::number)
        })
    };
    view! {
        <div class="list-tools">
            <SearchBox label=Row::SEARCH text=listing.search on_down=Callback::new(|()| {}) />
            {Row::choices().into_iter().map(choice).collect_view()}
            <div class="list-sort">
                <Select label="Sort by".to_owned() options=labels chosen=0 on_choose=on_sort />
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

fn table<Row: Listed>(listing: Listing<Row>, within: bool, now: ReadSignal<Timestamp>) -> AnyView {
    let head = |column: Column<Row::Sort>| {
        let (label, sort) = (column.label, column.sort);
        let class = if column.is_figure { "data-figure" } else { "" };
        match sort {
            None => view! { <th role="columnheader" scope="col" class=class>{label}</th> }.into_any(),
            Some(sort) => {
                let order = listing.order;
                let direction = Memo::new(move |_| order.with(|order| (order.by == sort).then_some(order.descending)));
                let on_sort = move || order.update(|order| *order = order.chosen(sort));
                sorted_head(label, class, direction, on_sort)
            }
        }
    };
    view! {
        <table class="data-table list-table" role="table" aria-label=Row::NAME>
            <thead role="rowgroup">
                <tr role="row">{Row::columns(within).into_iter().map(head).collect_view()}</tr>
            </thead>
            <tbody role="rowgroup">
                {move || listing.rows.get().into_iter().map(|row| row.line(within, now)).collect_view()}
            </tbody>
        </table>
    }
    .into_any()
}

/// `direction`: whether the largest stand first, where the list is sorted by this.
fn sorted_head(
    label: &'static str,
    class: &'static str,
    direction: Memo<Option<bool>>,
    on_sort: impl Fn() + 'static,
) -> AnyView {
    let sort = move || match direction.get() {
        None => None,
        Some(false) => Some("ascending"),
        Some(true) => Some("descending"),
    };
    view! {
        <th role="columnheader" scope="col" class=class aria-sort=sort>
            <button type="button" class="sort-button" on:click=move |_| on_sort()>
                {label}
                <Icon shape=Shape::Sort />
            </button>
        </th>
    }
    .into_any()
}
