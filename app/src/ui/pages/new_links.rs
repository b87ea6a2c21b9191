//! Making links for all companies that need one for the same reason.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::{Action, Cause, Right},
    ui::{
        browser::{document, locale, location},
        components::{CopyButton, Empty, Link, LoadFailed, MadeLinks, Problem, Skeleton},
        new_links::{MADE, NewLinks as Links, list, sheet},
        routes::Page,
        search::how_many,
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
            </p>
            <h1>"Generate links"</h1>
            <ForRight right=Right::SendLinks title="Your role may not send links" page=for_technicians />
        </Frame>
    }
}

fn for_technicians() -> AnyView {
    let cause = location::query("cause").and_then(|key| Cause::from_key(&key));
    let Some(cause) = cause.filter(|cause| cause.action() == Some(Action::GenerateLink)) else {
        return nobody();
    };
    let links = Links::of(cause, expect_context::<Session>(), expect_context::<Voice>());
    let is_empty = Memo::new(move |_| links.recipients().with(Vec::is_empty));
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

fn nobody() -> AnyView {
    view! {
        <Empty title="No company needs a link">
            <p>"Either somebody was quicker, or the address is not complete. Choose a group above the table of companies."</p>
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
    let count = move |live: bool| links.recipients().with(|all| all.iter().filter(|one| one.has_link == live).count());
    let live = Memo::new(move |_| count(true));
    let wanted = Memo::new(move |_| count(false) + if replace.get() { live.get() } else { 0 });
    let busy = Memo::new(move |_| links.asked().get().is_some());
    let words = move || match wanted.get() {
        1 => "Generate 1 link".to_owned(),
        wanted => format!("Generate {wanted} links"),
    };
    let none = move || wanted.get() == 0;
    view! {
        <p class="page-lead">
            {move || format!("For {}: {}.", how_many(links.recipients().with(Vec::len)), links.cause().short())}
            " Each gets a link of its own, with which one of its administrators renews the access."
        </p>
        <ul class="recipients" aria-label="Companies">
            {move || {
                links
                    .recipients()
                    .get()
                    .into_iter()
                    .map(|one| view! { <li>{one.name} {one.has_link.then_some(" (has a live link)")}</li> })
                    .collect_view()
            }}
        </ul>
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
            <div class="form-buttons">
                <button
                    type="button"
                    class="button button-main"
                    disabled=none
                    aria-busy=move || busy.get().to_string()
                    aria-disabled=move || busy.get().to_string()
                    on:click=move |_| links.make(replace.get_untracked())
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
            "They are shown only now: copy them, or download them as a file. Whoever has a link can use it."
        }
    };
    // They are all there when the buttons come.
    let all = move || {
        (!is_under_way()).then(|| {
            let file = location::encode(&lines.with(|lines| sheet(lines, locale::machine_time)));
            view! {
                <div class="form-buttons">
                    <CopyButton label="Copy all" text=lines.with(|lines| list(lines)) on_copied />
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
