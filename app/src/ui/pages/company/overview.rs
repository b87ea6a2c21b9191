//! The connection of a company, and how old each of its data sets is.

use leptos::prelude::*;

use crate::{
    domain::{Access, CompanyDetails, CompanyId, ConnectionDetails, Figures, OddityDetails, Right, Status, Timestamp},
    ui::{
        ago::ahead,
        browser::locale,
        company::Viewed,
        components::{DataSetTable, Empty, Figure, Link, Notice, TimeAgo},
        may,
        routes::{Page, Tab, Topic},
        session::Session,
    },
};

/// The tab.
#[component]
pub fn Overview(
    /// The company.
    viewed: Viewed,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
) -> impl IntoView {
    // By themselves, so that a button keeps the focus while figures change.
    let oddities = Memo::new(move |_| {
        viewed.details().with(|details| details.as_ref().map(|details| details.oddities.clone()).unwrap_or_default())
    });
    let facts = move || {
        viewed.details().get().map(|details| match details.connection.clone() {
            None => view! {
                <Empty title="Not connected">
                    <p>"Connect it with Sign in with Microsoft, or send its administrator a link."</p>
                    {details.disconnection.map(|ended| view! {
                        <p>
                            {format!("It was disconnected from {} by {}, ", ended.organisation, ended.by)}
                            <TimeAgo at=ended.at now /> ". "
                            <Link to=Page::Disconnect(details.row.id) class="data-link">
                                "What is left to do"
                            </Link>
                        </p>
                    })}
                    <Link to=Page::HOME class="button">
                        "Go to M365 companies"
                    </Link>
                </Empty>
            }
            .into_any(),
            Some(connection) => connected(details, connection, now),
        })
    };
    view! {
        {move || oddities.get().into_iter().map(|oddity| odd(viewed, oddity)).collect_view()}
        {facts}
    }
}

/// Something odd, and what can be done about it.
fn odd(viewed: Viewed, oddity: OddityDetails) -> AnyView {
    let session: Session = expect_context();
    let refusal = Memo::new(move |_| may::refusal(session.role(), Right::ManageCompanies));
    let OddityDetails { kind, title, text, others, accept, seen } = oddity;
    let other = |(id, name): (CompanyId, String)| {
        view! {
            <li>
                <Link to=Page::Company(id, Tab::Overview) class="data-link">
                    {name}
                </Link>
            </li>
        }
    };
    view! {
        <Notice id=kind.key() title>
            <p>{text}</p>
            {(!others.is_empty()).then(|| view! { <ul>{others.into_iter().map(other).collect_view()}</ul> })}
            <p class="form-buttons">
                <Link to=Page::EditCompany(viewed.id) class="button">
                    "Edit"
                </Link>
                <button
                    type="button"
                    class="button"
                    disabled=move || refusal.get().is_some()
                    title=move || refusal.get()
                    on:click=move |_| viewed.accept(kind, seen.clone())
                >
                    {accept}
                </button>
            </p>
        </Notice>
    }
    .into_any()
}

fn connected(details: CompanyDetails, connection: ConnectionDetails, now: ReadSignal<Timestamp>) -> AnyView {
    let CompanyDetails { row, .. } = details;
    let access = match connection.access {
        Access::Application => "As an application, after consent for the whole organisation",
        Access::Delegated => "As the administrator who signed in",
    };
    let next_sync = connection.next_sync;
    let is_syncing = connection.syncing;
    let next = move || if is_syncing { "running now".to_owned() } else { ahead(next_sync, now.get()) };
    let synced_at = row.synced_at;
    view! {
        {notice(&row.status)}
        {figures(row.id, row.figures, row.first_sync)}
        <section class="panel" aria-labelledby="connection-title">
            <h2 id="connection-title">"Connection"</h2>
            <dl class="facts">
                <div>
                    <dt>"Organisation"</dt>
                    <dd>{connection.organisation}</dd>
                </div>
                <div>
                    <dt>"Default domain"</dt>
                    <dd>{connection.default_domain.unwrap_or_else(|| "not known yet".to_owned())}</dd>
                </div>
                <div>
                    <dt>"Tenant ID"</dt>
                    <dd>
                        <code>{connection.tenant.to_string()}</code>
                    </dd>
                </div>
                <div>
                    <dt>"Connected by"</dt>
                    <dd>{connection.connected_by} ", " <TimeAgo at=connection.connected_at now /></dd>
                </div>
                <div>
                    <dt>"Access"</dt>
                    <dd>{access}</dd>
                </div>
                <div>
                    <dt>"Last sync"</dt>
                    <dd>
                        {match synced_at {
                            Some(at) => view! { <TimeAgo at now /> }.into_any(),
                            None => "never".into_any(),
                        }}
                    </dd>
                </div>
                <div>
                    <dt>"Next sync"</dt>
                    <dd title=locale::time(next_sync)>{next}</dd>
                </div>
            </dl>
        </section>
        <section class="panel" aria-labelledby="data-title">
            <h2 id="data-title">"Data"</h2>
            <DataSetTable statuses=connection.data_sets now />
        </section>
    }
    .into_any()
}

fn notice(status: &Status) -> Option<AnyView> {
    let (title, text) = match status {
        Status::NeedsReconnect { reason, .. } => (reason.label(), reason.advice()),
        Status::Verifying { slow: true, .. } => (
            "No consent in effect yet",
            "Microsoft has not put the consent into effect. It is tried again by itself; an administrator of the company can also repeat it with Reconnect.",
        ),
        _ => return None,
    };
    Some(
        view! {
            <Notice id="connection-notice" title>
                <p>{text}</p>
                <p>
                    <Link to=Page::HOME class="button">
                        "Go to M365 companies"
                    </Link>
                </p>
            </Notice>
        }
        .into_any(),
    )
}

fn figures(company: CompanyId, figures: Figures, first_sync: bool) -> impl IntoView {
    let written = |number: u32| locale::number(number as usize);
    let licences =
        figures.licences.map(|licences| format!("{} of {}", written(licences.used), written(licences.assignable)));
    let card = |(topic, text): (Topic, Option<String>)| {
        view! {
            <Link to=Page::Company(company, Tab::Topic(topic)) class="card">
                <span class="card-label">{topic.label()}</span>
                <span class="card-figure">
                    <Figure text awaited=first_sync />
                </span>
            </Link>
        }
    };
    let cards = [
        (Topic::Users, figures.users.map(written)),
        (Topic::Licences, licences),
        (Topic::SecureScore, figures.secure_score.map(|percent| format!("{percent}%"))),
    ];
    view! { <div class="cards">{cards.map(card).collect_view()}</div> }
}
