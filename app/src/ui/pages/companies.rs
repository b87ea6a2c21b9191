//! M365 companies: which company is connected to its tenant, and which needs somebody.

use std::{sync::Arc, time::Duration};

use gloo_timers::callback::Timeout;
use leptos::{ev, prelude::*, web_sys::HtmlSelectElement};

use super::Frame;
use crate::{
    api::{companies::Setup, connections::MANY},
    domain::{Access, Action, CompanyId, PlatformNotice, Progress, Timestamp},
    ui::{
        actions::Actions,
        browser::{clock, document, locale, location, selected},
        components::{
            Attention, CompanyTable, ConnectedProgress, Deed, Dialog, Empty, Html, Icon, Jump, LINK_NOTE,
            LINK_ROLE_NOTE, LinkNoteForm, LinkOffer, LoadFailed, Notice, Problem, ROLE_NOTE, SELECTION_BAR, SearchBox,
            SectionNav, Segment, Segments, SelectionBar, Shape, Skeleton, When, company_element,
        },
        finding::Finding,
        links::{self, Step, outdated},
        may::{Reasons, SETUP_MISSING},
        routes::{CONTENT, Page},
        search::{Filter, Found, all_tags, causes, how_many},
        session::Session,
        state::{self, Entry, Handover, Load, Making, Selection, Tone, selection::Counts},
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

    let finding = Finding::follow(expect_context(), session);
    let now = clock::minutes();
    let load = companies.load();
    let part_of = companies.part_of();
    let loaded = Memo::new(move |_| load.with(|load| *load == Load::Done) && part_of.with(Option::is_none));
    let reasons = Memo::new(move |_| Reasons::new(companies.setup().get(), session.role()));

    let is_empty = Memo::new(move |_| companies.rows().with(|rows| rows.all().is_empty()));
    let progress = Memo::new(move |_| {
        let all = || companies.rows().with(|rows| Progress::of(rows.all().iter().map(|entry| &entry.row)));
        part_of.get().or_else(|| loaded.get().then(all))
    });
    let tags = Memo::new(move |_| companies.rows().with(|rows| all_tags(rows.all())));
    let found = find(companies, finding, tags, now);
    let shown = Memo::new(move |_| found.with(|found| Arc::clone(&found.shown)));
    let selection = RwSignal::new(Selection::default());
    let counts = Memo::new(move |_| shown.with(|shown| selection.with(|selection| Counts::of(selection, shown))));
    announce_matches(companies, finding.search, shown);

    let clear = move |_| {
        finding.clear();
        // The button goes.
        document::focus_in_place(CONTENT);
    };
    let jump = RwSignal::new(None);
    companies.on_tied(Callback::new(move |company: CompanyId| jump.set(Some(Jump::NextSignIn(company)))));
    let on_next = Callback::new(move |company: CompanyId| {
        if let Some(entry) = companies.entry_untracked(company) {
            companies.say("Next: ".to_owned() + &entry.row.name, Tone::Unseen, None);
        }
    });
    let on_action = Callback::new(move |(company, action): (CompanyId, Action)| actions.run(company, action));

    view! {
        <Frame path=&["Settings", "Integrations", "Microsoft 365", "Companies"]>
            <SectionNav shown=Page::Companies />
            <div class="page-head">
                <div>
                    <h1>"M365 companies"</h1>
                    <p class="page-lead">"Connect each company to its Microsoft 365 tenant. Its data stay up to date by themselves."</p>
                    <RoleNote reasons />
                </div>
                <SyncAll actions companies loaded reasons />
                <div class="form-buttons" hidden=move || loaded.get() && is_empty.get() inner_html=ADD></div>
                <ConnectedProgress progress />
            </div>
            <SetupNotice companies />
            <PlatformNotices companies />
            <BlockedNotice actions companies reasons />
            <Groups actions companies finding loaded shown now reasons />
            <Toolbar companies finding found tags loaded reasons jump />
            <SelectedCompanies actions companies selection counts reasons />
            {move || match load.get() {
                Load::Loading => view! { <Skeleton /> }.into_any(),
                Load::Failed(error) => {
                    let on_retry = Callback::new(move |()| actions.read_list());
                    view! { <LoadFailed title="The companies could not be read" error on_retry /> }.into_any()
                }
                Load::Done if is_empty.get() => view! { <NoCompanies /> }.into_any(),
                Load::Done => view! {
                    <CompanyTable
                        shown
                        now
                        reasons
                        order=finding.order
                        selection
                        counts
                        selection_bar=SELECTION_BAR
                        jump=jump.read_only()
                        on_next
                        on_action
                    />
                    <div class="empty" hidden=move || counts.get().shown != 0 || !loaded.get()>
                        <div inner_html=NO_MATCH></div>
                        <button type="button" class="button" on:click=clear>
                            "Show all companies"
                        </button>
                    </div>
                }
                .into_any(),
            }}
            <LinkDialog actions companies />
        </Frame>
    }
}

/// What is found of the companies, as they are.
fn find(
    companies: state::Companies,
    finding: Finding,
    tags: Memo<Vec<String>>,
    now: ReadSignal<Timestamp>,
) -> Memo<Found> {
    Memo::new(move |_| {
        let mut wanted = finding.wanted();
        // One that no company has any more.
        if tags.with(|tags| place_of_tag(tags, &wanted.tag).is_none()) {
            wanted.tag.clear();
        }
        let now = now.get();
        finding.by_tenant().with(|by_tenant| {
            companies.rows().with(|rows| Found::of(rows.all(), &wanted, by_tenant, now, locale::decompose))
        })
    })
}

/// What somebody looks for, and where they go on.
#[component]
fn Toolbar(
    companies: state::Companies,
    finding: Finding,
    found: Memo<Found>,
    tags: Memo<Vec<String>>,
    loaded: Memo<bool>,
    reasons: Memo<Reasons>,
    jump: RwSignal<Option<Jump>>,
) -> impl IntoView {
    view! {
        <div class="toolbar">
            <SearchBox
                label="Search companies"
                text=finding.search
                on_down=Callback::new(move |()| jump.set(Some(Jump::First)))
            />
            <States finding found loaded />
            <Choices companies finding tags />
            <ConnectNext found reasons jump />
        </div>
    }
}

/// The states that the list can be narrowed down to.
#[component]
fn States(finding: Finding, found: Memo<Found>, loaded: Memo<bool>) -> impl IntoView {
    let segment = |(place, filter): (usize, Filter)| {
        let count = Memo::new(move |_| loaded.get().then(|| found.with(|found| found.counts[place])));
        Segment { label: filter.label(), count: Some(count), shape: None }
    };
    let on_choose = Callback::new(move |place| finding.filter.set(place));
    view! {
        <Segments
            legend="Show"
            name="filter"
            segments=Filter::ALL.into_iter().enumerate().map(segment).collect()
            chosen=finding.filter.read_only()
            on_choose
        />
    }
}

/// What narrows the list down besides its states, and the list as a file. A list without a choice is not seen.
#[component]
fn Choices(companies: state::Companies, finding: Finding, tags: Memo<Vec<String>>) -> impl IntoView {
    let tag_options = move || {
        let chosen = finding.tag.get();
        tags.with(|tags| {
            let chosen = place_of_tag(tags, &chosen);
            options("Any tag", &mut tags.iter().map(|tag| (&**tag, &**tag)), chosen)
        })
    };
    let access_options = move || {
        let access = [Access::Application, Access::Delegated];
        let chosen = finding.access.get().and_then(|chosen| access.iter().position(|access| *access == chosen));
        let is_known = companies.rows().with(|rows| rows.all().iter().any(|entry| entry.row.access.is_some()));
        let all = access.map(Access::key).into_iter().zip(["Application access", "Delegated access"]);
        options("Any access", &mut all.filter(|_| is_known || chosen.is_some()), chosen)
    };
    let choice = |label: &'static str, options: Options, on_choose: Callback<String>| {
        let on_change = move |event: ev::Targeted<ev::Event, HtmlSelectElement>| on_choose.run(event.target().value());
        view! { <select class="select" aria-label=label inner_html=options on:change:target=on_change></select> }
    };
    view! {
        {choice("Tag", Box::new(tag_options), Callback::new(move |tag: String| finding.tag.set(tag)))}
        {choice(
            "Access",
            Box::new(access_options),
            Callback::new(move |access: String| finding.access.set(Access::from_key(&access))),
        )}
        <p class="exports" inner_html=EXPORTS></p>
    }
}

/// The choices of a list that opens, as markup.
type Options = Box<dyn Fn() -> String + Send>;

const EXPORTS: &str = concat!(
    "Export <a href=\"/api/companies.csv\" download aria-label=\"Export all as CSV\">CSV</a> ",
    "<a href=\"/api/companies.xlsx\" download aria-label=\"Export all as Excel\">Excel</a>",
);

fn options(any: &'static str, all: &mut dyn Iterator<Item = (&str, &str)>, chosen: Option<usize>) -> String {
    let mut html = Html::default();
    html.markup("<option value=\"\">").markup(any).markup("</option>");
    for (place, (value, words)) in all.enumerate() {
        html.markup("<option").attribute("value", value);
        html.markup(if chosen == Some(place) { " selected>" } else { ">" }).text(words).markup("</option>");
    }
    html.finish().into()
}

/// Which of the tags this is. Upper and lower case are the same.
fn place_of_tag(tags: &[String], tag: &str) -> Option<usize> {
    let wanted = locale::decompose(tag);
    tags.iter().position(|tag| locale::decompose(tag) == wanted)
}

/// Leads to the first company that can be connected.
#[component]
fn ConnectNext(found: Memo<Found>, reasons: Memo<Reasons>, jump: RwSignal<Option<Jump>>) -> impl IntoView {
    let reason = move || reasons.with(|reasons| reasons.of(Action::SignIn));
    let is_none = move || found.with(|found| !found.has_next);
    view! {
        <button
            type="button"
            class="button"
            disabled=move || is_none() || reason().is_some()
            title=reason
            on:click=move |_| jump.set(Some(Jump::FirstSignIn))
        >
            "Connect next"
        </button>
    }
}

/// What is done with the companies that are selected.
#[component]
fn SelectedCompanies(
    actions: Actions,
    companies: state::Companies,
    selection: RwSignal<Selection>,
    counts: Memo<Counts>,
    reasons: Memo<Reasons>,
) -> impl IntoView {
    Effect::new(move |before: Option<usize>| {
        // Some may have left the list.
        companies.rows().with(|rows| {
            selection.maybe_update(|selection| selection.keep(|company| rows.get(company).is_some()));
        });
        let counts = counts.get();
        if before.is_some_and(|before| before != counts.selected) {
            companies.say(counts.words(), Tone::Unseen, None);
        }
        counts.selected
    });
    let on_deed = Callback::new(move |deed: Deed| {
        let path = match deed {
            Deed::Links => "/settings/links/new?of=selected",
            Deed::Tag => "/settings/companies/tags",
            Deed::Archive => "/settings/companies/archive",
            Deed::Sync => return actions.sync_many(&selection.with_untracked(Selection::ids)),
            Deed::Clear => {
                selection.set(Selection::default());
                // The bar goes, with the button that was pressed.
                document::focus_in_place(CONTENT);
                return;
            }
        };
        selected::keep(&selection.with_untracked(Selection::list));
        location::leave_for(path);
    });
    view! { <SelectionBar counts selection reasons on_deed /> }
}

/// The companies that need somebody, by why.
#[component]
fn Groups(
    actions: Actions,
    companies: state::Companies,
    finding: Finding,
    loaded: Memo<bool>,
    shown: Memo<Arc<[Arc<Entry>]>>,
    now: ReadSignal<Timestamp>,
    reasons: Memo<Reasons>,
) -> impl IntoView {
    let filter = finding.filter;
    let groups = Memo::new(move |_| {
        let now = now.get();
        // Of a part of them the numbers would be wrong.
        let is_whole = loaded.get();
        companies.rows().with(|rows| {
            let all = if is_whole { rows.all() } else { &[] };
            causes(all.iter().map(|entry| entry.lasting(now)))
        })
    });
    // When the last company of a group is mended, all are shown again.
    Effect::new(move |_| {
        let place = filter.get().checked_sub(Filter::ALL.len());
        if loaded.get() && place.is_some_and(|place| groups.with(|groups| groups[place] == 0)) {
            finding.drop_filter();
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
        let of_group = rows.all().iter().filter(|entry| admits(filter, entry, now)).take(MANY);
        actions.sync_many(&of_group.map(|entry| entry.row.id).collect::<Vec<_>>());
    });
    view! { <Attention groups chosen=filter.read_only() reasons on_choose on_check /> }
}

/// The sync of everything that is connected.
#[component]
fn SyncAll(actions: Actions, companies: state::Companies, loaded: Memo<bool>, reasons: Memo<Reasons>) -> impl IntoView {
    let connected = Memo::new(move |_| {
        companies.rows().with(|rows| rows.all().iter().filter(|entry| entry.row.tenant.is_some()).count())
    });
    let refusal = move || reasons.with(|reasons| reasons.of(Action::SyncNow));
    view! {
        <button
            type="button"
            class="button sync-all"
            hidden=move || !loaded.get() || connected.get() == 0
            disabled=move || refusal().is_some()
            title=move || match refusal() {
                Some(refusal) => refusal.to_owned(),
                None => format!("Read {} now", how_many(connected.get())),
            }
            on:click=move |_| actions.sync_all()
        >
            <Icon shape=Shape::Sync />
            "Sync all"
        </button>
    }
}

fn admits(filter: Filter, entry: &Entry, now: Timestamp) -> bool {
    filter.admits(&entry.lasting(now), entry.is_awaited(now))
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
fn RoleNote(reasons: Memo<Reasons>) -> impl IntoView {
    let notes = move || {
        let (connecting, sending) = reasons.with(|reasons| (reasons.connecting(), reasons.sending()));
        [(ROLE_NOTE, connecting), (LINK_ROLE_NOTE, sending)].map(|(id, reason)| {
            reason.map(|reason| {
                view! {
                    <p class="role-note" id=id>
                        <Icon shape=Shape::Shield />
                        {reason}
                    </p>
                }
            })
        })
    };
    move || notes().into_iter().collect_view()
}

#[component]
fn SetupNotice(companies: state::Companies) -> impl IntoView {
    view! {
        <div hidden=move || companies.setup().get() == Setup::Ready>
            <Notice id=SETUP_NOTICE title=SETUP_MISSING>
                <p inner_html=SETUP_ADVICE></p>
            </Notice>
        </div>
    }
}

const SETUP_ADVICE: &str = "Companies can be connected once Tenantry knows its app registration in Microsoft Entra. The \
    README shows how to make one; <code>tenantry check</code> says what is still missing.";

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
fn BlockedNotice(actions: Actions, companies: state::Companies, reasons: Memo<Reasons>) -> impl IntoView {
    let blocked = actions.blocked();
    let link_refusal = move || reasons.with(|reasons| reasons.of(Action::GenerateLink));
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
                            disabled=move || link_refusal().is_some()
                            title=link_refusal
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
            view! { <LinkNoteForm form on_submit /> }.into_any()
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
const ADD: &str = concat!(
    r#"<a class="button" href="/settings/companies/new">Add company</a>"#,
    r#"<a class="button" href="/settings/companies/import">Import</a>"#,
);

const NO_MATCH: &str = "<h2>No company matches</h2><p>Nothing that is known of a company contains these words, or the \
    choices leave it out.</p>";

#[component]
fn NoCompanies() -> impl IntoView {
    view! {
        <Empty title="No companies yet">
            <p>"Add the first one, or import them from a CSV file or an Excel workbook."</p>
            <div class="form-buttons" inner_html=ADD></div>
        </Empty>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_more_companies_lead_to_their_pages() {
        for page in [Page::NewCompany, Page::ImportCompanies] {
            assert!(ADD.contains(&*page.path()), "{page:?}");
        }
    }
}
