//! Making links for many companies: those that need one for the same reason, or those that somebody selected.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    api::campaigns::Recipient,
    domain::{Action, Cause, Right},
    ui::{
        browser::{document, locale, location},
        components::{
            CopyButton, Empty, Field, LeftOutList, Link, LoadFailed, MadeLinks, Problem, Skeleton, names_shown,
        },
        new_links::{MADE, NewLinks as Links, Source, list, sheet},
        routes::Page,
        search::how_many,
        selection::selected,
        session::Session,
        state::{Load, Tone, Voice},
    },
};

/// The page.
#[component]
pub fn NewLinks() -> impl IntoView {
    document::set_title("Generate links");
    view! {
        <Frame path=&["Settings", "Live links", "Generate links"]>
            <p class="way-back">
                <Link to=Page::HOME class="data-link">
                    "All companies"
                </Link>
                " · "
                <Link to=Page::Campaigns class="data-link">
                    "Campaigns"
                </Link>
            </p>
            <h1>"Generate links"</h1>
            <ForRight right=Right::SendLinks title="Your role may not send links" page=for_technicians />
        </Frame>
    }
}

fn for_technicians() -> AnyView {
    let Some(source) = source() else { return nobody() };
    let links = Links::of(source, expect_context::<Session>(), expect_context::<Voice>());
    let is_empty = Memo::new(move |_| links.recipients().with(|all| all.can.is_empty() && all.cannot.is_empty()));
    let any_made = Memo::new(move |_| links.lines().with(|lines| !lines.is_empty()));
    (move || match links.load().get() {
        Load::Loading => view! { <Skeleton /> }.into_any(),
        Load::Failed(error) => {
            let on_retry = Callback::new(move |()| links.read());
            view! { <LoadFailed title="The companies could not be read" error on_retry /> }.into_any()
        }
        Load::Done if is_empty.get() => nobody(),
        Load::Done => view! {
            <Problem words=links.refused() />
            {move || if any_made.get() { view! { <Made links /> }.into_any() } else { view! { <Question links /> }.into_any() }}
        }
        .into_any(),
    })
    .into_any()
}

/// For whom links are, as the address says.
fn source() -> Option<Source> {
    if location::query("of").as_deref() == Some("selected") {
        return Some(selected()).filter(|companies| !companies.is_empty()).map(Source::Selected);
    }
    let cause = location::query("cause").and_then(|key| Cause::from_key(&key));
    cause.filter(|cause| cause.action() == Some(Action::GenerateLink)).map(Source::Cause)
}

fn nobody() -> AnyView {
    view! {
        <Empty title="No company needs a link">
            <p>
                "Either somebody was quicker, or the address is not complete. Select companies, or choose a group above the table of them."
            </p>
            <Link to=Page::HOME class="button">
                "Go to M365 companies"
            </Link>
        </Empty>
    }
    .into_any()
}

/// Whom links are for, and what becomes of those that there are.
#[component]
fn Question(links: Links) -> impl IntoView {
    let replace = RwSignal::new(false);
    let name = RwSignal::new(String::new());
    let recipients = links.recipients();
    let count = move |live: bool| recipients.with(|all| all.can.iter().filter(|one| one.has_link == live).count());
    let live = Memo::new(move |_| count(true));
    let wanted = Memo::new(move |_| count(false) + if replace.get() { live.get() } else { 0 });
    let busy = Memo::new(move |_| links.asked().get().is_some());
    let words = move || match wanted.get() {
        1 => "Generate 1 link".to_owned(),
        wanted => format!("Generate {wanted} links"),
    };
    let none = move || wanted.get() == 0;
    let line = |one: Recipient| if one.has_link { one.name + " (has a live link)" } else { one.name };
    view! {
        <p class="page-lead">
            {move || format!("For {}: {}.", how_many(recipients.with(|all| all.can.len())), links.reason())}
            " Each gets a link of its own, with which one of its administrators connects it or renews the access."
        </p>
        {move || {
            let cannot = recipients.with(|all| all.cannot.clone());
            view! { <LeftOutList title="No link can be made for these:" companies=cannot /> }
        }}
        {move || names_shown(recipients.with(|all| all.can.iter().cloned().map(line).collect()))}
        <div class="form">
            {move || {
                (live.get() > 0)
                    .then(|| {
                        view! {
                            <label class="choice">
                                <input
                                    type="checkbox"
                                    prop:checked=replace
                                    on:change:target=move |event| replace.set(event.target().checked())
                                />
                                {format!("Replace the live links of {} too: they then lead nowhere any more", how_many(live.get()))}
                            </label>
                        }
                    })
            }}
            <Field
                id="campaign-name"
                label="Name of the campaign"
                kind="text"
                autocomplete="off"
                value=name
                optional=true
                rules="Your team finds the links by it, and how far each is. The clients do not see it."
            />
            <div class="form-buttons">
                <button
                    type="button"
                    class="button button-main"
                    disabled=none
                    aria-busy=move || busy.get().to_string()
                    aria-disabled=move || busy.get().to_string()
                    on:click=move |_| links.make(name.get_untracked(), replace.get_untracked())
                >
                    {words}
                </button>
            </div>
        </div>
    }
}

/// What was made.
#[component]
fn Made(links: Links) -> impl IntoView {
    let voice: Voice = expect_context();
    let on_copied = Callback::new(move |words| voice.say(words, Tone::Plain, None));
    let lines = links.lines();
    let is_under_way =
        move || lines.with(Vec::len) < links.asked().get().unwrap_or_default() && links.refused().with(Option::is_none);
    let lead = move || {
        if is_under_way() {
            "More are being made…"
        } else {
            "They are shown only now: copy them, or download them as a file. Whoever has a link can use it. Sent by e-mail from here, they need not be copied."
        }
    };
    // They are all there when the buttons come.
    let all = move || {
        (!is_under_way()).then(|| {
            let file = location::encode(&lines.with(|lines| sheet(lines, locale::machine_time)));
            view! {
                <div class="form-buttons">
                    <CopyButton label="Copy all" text=lines.with(|lines| list(lines)) on_copied />
                    {links.campaign().get().map(|campaign| {
                        view! {
                            <Link to=Page::Campaign(campaign) class="button button-main">
                                "Send and follow them"
                            </Link>
                        }
                    })}
                    <a class="button" download="links.csv" href=format!("data:text/csv;charset=utf-8,{file}")>
                        "Download CSV"
                    </a>
                </div>
            }
        })
    };
    view! {
        <section id=MADE tabindex="-1" aria-label="Links that were made">
            <p class="page-lead">{lead}</p>
            {all}
            <MadeLinks lines on_copied />
        </section>
    }
}
