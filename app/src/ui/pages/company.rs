//! One company: its connection, how old everything is, and what was read from its tenant.

mod overview;
mod secure_score;

use leptos::prelude::*;

use self::{overview::Overview, secure_score::SecureScore};
use super::Frame;
use crate::{
    domain::{
        Action, ActivityFilter, CompanyId, DataSet, DataSetStatus, LicenceRow, Right, Status, TenantDomainRow,
        Timestamp, UserRow,
    },
    error::ErrorCode,
    ui::{
        activity::Log,
        ago::ago,
        browser::{clock, document},
        company::Viewed,
        components::{
            ActivityTable, Age, Empty, HealthBadge, Icon, Link, ListTable, LoadFailed, PANEL, Shape, Skeleton,
            StatusBadge, Tabs, When, tab_id,
        },
        freshness::{Health, Trouble},
        listing::{Kind, Listing},
        may,
        routes::{Page, Tab, Topic},
        session::Session,
        state::{Load, Voice},
    },
};

/// The page.
#[component]
pub fn Company(
    /// Which.
    company: CompanyId,
    /// The tab that is shown.
    tab: Memo<Tab>,
) -> impl IntoView {
    let session: Session = expect_context();
    let viewed = Viewed::follow(company, session, expect_context::<Voice>());
    let now = clock::minutes();
    let name =
        Memo::new(move |_| viewed.details().with(|details| details.as_ref().map(|details| details.row.name.clone())));
    Effect::new(move |_| {
        let name = name.get().unwrap_or_else(|| "Company".to_owned());
        document::set_title(&match tab.get() {
            Tab::Overview => name,
            tab => format!("{} · {name}", tab.label()),
        });
    });
    let load = viewed.load();
    view! {
        <Frame path=&["Microsoft 365", "Company"]>
            <p class="way-back">
                <Link to=Page::Companies class="data-link">
                    "All companies"
                </Link>
            </p>
            {move || match load.get() {
                Load::Loading => view! { <Skeleton /> }.into_any(),
                Load::Failed(error) if error.code == ErrorCode::NotFound => view! {
                    <h1>"Company not found"</h1>
                    <Empty title="There is no such company">
                        <p>{error.message}</p>
                        <Link to=Page::HOME class="button">
                            "Go to M365 companies"
                        </Link>
                    </Empty>
                }
                .into_any(),
                Load::Failed(error) => {
                    let on_retry = Callback::new(move |()| viewed.read());
                    view! { <LoadFailed title="The company could not be read" error on_retry /> }.into_any()
                }
                Load::Done => view! {
                    <Head viewed name now session />
                    <Tabs label="Company" page=Page::Company company shown=tab />
                    <div role="tabpanel" id=PANEL class="tab-panel" aria-labelledby=move || tab_id(tab.get())>
                        {move || panel(tab.get(), viewed, now)}
                    </div>
                }
                .into_any(),
            }}
        </Frame>
    }
}

/// The name, the state, and what can be done.
#[component]
fn Head(viewed: Viewed, name: Memo<Option<String>>, now: ReadSignal<Timestamp>, session: Session) -> impl IntoView {
    let row = move || viewed.details().with(|details| details.as_ref().map(|details| details.row.clone()));
    let status = Memo::new(move |_| row().map_or(Status::NotConnected, |row| row.status));
    let syncs = Memo::new(move |_| status.with(|status| status.allows(Action::SyncNow)));
    let refusal = Memo::new(move |_| may::refusal(session.role(), Right::SyncNow));
    let syncing = viewed.syncing();
    let lead = move || {
        let row = row()?;
        let domain = row.domain;
        let synced = row.synced_at.map(|at| format!("last sync {}", ago(at, now.get())));
        Some([domain, synced].into_iter().flatten().collect::<Vec<_>>().join(" · "))
    };
    let on_sync = move |_| {
        if !syncing.get_untracked() {
            viewed.sync();
        }
    };
    view! {
        <div class="page-head">
            <div>
                <h1 class="company-title">
                    {name}
                    " "
                    <StatusBadge status id="company-status".to_owned() />
                </h1>
                <p class="page-lead">{lead}</p>
            </div>
            <When flag=syncs>
                <button
                    type="button"
                    class="button"
                    disabled=move || refusal.get().is_some()
                    title=move || refusal.get()
                    aria-busy=move || syncing.get().to_string()
                    aria-disabled=move || syncing.get().to_string()
                    on:click=on_sync
                >
                    {move || {
                        let shape = if syncing.get() { Shape::Spinner } else { Shape::Sync };
                        view! { <Icon shape /> }
                    }}
                    {move || if syncing.get() { "Syncing…" } else { "Sync now" }}
                </button>
            </When>
        </div>
    }
}

fn panel(tab: Tab, viewed: Viewed, now: ReadSignal<Timestamp>) -> AnyView {
    match tab {
        Tab::Overview => view! { <Overview viewed now /> }.into_any(),
        Tab::Topic(Topic::Users) => list(Kind::of::<UserRow>(), viewed, DataSet::Users, now),
        Tab::Topic(Topic::Licences) => list(Kind::of::<LicenceRow>(), viewed, DataSet::Licences, now),
        Tab::Topic(Topic::Domains) => list(Kind::of::<TenantDomainRow>(), viewed, DataSet::Domains, now),
        Tab::Topic(Topic::SecureScore) => view! { <SecureScore viewed now /> }.into_any(),
        Tab::Activity => view! { <Done company=viewed.id now /> }.into_any(),
    }
}

fn list(kind: Kind, viewed: Viewed, data_set: DataSet, now: ReadSignal<Timestamp>) -> AnyView {
    let status = viewed.status(data_set);
    // What is on its way is shown as it comes, and what was read again at once, unless somebody loaded more.
    let version = Memo::new(move |_| {
        status.with(|status| {
            let status = status.as_ref()?;
            status.as_of.or_else(|| status.so_far.map(|so_far| Timestamp::from_millis(so_far.into())))
        })
    });
    let listing = Listing::follow(kind, expect_context(), expect_context(), Some(viewed.id), version.into(), now);
    view! {
        <Freshness status now />
        <ListTable listing />
    }
    .into_any()
}

/// How old what is below is, and what is wrong with it.
#[component]
fn Freshness(
    /// The data set. None: the company is not connected.
    status: Memo<Option<DataSetStatus>>,
    now: ReadSignal<Timestamp>,
) -> impl IntoView {
    move || match status.get() {
        None => view! { <p class="freshness">"This company is not connected."</p> }.into_any(),
        Some(status) => {
            let (health, so_far) = (Health::of(&status), status.so_far);
            let badge = (health != Health::Fresh).then(|| view! { <HealthBadge health so_far /> });
            let trouble = Trouble::of(&status, now.get());
            let measured = status
                .measured_at
                .map(|at| view! { <span>" · measured by Microsoft "<Age as_of=Some(at) stale=false now /></span> });
            view! {
                <div class="freshness">
                    <p>
                        "As of " <Age as_of=status.as_of stale=false now /> {measured} " " {badge}
                    </p>
                    {trouble.map(|trouble| view! { <p class="trouble">{trouble.what} " " {trouble.advice}</p> })}
                </div>
            }
            .into_any()
        }
    }
}

/// What was done with the company.
#[component]
fn Done(company: CompanyId, now: ReadSignal<Timestamp>) -> impl IntoView {
    let log = Log::new(expect_context::<Session>(), expect_context::<Voice>());
    let read = move |next| log.read(ActivityFilter { company: Some(company), ..ActivityFilter::default() }, next);
    read(false);
    let more = Memo::new(move |_| log.more().get());
    let is_empty = Memo::new(move |_| log.rows().with(Vec::is_empty));
    move || match log.load().get() {
        Load::Loading => view! { <Skeleton /> }.into_any(),
        Load::Failed(error) => {
            let on_retry = Callback::new(move |()| read(false));
            view! { <LoadFailed title="The activity could not be read" error on_retry /> }.into_any()
        }
        Load::Done if is_empty.get() => view! {
            <Empty title="Nothing was done yet">
                <p>"Sign-ins, syncs and changes of this company appear here."</p>
            </Empty>
        }
        .into_any(),
        Load::Done => view! {
            <ActivityTable rows=log.rows() now />
            <When flag=more>
                <button type="button" class="button load-more" on:click=move |_| read(true)>
                    "Load more"
                </button>
            </When>
        }
        .into_any(),
    }
}
