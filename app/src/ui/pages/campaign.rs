//! A campaign: how far each company is with its link, and what to do about it.

use leptos::{html, prelude::*, task::spawn_local};

use super::{ForRight, Frame};
use crate::{
    api::links::LinkOutcome,
    domain::{CampaignRow, CampaignState, Right, campaign::REMIND_DAYS_MAX},
    ui::{
        ago::count,
        browser::{clipboard, clock, document, locale},
        campaign::{BODY, Campaign as This, Row, SUBJECT},
        components::{
            CampaignTable, CloseButton, Copied, Dialog, Icon, LeftOutList, Link, LoadFailed, Notice, Problem, Select,
            Shape, Skeleton, TimeAgo,
        },
        routes::{Address, Page},
        session::Session,
        state::{Load, Voice},
    },
};

/// How many companies are shown at once.
const SHOWN: usize = 500;

/// The page.
#[component]
pub fn Campaign() -> impl IntoView {
    document::set_title("Campaign");
    view! {
        <Frame path=&["Settings", "Live links", "Campaigns", "Campaign"]>
            <p class="way-back">
                <Link to=Page::Campaigns class="data-link">
                    "All campaigns"
                </Link>
            </p>
            <ForRight right=Right::SendLinks title="Your role may not send links" page=for_technicians />
        </Frame>
    }
}

fn for_technicians() -> AnyView {
    let address: Address = expect_context();
    let Some(Page::Campaign(campaign)) = address.page() else { return ().into_any() };
    let this = This::follow(campaign, expect_context::<Session>(), expect_context::<Voice>());
    (move || match this.load().get() {
        Load::Loading => view! { <Skeleton /> }.into_any(),
        Load::Failed(error) => {
            let on_retry = Callback::new(move |()| this.read());
            view! { <LoadFailed title="The campaign could not be read" error on_retry /> }.into_any()
        }
        Load::Done => followed(&this),
    })
    .into_any()
}

fn followed(this: &This) -> AnyView {
    let this = *this;
    let now = clock::minutes();
    let with_mail = Memo::new(move |_| this.view().with(|view| view.mail_from.is_some()));
    let name = move || this.view().with(|view| view.name.clone());
    let made_by = move || this.view().with(|view| view.made_by.clone());
    let made_at = this.view().with_untracked(|view| view.made_at);
    let all = Memo::new(move |_| {
        let wanted = this.shown.get();
        let is_shown = |row: &CampaignRow| wanted.is_none_or(|state| row.state == state);
        // One more than there is place for.
        let these =
            |rows: &Vec<Row>| rows.iter().filter(|row| row.with(is_shown)).take(SHOWN + 1).cloned().collect::<Vec<_>>();
        this.rows().with(these)
    });
    let is_cut = Memo::new(move |_| all.with(Vec::len) > SHOWN);
    let rows = Memo::new(move |_| all.with(|all| all.iter().take(SHOWN).cloned().collect::<Vec<_>>()));
    let on_action = Callback::new(move |(row, action): (CampaignRow, _)| this.act(&row, action));
    let just_made = Memo::new(move |_| this.renewed().with(|lines| lines.first().cloned()));
    view! {
        <div class="page-head">
            <div>
                <h1>{name}</h1>
                <p class="page-lead">
                    "Made by " {made_by} " " {made_at.map(|at| view! { <TimeAgo at now /> })}
                </p>
            </div>
        </div>
        {counts(&this)}
        <Problem words=this.refused() />
        {move || view! { <LeftOutList title="Not written to:" companies=this.left_out().get() /> }}
        {move || if with_mail.get() { mail(&this) } else { without_mail(&this) }}
        <CampaignTable rows with_mail now on_action />
        {move || {
            is_cut.get().then(|| view! { <p class="page-lead">"The first 500 are shown. Choose a state above to see others."</p> })
        }}
        {move || just_made.get().map(|line| renewed(&this, line))}
    }
    .into_any()
}

/// How many companies are in each state. One that is pressed shows those alone.
fn counts(this: &This) -> AnyView {
    let this = *this;
    let counts = Memo::new(move |_| this.counts());
    let number = move |state: Option<CampaignState>| {
        Memo::new(move |_| match state {
            Some(state) => {
                counts.with(|counts| counts.iter().find(|(other, _)| *other == state).map_or(0, |(_, n)| *n))
            }
            None => this.rows().with(Vec::len),
        })
    };
    // Each stays the same button while its number changes.
    let button = move |state: Option<CampaignState>| {
        let number = number(state);
        let is_there = Memo::new(move |_| state.is_none() || number.get() > 0 || this.shown.get() == state);
        move || {
            is_there.get().then(|| {
                view! {
                    <button
                        type="button"
                        class="button"
                        aria-pressed=move || (this.shown.get() == state).to_string()
                        on:click=move |_| this.shown.set(state)
                    >
                        {state.map_or("All", CampaignState::label)}
                        " "
                        <strong>{move || locale::number(number.get())}</strong>
                    </button>
                }
            })
        }
    };
    view! {
        <div class="form-buttons campaign-counts" role="group" aria-label="States">
            {button(None)}
            {CampaignState::ALL.map(|state| button(Some(state))).collect_view()}
        </div>
    }
    .into_any()
}

fn mark_all(this: &This) -> AnyView {
    let this = *this;
    let waiting = Memo::new(move |_| this.waiting(false).len());
    (move || {
        (waiting.get() > 0).then(|| {
            view! {
                <button type="button" class="button" on:click=move |_| this.mark_all()>
                    {format!("Mark {} as sent", locale::number(waiting.get()))}
                </button>
            }
        })
    })
    .into_any()
}

fn without_mail(this: &This) -> AnyView {
    let this = *this;
    view! {
        <Notice id="no-mail" title="No mail server is configured">
            <p>
                "Send the links in another way: as they were copied or downloaded when they were made, or each with “Message for the client” in the menu of its row. Then mark them as sent. To send e-mail from here, somebody sets TENANTRY_SMTP_URL and TENANTRY_MAIL_FROM."
            </p>
            <div class="form-buttons">{mark_all(&this)}</div>
        </Notice>
    }
    .into_any()
}

/// What clients are written, and the button that sends it.
fn mail(this: &This) -> AnyView {
    let this = *this;
    let busy = this.form.busy();
    let waiting = Memo::new(move |_| this.waiting(true).len());
    let unreachable = Memo::new(move |_| this.unreachable());
    let words = move || match waiting.get() {
        0 => "Save the text".to_owned(),
        1 => "Send 1 e-mail".to_owned(),
        mails => format!("Send {} e-mails", locale::number(mails)),
    };
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        this.send_to_all();
    };
    let days = |days: u8| match days {
        0 => "No reminder",
        1 => "1 day before the link expires",
        2 => "2 days before the link expires",
        3 => "3 days before the link expires",
        4 => "4 days before the link expires",
        5 => "5 days before the link expires",
        _ => "6 days before the link expires",
    };
    let options = (0..=REMIND_DAYS_MAX).map(days).collect();
    let on_choose = Callback::new(move |place: usize| this.days.set(u8::try_from(place).unwrap_or_default()));
    let chosen = Signal::derive(move || usize::from(this.days.get()));
    let open = untrack(|| !this.waiting(true).is_empty());
    view! {
        <details class="panel campaign-mail" open=open>
            <summary>"E-mail to the clients"</summary>
            <form class="form" on:submit=on_submit>
                <div class="field">
                    <label for=SUBJECT>"Subject"</label>
                    <input
                        id=SUBJECT
                        type="text"
                        prop:value=this.subject
                        on:input:target=move |event| this.subject.set(event.target().value())
                    />
                </div>
                <div class="field">
                    <label for=BODY>"Text"</label>
                    <textarea
                        id=BODY
                        rows="12"
                        aria-describedby="mail-places"
                        prop:value=this.body
                        on:input:target=move |event| this.body.set(event.target().value())
                    ></textarea>
                    <p class="field-rules" id="mail-places">
                        "Each client gets its own in the place of {company}, {contact}, {link}, {expires}, {msp} and {sender}."
                    </p>
                </div>
                <div class="field">
                    <span>"Reminder, to who was sent the link and did not connect"</span>
                    <Select label="Reminder".to_owned() options chosen on_choose />
                </div>
                {move || {
                    let names = unreachable.get();
                    (!names.is_empty())
                        .then(|| {
                            view! {
                                <p class="campaign-unreachable">
                                    {count(names.len() as u64, "link")}
                                    " can’t be sent, for no address of a contact is written down: " {few(&names)}
                                </p>
                            }
                        })
                }}
                <Problem words=this.form.error() />
                <div class="form-buttons">
                    <button
                        type="submit"
                        class="button button-main"
                        aria-disabled=move || busy.get().to_string()
                        aria-busy=move || busy.get().to_string()
                    >
                        {move || busy.get().then(|| view! { <Icon shape=Shape::Spinner /> })}
                        {words}
                    </button>
                    <button type="button" class="button" on:click=move |_| this.show_preview()>
                        "Preview"
                    </button>
                    {mark_all(&this)}
                </div>
            </form>
            {preview(&this)}
        </details>
    }
    .into_any()
}

/// What the first of them is written.
fn preview(this: &This) -> AnyView {
    let this = *this;
    (move || {
        this.preview().get().map(|message| {
            view! {
                <section class="campaign-preview" aria-label="Preview" role="status">
                    <p>
                        "To " {message.to.unwrap_or_else(|| "nobody: there is no address".into())} ": "
                        <strong>{message.subject}</strong>
                    </p>
                    <pre>{message.body}</pre>
                </section>
            }
        })
    })
    .into_any()
}

/// A few names, and how many more there are.
fn few(names: &[String]) -> String {
    const FEW: usize = 10;
    let more = names.len().saturating_sub(FEW);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    names.iter().take(FEW).map(String::as_str).collect::<Vec<_>>().join(", ") + &more
}

/// A link that was just made. It is shown once.
fn renewed(this: &This, line: LinkOutcome) -> AnyView {
    let this = *this;
    let field = NodeRef::<html::Input>::new();
    // Told in the dialog itself: under it, nothing of the page is read out.
    let copied = RwSignal::new(Some(false));
    let text = StoredValue::new(line.url.clone());
    let on_copy = Callback::new(move |()| {
        spawn_local(async move {
            copied.try_set(Some(clipboard::copy(&text.get_value()).await));
            // The button is gone, and the focus with it. What the browser does not copy, a person can.
            if let Some(field) = field.try_get_untracked().flatten() {
                // It fails for an element that can't have the focus only.
                let _ = field.focus();
                field.select();
            }
        });
    });
    let on_close = Callback::new(move |()| this.renewed().update(|lines| drop(lines.drain(..lines.len().min(1)))));
    let title = format!("Link for {}", line.name);
    view! {
        <Dialog title on_close>
            <p>"It is shown only now. The link before this one leads nowhere any more."</p>
            <div class="field">
                <label for="new-link">"Authentication link"</label>
                <input id="new-link" type="text" readonly node_ref=field prop:value=line.url />
            </div>
            <div class="form-buttons">
                <Copied copied on_copy />
                <CloseButton />
            </div>
        </Dialog>
    }
    .into_any()
}
