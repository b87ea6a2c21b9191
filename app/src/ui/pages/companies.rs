//! M365 companies: which company is connected to its tenant, and which needs somebody.

use std::{sync::Arc, time::Duration};

use gloo_timers::callback::Timeout;
use leptos::prelude::*;

use super::Frame;
use crate::{
    api::companies::Setup,
    domain::{Action, CompanyId, Progress},
    ui::{
        actions::Actions,
        browser::{clock, document, locale},
        components::{
            CompanyTable, ConnectedProgress, Empty, Icon, LoadFailed, Notice, ROLE_NOTE, SearchBox, SectionNav,
            Segment, Segments, Shape, Skeleton, When,
        },
        may::{Forbidden, SETUP_MISSING},
        routes::Page,
        search::{Filter, Query},
        session::Session,
        state::{self, Entry, Load, Tone},
    },
};

const SETUP_NOTICE: &str = "setup-notice";

/// How long somebody pauses before the number of matches is read out.
const TYPING_PAUSE: Duration = Duration::from_millis(700);

/// The page.
#[component]
pub fn Companies() -> impl IntoView {
    document::set_title("M365 companies");
    let companies: state::Companies = expect_context();
    let actions: Actions = expect_context();
    let session: Session = expect_context();

    let search = RwSignal::new(String::new());
    let filter = RwSignal::new(0_usize);
    let enter = RwSignal::new(0_usize);
    let now = clock::minutes();
    let load = companies.load();
    let loaded = Memo::new(move |_| load.with(|load| *load == Load::Done));
    let forbidden = Forbidden::follow(companies.setup(), move || session.role());

    let is_empty = Memo::new(move |_| companies.rows().with(|rows| rows.all().is_empty()));
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
    let no_match = Memo::new(move |_| shown.with(|shown| shown.is_empty()));
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
        <Frame path=&["Settings", "Integrations", "Microsoft 365", "Companies"]>
            <SectionNav shown=Page::Companies />
            <div class="page-head">
                <div>
                    <h1>"M365 companies"</h1>
                    <p class="page-lead">"Connect each company to its Microsoft 365 tenant. Its data stay up to date by themselves."</p>
                    <RoleNote forbidden />
                </div>
                <ConnectedProgress progress />
            </div>
            <SetupNotice companies />
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
                Load::Failed(error) => {
                    let on_retry = Callback::new(move |()| actions.read_list());
                    view! { <LoadFailed title="The companies could not be read" error on_retry /> }.into_any()
                }
                Load::Done if is_empty.get() => view! { <NoCompanies /> }.into_any(),
                Load::Done => view! {
                    <CompanyTable rows=companies.rows() shown now forbidden enter=enter.read_only() on_action />
                    <When flag=no_match>
                        <Empty title="No company matches">
                            <p>"No name, domain or tenant contains these words, or the filter leaves it out."</p>
                            <button type="button" class="button" on:click=clear>
                                "Show all companies"
                            </button>
                        </Empty>
                    </When>
                }
                .into_any(),
            }}
        </Frame>
    }
}

fn admits(filter: Filter, entry: &Entry) -> bool {
    filter.admits(&entry.status(), entry.row.last_try.is_some())
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

/// What the role may not do. The buttons that are out of use for that reason refer to it.
#[component]
fn RoleNote(forbidden: Forbidden) -> impl IntoView {
    move || {
        forbidden.by_role().get().map(|reason| {
            view! {
                <p class="role-note" id=ROLE_NOTE>
                    <Icon shape=Shape::Shield />
                    {reason}
                </p>
            }
        })
    }
}

#[component]
fn SetupNotice(companies: state::Companies) -> impl IntoView {
    let missing = Memo::new(move |_| companies.setup().get() != Setup::Ready);
    view! {
        <When flag=missing>
            <Notice id=SETUP_NOTICE title=SETUP_MISSING>
                <p>
                    "Companies can be connected once Tenantry knows its app registration in Microsoft Entra. The README shows how to make one; "
                    <code>"tenantry check"</code> " says what is still missing."
                </p>
            </Notice>
        </When>
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
fn NoCompanies() -> impl IntoView {
    view! {
        <Empty title="No companies yet">
            <p>"Import them from a CSV file with the columns name, domain, external id and contact:"</p>
            <pre>"tenantry companies import companies.csv"</pre>
            <p>"They appear here as soon as that is done."</p>
        </Empty>
    }
}
