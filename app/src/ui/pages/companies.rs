//! M365 companies: which company is connected to its tenant, and which needs somebody.

use std::{sync::Arc, time::Duration};

use gloo_timers::callback::Timeout;
use leptos::prelude::*;

use super::Frame;
use crate::{
    api::companies::Setup,
    domain::{Action, CompanyId, PlatformNotice, Progress, Timestamp},
    ui::{
        actions::Actions,
        browser::{clock, document, locale},
        components::{
            Attention, CompanyTable, ConnectedProgress, Dialog, Empty, Icon, LINK_NOTE, LINK_ROLE_NOTE, LinkNoteForm,
            LinkOffer, LoadFailed, Notice, Problem, ROLE_NOTE, SearchBox, SectionNav, Segment, Segments, Shape,
            Skeleton, When, company_element,
        },
        links::{self, Step, outdated},
        may::{Forbidden, SETUP_MISSING},
        routes::{CONTENT, Page},
        search::{Filter, Query, causes, how_many},
        session::Session,
        state::{self, Entry, Handover, Load, Making, Tone},
    },
};

const SETUP_NOTICE: &str = "setup-notice";

/// How many companies one click checks again.
const AT_ONCE: usize = 200;

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
    // Where there are none, the page says so, with the same links.
    let may_have_rows = Memo::new(move |_| !(loaded.get() && is_empty.get()));
    let progress = Memo::new(move |_| {
        loaded.get().then(|| companies.rows().with(|rows| Progress::of(rows.all().iter().map(|entry| &entry.row))))
    });
    let found = Memo::new(move |_| {
        let query = search.with(|text| Query::parse(text, locale::decompose));
        let found = |entry: &&Arc<Entry>| query.matches(&entry.search_key);
        companies.rows().with(|rows| rows.all().iter().filter(found).cloned().collect::<Arc<[_]>>())
    });
    let shown = Memo::new(move |_| {
        let (filter, now) = (Filter::at(filter.get()), now.get());
        found.with(|found| found.iter().filter(|entry| admits(filter, entry, now)).cloned().collect::<Arc<[_]>>())
    });
    let no_match = Memo::new(move |_| shown.with(|shown| shown.is_empty()));
    announce_matches(companies, search, shown);

    let segments = Filter::ALL
        .into_iter()
        .map(|filter| {
            let count = move || {
                let now = now.get();
                found.with(|found| found.iter().filter(|entry| admits(filter, entry, now)).count())
            };
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
                <SyncAll actions companies forbidden />
                <When flag=may_have_rows>
                    <AddCompanies />
                </When>
                <ConnectedProgress progress />
            </div>
            <SetupNotice companies />
            <PlatformNotices companies />
            <BlockedNotice actions companies forbidden />
            <Groups actions companies filter shown now forbidden />
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
            <LinkDialog actions companies />
        </Frame>
    }
}

/// The companies that need somebody, by why.
#[component]
fn Groups(
    actions: Actions,
    companies: state::Companies,
    filter: RwSignal<usize>,
    shown: Memo<Arc<[Arc<Entry>]>>,
    now: ReadSignal<Timestamp>,
    forbidden: Forbidden,
) -> impl IntoView {
    let groups = Memo::new(move |_| {
        let now = now.get();
        companies.rows().with(|rows| causes(rows.all().iter().map(|entry| entry.status(now))))
    });
    // When the last company of a group is mended, all are shown again.
    Effect::new(move |_| {
        let place = filter.get().checked_sub(Filter::ALL.len());
        if place.is_some_and(|place| groups.with(|groups| groups[place] == 0)) {
            filter.set(0);
            // The group's button may have had the focus.
            request_animation_frame(|| {
                if document::has_no_focus() {
                    document::focus_in_place(CONTENT);
                }
            });
        }
    });
    let on_choose = Callback::new(move |place: usize| {
        filter.set(place);
        let count = how_many(shown.with_untracked(|shown| shown.len()));
        companies.say(format!("{count}: {}", Filter::at(place).label()), Tone::Unseen, None);
    });
    let on_check = Callback::new(move |()| {
        let (filter, now) = (Filter::at(filter.get_untracked()), now.get_untracked());
        let rows = companies.rows().get_untracked();
        for entry in rows.all().iter().filter(|entry| admits(filter, entry, now)).take(AT_ONCE) {
            actions.run(entry.row.id, Action::SyncNow);
        }
    });
    view! { <Attention groups chosen=filter.read_only() forbidden on_choose on_check /> }
}

/// The sync of everything that is connected.
#[component]
fn SyncAll(actions: Actions, companies: state::Companies, forbidden: Forbidden) -> impl IntoView {
    let connected = Memo::new(move |_| {
        companies.rows().with(|rows| rows.all().iter().filter(|entry| entry.row.tenant.is_some()).count())
    });
    let any = Memo::new(move |_| connected.get() > 0);
    let refusal = forbidden.reason(Action::SyncNow);
    view! {
        <When flag=any>
            <button
                type="button"
                class="button sync-all"
                disabled=move || refusal.get().is_some()
                title=move || match refusal.get() {
                    Some(refusal) => refusal.to_owned(),
                    None => format!("Read {} now", how_many(connected.get())),
                }
                on:click=move |_| actions.sync_all()
            >
                <Icon shape=Shape::Sync />
                "Sync all"
            </button>
        </When>
    }
}

fn admits(filter: Filter, entry: &Entry, now: Timestamp) -> bool {
    filter.admits(&entry.status(now), entry.is_awaited(now))
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
    let note = |(id, reason): (&'static str, Memo<Option<&'static str>>)| {
        move || {
            reason.get().map(|reason| {
                view! {
                    <p class="role-note" id=id>
                        <Icon shape=Shape::Shield />
                        {reason}
                    </p>
                }
            })
        }
    };
    [ROLE_NOTE, LINK_ROLE_NOTE].into_iter().zip(forbidden.by_role()).map(note).collect_view()
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

/// What is wrong with our own app registration: nobody's company is to blame.
#[component]
fn PlatformNotices(companies: state::Companies) -> impl IntoView {
    let notices = companies.platform();
    move || {
        let notice = |PlatformNotice { title, advice, since, details }| {
            let id = if since.is_some() { "platform-notice" } else { "certificate-notice" };
            let since = since.map(|since| format!("Since {}. ", locale::time(since)));
            let details = details.map(|details| format!("For support: {details}."));
            view! {
                <Notice id title>
                    <p>{advice}</p>
                    <p class="notice-details">{since} {details}</p>
                </Notice>
            }
        };
        notices.get().into_iter().map(notice).collect_view()
    }
}

#[component]
fn BlockedNotice(actions: Actions, companies: state::Companies, forbidden: Forbidden) -> impl IntoView {
    let blocked = actions.blocked();
    let link_forbidden = forbidden.reason(Action::GenerateLink);
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
                        ", allow pop-ups for this site and try again, sign in without one, or send a link."
                    </p>
                    <p class="form-buttons">
                        <button type="button" class="button" on:click=move |_| Actions::sign_in_here(company)>
                            "Open in this tab"
                        </button>
                        <button
                            type="button"
                            class="button"
                            disabled=move || link_forbidden.get().is_some()
                            title=move || link_forbidden.get()
                            on:click=move |_| actions.run(company, Action::GenerateLink)
                        >
                            "Generate Link"
                        </button>
                    </p>
                </Notice>
            }
        })
    }
}

/// The dialog about a company's link, whatever it shows.
#[component]
fn LinkDialog(actions: Actions, companies: state::Companies) -> impl IntoView {
    let links = actions.links();
    let open = links.open();
    let is_open = Memo::new(move |_| open.with(Option::is_some));
    let title = Signal::derive(move || open.with(|open| open.as_ref().map(links::Open::title)).unwrap_or_default());
    let on_close = Callback::new(move |()| {
        let company = open.with_untracked(|open| open.as_ref().map(|open| open.company));
        links.close();
        // What was pressed to open it may be gone, with the state that the row had then.
        request_animation_frame(move || {
            if let Some(company) = company
                && document::has_no_focus()
            {
                document::focus_in_place(&company_element(company));
            }
        });
    });
    let step = move |links::Open { company, step, .. }| match step {
        Step::Note(form) => {
            let on_submit = Callback::new(move |note: String| links.generate_with_note(company, form, LINK_NOTE, note));
            view! { <LinkNoteForm form submit="Generate Link" on_submit /> }.into_any()
        }
        Step::Link { handover, replaces, note } => {
            let on_retry = Callback::new(move |()| links.generate(company, note.clone()));
            let on_write = Callback::new(move |()| actions.run(company, Action::WriteToClient));
            let made = handover.clone();
            let more = move || {
                let made = made.clone();
                view! { <AboutLink companies company handover=made replaces /> }
            };
            view! { <LinkOffer label="Authentication link" handover validity on_retry on_write more /> }.into_any()
        }
    };
    view! {
        <When flag=is_open>
            <Dialog title on_close>
                {move || open.get().map(step)}
            </Dialog>
        </When>
    }
}

fn validity(expires: Option<Timestamp>) -> String {
    let until = expires.map(|expires| format!("Valid until {}. ", locale::time(expires))).unwrap_or_default();
    until + "It connects the company once; opening it does not use it up."
}

/// What became of the link before this one, and of this one since it is shown.
#[component]
fn AboutLink(companies: state::Companies, company: CompanyId, handover: Handover, replaces: bool) -> impl IntoView {
    let making = handover.making();
    let outdated = Memo::new(move |_| {
        let Making::Made { expires: Some(expires), .. } = making.get() else { return None };
        companies
            .rows()
            .with(|rows| rows.get(company))
            .and_then(|entry| outdated(expires, &entry.row))
            .map(str::to_owned)
    });
    view! {
        {replaces.then(|| view! { <p>"The link before this one leads nowhere any more."</p> })}
        <Problem words=outdated />
    }
}

/// The ways to more companies.
#[component]
fn AddCompanies() -> impl IntoView {
    view! {
        <div class="form-buttons">
            <a class="button" href=Page::NewCompany.path()>
                "Add company"
            </a>
            <a class="button" href=Page::ImportCompanies.path()>
                "Import"
            </a>
        </div>
    }
}

#[component]
fn NoCompanies() -> impl IntoView {
    view! {
        <Empty title="No companies yet">
            <p>"Add the first one, or import them from a CSV file or an Excel workbook."</p>
            <AddCompanies />
        </Empty>
    }
}
