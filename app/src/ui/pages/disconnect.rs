//! The end of a company's connection: what it means, that it is meant, and whether the access is gone.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    api::disconnections::Parting,
    domain::{CompanyId, Right, Timestamp},
    ui::{
        browser::{clock, document, locale},
        components::{CopyButton, Empty, Form, Icon, Link, LoadFailed, Shape, Skeleton},
        disconnecting::{Disconnecting, Stage, removal_steps, seen, summary},
        routes::{Address, Page, Tab},
        session::Session,
        state::{Load, Submission, Tone, Voice},
    },
};

/// The id of the field of the company's name.
const NAME: &str = "company-name";

/// What somebody should know before.
const BEFORE: [&str; 3] = [
    "Tenantry forgets its access at once. Syncs, sign-ins and links that are under way come to nothing.",
    "The company and its history stay. It can be connected again at any time, also to another tenant.",
    "In the tenant, the app stays until an administrator removes it. The next page shows how, and whether it is done.",
];

/// The page.
#[component]
pub fn Disconnect(
    /// Which company.
    company: CompanyId,
) -> impl IntoView {
    document::set_title("Disconnect");
    view! {
        <Frame path=&["Microsoft 365", "Company", "Disconnect"]>
            <p class="way-back">
                <Link to=Page::Company(company, Tab::Overview) class="data-link">
                    "Back to the company"
                </Link>
            </p>
            <ForRight right=Right::Connect title="Your role may not disconnect companies" page=for_connectors />
        </Frame>
    }
}

fn for_connectors() -> AnyView {
    let address: Address = expect_context();
    let Some(Page::Disconnect(company)) = address.page() else { return ().into_any() };
    let this = Disconnecting::follow(company, expect_context::<Session>(), expect_context::<Voice>());
    let now = clock::minutes();
    // A form that somebody fills in stays the same while the server tells news.
    let stage = Memo::new(move |_| this.parting().with(Stage::of));
    (move || match this.load().get() {
        Load::Loading => view! { <Skeleton /> }.into_any(),
        Load::Failed(error) => {
            let on_retry = Callback::new(move |()| this.read());
            view! { <LoadFailed title="The connection could not be read" error on_retry /> }.into_any()
        }
        Load::Done => match stage.get() {
            Stage::Connected => question(this, now),
            Stage::Ended => ended(this, now),
            Stage::Never => view! {
                <Empty title="Not connected">
                    <p>"There is nothing to disconnect."</p>
                </Empty>
            }
            .into_any(),
        },
    })
    .into_any()
}

/// A text that follows what the server says.
fn told(
    this: Disconnecting,
    now: ReadSignal<Timestamp>,
    write: fn(&Parting, Timestamp) -> String,
) -> impl Fn() -> String {
    move || this.parting().with(|parting| write(parting, now.get()))
}

/// The heading, and what it is about. Exactly when is told on hover.
fn head(this: Disconnecting, now: ReadSignal<Timestamp>, title: fn(&Parting, Timestamp) -> String) -> AnyView {
    let exact = told(this, now, |parting, _| parting.at.map(locale::time).unwrap_or_default());
    view! {
        <h1>{told(this, now, title)}</h1>
        <p class="page-lead" title=exact>
            {told(this, now, summary)}
        </p>
    }
    .into_any()
}

/// What it means to disconnect, and the form.
fn question(this: Disconnecting, now: ReadSignal<Timestamp>) -> AnyView {
    let keep = RwSignal::new(true);
    let choice = |(keeps, words): (bool, &'static str)| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="data"
                    prop:checked=move || keep.get() == keeps
                    on:change=move |_| keep.set(keeps)
                />
                {words}
            </label>
        }
    };
    let choices = view! {
        <fieldset class="choices">
            <legend>"What was read until now"</legend>
            {[(true, "Keep it, as of its date"), (false, "Delete it")].map(choice).collect_view()}
        </fieldset>
    }
    .into_any();
    view! {
        {head(this, now, |parting, _| format!("Disconnect {}", parting.name))}
        <div class="parting">
            <ul class="steps">{BEFORE.map(|words| view! { <li>{words}</li> }).collect_view()}</ul>
            {by_name(this, now, "Disconnect", keep, choices)}
        </div>
    }
    .into_any()
}

/// A form that is confirmed by typing the company's name. `above` stands above that.
fn by_name(
    this: Disconnecting,
    now: ReadSignal<Timestamp>,
    submit: &'static str,
    keep: RwSignal<bool>,
    above: AnyView,
) -> AnyView {
    let typed = RwSignal::new(String::new());
    let form = Submission::default();
    let on_submit = Callback::new(move |()| {
        this.disconnect(form, NAME, typed.get_untracked(), keep.get_untracked());
    });
    view! {
        <Form submit form on_submit>
            {above}
            <div class="field">
                <label for=NAME>{told(this, now, |parting, _| format!("Type {} to confirm", parting.name))}</label>
                <input
                    id=NAME
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=typed
                    on:input:target=move |event| typed.set(event.target().value())
                />
            </div>
        </Form>
    }
    .into_any()
}

/// What is left of a connection that was ended.
fn ended(this: Disconnecting, now: ReadSignal<Timestamp>) -> AnyView {
    let is = move |what: fn(&Parting) -> bool| Memo::new(move |_| this.parting().with(what));
    let data_kept = is(|parting| parting.data_kept);
    let is_to_do = is(|parting| parting.gone_at.is_none() && parting.holder.is_none() && !parting.script.is_empty());
    let exact =
        told(this, now, |parting, _| parting.gone_at.or(parting.checked_at).map(locale::time).unwrap_or_default());
    let checking = this.checking();
    view! {
        {head(this, now, |parting, _| format!("{} is disconnected", parting.name))}
        <section class="panel" aria-labelledby="access-title">
            <h2 id="access-title">"Access to the tenant"</h2>
            <p class="sight" role="group" aria-label="Access" title=exact>
                {move || {
                    let shape = if is_to_do.get() { Shape::Warning } else { Shape::Check };
                    view! { <Icon shape /> }
                }}
                {told(this, now, seen)}
            </p>
            <button
                type="button"
                class="button"
                aria-busy=move || checking.get().to_string()
                aria-disabled=move || checking.get().to_string()
                on:click=move |_| this.check()
            >
                <Icon shape=Shape::Sync />
                "Check now"
            </button>
        </section>
        {move || is_to_do.get().then(|| removal(this))}
        {move || {
            data_kept
                .get()
                .then(|| {
                    view! {
                        <details class="panel parting">
                            <summary>"Delete the data that were kept"</summary>
                            {by_name(this, now, "Delete the data", RwSignal::new(false), ().into_any())}
                        </details>
                    }
                })
        }}
    }
    .into_any()
}

/// How the client's administrator removes the app.
fn removal(this: Disconnecting) -> AnyView {
    let voice: Voice = expect_context();
    let on_copied = Callback::new(move |words| voice.say(words, Tone::Plain, None));
    let Parting { portal, client_id, script, organisation, .. } = this.parting().get_untracked();
    let steps = removal_steps(&portal, &organisation, &client_id);
    view! {
        <section class="panel" aria-labelledby="removal-title">
            <h2 id="removal-title">"Remove the app from the tenant"</h2>
            <h3>"In the Microsoft Entra admin center"</h3>
            <ol class="steps">{steps.map(|step| view! { <li>{step}</li> }).collect_view()}</ol>
            <div class="form-buttons">
                <a class="button" href=portal target="_blank" rel="noreferrer">
                    "Open the admin center"
                </a>
                <CopyButton label="Copy application ID" text=client_id on_copied />
            </div>
            <h3>"Or with Microsoft Graph PowerShell"</h3>
            <pre tabindex="0" role="region" aria-label="PowerShell">
                {script.clone()}
            </pre>
            <div class="form-buttons">
                <CopyButton label="Copy script" text=script on_copied />
            </div>
        </section>
    }
    .into_any()
}
