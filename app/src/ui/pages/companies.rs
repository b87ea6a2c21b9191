//! M365 companies: which company is connected to its tenant, and which needs somebody.

use std::{sync::Arc, time::Duration};

use gloo_timers::callback::{Interval, Timeout};
use leptos::prelude::*;

use crate::{
    api::companies::Setup,
    domain::{Action, CompanyId, Progress},
    error::AppError,
    ui::{
        actions::Actions,
        browser::{clock, document, locale},
        components::{
            Announcer, CompanyTable, ConnectedProgress, Empty, Notice, OfflineBar, SearchBox, Segment, Segments,
            Skeleton, TopBar,
        },
        search::{Filter, Query},
        state::{self, Entry, Load, Tone},
    },
};

const SETUP_NOTICE: &str = "setup-notice";

const SETUP_MISSING: &str = "No app registration is configured";

/// How long somebody pauses before the number of matches is read out.
const TYPING_PAUSE: Duration = Duration::from_millis(700);

/// The page.
#[component]
pub fn Companies() -> impl IntoView {
    document::set_title("M365 companies");
    let companies: state::Companies = expect_context();
    let actions: Actions = expect_context();

    let search = RwSignal::new(String::new());
    let filter = RwSignal::new(0_usize);
    let enter = RwSignal::new(0_usize);
    let now = minutes();
    let load = companies.load();
    let loaded = Memo::new(move |_| load.with(|load| *load == Load::Done));
    let forbidden = Memo::new(move |_| match companies.setup().get() {
        Setup::Ready => None,
        Setup::AppRegistrationMissing => Some(SETUP_MISSING),
    });

    let total = Memo::new(move |_| companies.rows().with(|rows| rows.all().len()));
    let progress = Memo::new(move |_| {
        loaded.get().then(|| companies.rows().with(|rows| Progress::of(rows.all().iter().map(|entry| &entry.row))))
    });
    let found = Memo::new(move |_| {
        let query = search.with(|text| Query::parse(text, locale::decompose));
        let found = |entry: &&Arc<Entry>| query.matches(&entry.search_key);
        companies.rows().with(|rows| rows.all().iter().filter(found).cloned().collect::<Arc<[_]>>())
    });
    let shown = Memo::new(move |_| {
        let filter = Filter::ALL[filter.get()];
        found.with(|found| found.iter().filter(|entry| admits(filter, entry)).cloned().collect::<Arc<[_]>>())
    });
    announce_matches(companies, search, shown);

    let segments = Filter::ALL
        .into_iter()
        .map(|filter| {
            let count = move || found.with(|found| found.iter().filter(|entry| admits(filter, entry)).count());
            let count = Memo::new(move |_| loaded.get().then(count));
            Segment { label: filter.label(), count: Some(count), shape: None }
        })
        .collect();
    let clear = move |_| {
        search.set(String::new());
        filter.set(0);
    };
    let on_action = Callback::new(move |(company, action): (CompanyId, Action)| actions.run(company, action));

    view! {
        <OfflineBar reachable=companies.reachable() />
        <TopBar path=&["Settings", "Integrations", "Microsoft 365", "Companies"] />
        <main class="page">
            <div class="page-head">
                <div>
                    <h1>"M365 companies"</h1>
                    <p class="page-lead">"Connect each company to its Microsoft 365 tenant. Its data stay up to date by themselves."</p>
                </div>
                <ConnectedProgress progress />
            </div>
            <SetupNotice forbidden />
            <BlockedNotice actions companies />
            <div class="toolbar">
                <SearchBox label="Search companies" text=search on_down=Callback::new(move |()| *enter.write() += 1) />
                <Segments
                    legend="Show"
                    name="filter"
                    segments
                    chosen=filter.read_only()
                    on_choose=Callback::new(move |place| filter.set(place))
                />
            </div>
            {move || match load.get() {
                Load::Loading => view! { <Skeleton /> }.into_any(),
                Load::Failed(error) => view! { <LoadFailed error actions /> }.into_any(),
                Load::Done => view! {
                    <Show when=move || total.get() != 0 fallback=NoCompanies>
                        <CompanyTable rows=companies.rows() shown now forbidden enter=enter.read_only() on_action />
                        <Show when=move || shown.with(|shown| shown.is_empty())>
                            <Empty title="No company matches">
                                <p>"No name, domain or tenant contains these words, or the filter leaves it out."</p>
                                <button type="button" class="button" on:click=clear>
                                    "Show all companies"
                                </button>
                            </Empty>
                        </Show>
                    </Show>
                }
                .into_any(),
            }}
        </main>
        <Announcer messages=companies.messages() on_dismiss=Callback::new(move |id| companies.dismiss_message(id)) />
    }
}

fn admits(filter: Filter, entry: &Entry) -> bool {
    filter.admits(&entry.status(), entry.row.last_try.is_some())
}

/// The present, moving on once a minute.
fn minutes() -> ReadSignal<crate::domain::Timestamp> {
    let now = RwSignal::new(clock::now());
    let interval = StoredValue::new_local(Some(Interval::new(30_000, move || now.set(clock::now()))));
    on_cleanup(move || {
        interval.try_update_value(Option::take);
    });
    now.read_only()
}

/// Says how many companies a search found, once the typing pauses.
fn announce_matches(companies: state::Companies, search: RwSignal<String>, shown: Memo<Arc<[Arc<Entry>]>>) {
    let waiting = StoredValue::new_local(None::<Timeout>);
    Effect::new(move |before: Option<String>| {
        let text = search.get();
        if before.as_ref().is_some_and(|before| *before != text) {
            let say = move || {
                let words = match shown.with_untracked(|shown| shown.len()) {
                    0 => "No company found".to_owned(),
                    1 => "1 company found".to_owned(),
                    count => format!("{} companies found", locale::number(count)),
                };
                companies.say(words, Tone::Unseen, None);
            };
            let pause = u32::try_from(TYPING_PAUSE.as_millis()).unwrap_or_default();
            // Dropping the one before cancels it.
            waiting.set_value(Some(Timeout::new(pause, say)));
        }
        text
    });
}

#[component]
fn SetupNotice(forbidden: Memo<Option<&'static str>>) -> impl IntoView {
    view! {
        <Show when=move || forbidden.get().is_some()>
            <Notice id=SETUP_NOTICE title=SETUP_MISSING>
                <p>
                    "Companies can be connected once Tenantry knows its app registration in Microsoft Entra. The README shows how to make one; "
                    <code>"tenantry check"</code> " says what is still missing."
                </p>
            </Notice>
        </Show>
    }
}

#[component]
fn BlockedNotice(actions: Actions, companies: state::Companies) -> impl IntoView {
    let blocked = actions.blocked();
    move || {
        blocked.get().map(|company| {
            let name = companies.entry_untracked(company).map(|entry| entry.row.name.clone()).unwrap_or_default();
            view! {
                <Notice
                    id="blocked-notice"
                    title="Your browser blocked the pop-up"
                    urgent=true
                    on_dismiss=Callback::new(move |()| blocked.set(None))
                >
                    <p>
                        "To connect " <strong>{name}</strong>
                        ", allow pop-ups for this site and try again, or sign in without one."
                    </p>
                    <p>
                        <button type="button" class="button" on:click=move |_| Actions::sign_in_here(company)>
                            "Open in this tab"
                        </button>
                    </p>
                </Notice>
            }
        })
    }
}

#[component]
fn LoadFailed(error: AppError, actions: Actions) -> impl IntoView {
    view! {
        <Empty title="The companies could not be read">
            <p>{error.message}</p>
            <button type="button" class="button" on:click=move |_| actions.read_list()>
                "Retry"
            </button>
        </Empty>
    }
}

#[component]
fn NoCompanies() -> impl IntoView {
    view! {
        <Empty title="No companies yet">
            <p>"Import them from a CSV file with the columns name, domain, external id and contact:"</p>
            <pre>"tenantry companies import companies.csv"</pre>
            <p>"They appear here as soon as that is done."</p>
        </Empty>
    }
}
