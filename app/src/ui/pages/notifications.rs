//! Notifications: who is told what happens, by mail and by webhooks.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::{MailFailure, MailPace, MailSettings, NoticeKind, Right, Timestamp, WebhookRow, WebhookState},
    ui::{
        ago::ahead,
        browser::{clock, document},
        components::{
            CloseButton, Confirm, DeliveryList, Dialog, Empty, Field, Form, KindList, LinkOffer, LoadFailed, Notice,
            Problem, Select, Skeleton, WebhookAction, WebhookTable,
        },
        notifications::{Notifications as Settings, host, local_hour, utc_minute},
        session::Session,
        state::{Load, Submission, Voice},
    },
};

/// The id of the field of the addresses that mail goes to.
const RECIPIENTS: &str = "mail-recipients";

/// The id of the field of a webhook's address.
const URL: &str = "webhook-url";

/// How often an open log is read again.
const LOG_MILLIS: u32 = 2_000;

/// When mail is sent: soon, or once a day.
const WHEN: [&str; 25] = [
    "Within minutes",
    "Once a day, at 00:00",
    "Once a day, at 01:00",
    "Once a day, at 02:00",
    "Once a day, at 03:00",
    "Once a day, at 04:00",
    "Once a day, at 05:00",
    "Once a day, at 06:00",
    "Once a day, at 07:00",
    "Once a day, at 08:00",
    "Once a day, at 09:00",
    "Once a day, at 10:00",
    "Once a day, at 11:00",
    "Once a day, at 12:00",
    "Once a day, at 13:00",
    "Once a day, at 14:00",
    "Once a day, at 15:00",
    "Once a day, at 16:00",
    "Once a day, at 17:00",
    "Once a day, at 18:00",
    "Once a day, at 19:00",
    "Once a day, at 20:00",
    "Once a day, at 21:00",
    "Once a day, at 22:00",
    "Once a day, at 23:00",
];

/// The page.
#[component]
pub fn Notifications() -> impl IntoView {
    document::set_title("Notifications");
    view! {
        <Frame path=&["Settings", "Notifications"]>
            <div class="page-head">
                <div>
                    <h1>"Notifications"</h1>
                    <p class="page-lead">
                        "Who is told when a company needs somebody, and when it is all good again. Each cause is told once, and what passes within two minutes is not told."
                    </p>
                </div>
            </div>
            <ForRight
                right=Right::ManageAccounts
                title="Only an owner may choose who is told"
                page=for_owners
            />
        </Frame>
    }
}

fn for_owners() -> AnyView {
    let settings = Settings::read(expect_context::<Session>(), expect_context::<Voice>());
    // Read again after each change, without a new page each time.
    let load = Memo::new(move |_| settings.load().get());
    view! {
        {move || match load.get() {
            Load::Loading => view! { <Skeleton /> }.into_any(),
            Load::Failed(error) => {
                let on_retry = Callback::new(move |()| settings.read_all());
                view! { <LoadFailed title="The settings could not be read" error on_retry /> }.into_any()
            }
            Load::Done => view! {
                <Mail settings />
                <Webhooks settings />
            }
            .into_any(),
        }}
    }
    .into_any()
}

#[component]
fn Mail(settings: Settings) -> impl IntoView {
    let now = clock::minutes();
    let behind = clock::minutes_behind_utc();
    let saved = settings.mail();
    let recipients = RwSignal::new(saved.recipients.join("\n"));
    let kinds = RwSignal::new(saved.kinds);
    let chosen = match saved.pace {
        MailPace::Soon => 0,
        MailPace::Daily { minute } => usize::from(local_hour(minute, behind)) + 1,
    };
    let when = StoredValue::new(chosen);
    let form = Submission::default();
    let test = Submission::default();
    let on_submit = Callback::new(move |()| {
        let pace = match when.get_value().checked_sub(1).and_then(|hour| u16::try_from(hour).ok()) {
            None => MailPace::Soon,
            Some(hour) => MailPace::Daily { minute: utc_minute(hour, behind) },
        };
        let wanted = MailSettings { recipients: Vec::new(), kinds: kinds.get_untracked(), pace };
        settings.save_mail(form, RECIPIENTS, &recipients.get_untracked(), wanted);
    });
    view! {
        <section class="telling" aria-labelledby="mail-title">
            <h2 id="mail-title">"E-mail"</h2>
            {move || match settings.mail_from().get() {
                None => view! {
                    <Notice id="mail-missing" title="No mail server is configured, so no mail is sent">
                        <p>
                            "Set " <code>"TENANTRY_SMTP_URL"</code> " and " <code>"TENANTRY_MAIL_FROM"</code>
                            ", and restart the server."
                        </p>
                    </Notice>
                }
                .into_any(),
                Some(from) => view! { <p class="field-rules">"From " {from}</p> }.into_any(),
            }}
            {move || settings.mail_failure().get().map(|failure| view! { <Failure failure now /> })}
            <Form submit="Save" form on_submit>
                <div class="field">
                    <label for=RECIPIENTS>"Send to"</label>
                    <textarea
                        id=RECIPIENTS
                        rows="3"
                        aria-describedby="mail-recipients-rules"
                        prop:value=recipients
                        on:input:target=move |event| recipients.set(event.target().value())
                    ></textarea>
                    <p class="field-rules" id="mail-recipients-rules">
                        "One address a line. None: no mail is sent."
                    </p>
                </div>
                <div class="field">
                    <span aria-hidden="true">"When"</span>
                    <Select
                        label="When".to_owned()
                        options=WHEN.to_vec()
                        chosen
                        on_choose=Callback::new(move |place| when.set_value(place))
                    />
                    <p class="field-rules">"One mail tells what came together. Hours are those of this computer."</p>
                </div>
                <KindList legend="What mail tells" kinds />
            </Form>
            {move || {
                settings
                    .mail_from()
                    .get()
                    .map(|_| {
                        view! {
                            <div class="mail-test">
                                <Problem words=test.error() />
                                <button
                                    type="button"
                                    class="button"
                                    aria-describedby="mail-test-rules"
                                    aria-disabled=move || test.busy().get().to_string()
                                    on:click=move |_| settings.test_mail(test, RECIPIENTS)
                                >
                                    "Send a test mail"
                                </button>
                                <span class="field-rules" id="mail-test-rules">
                                    "To the addresses that are saved."
                                </span>
                            </div>
                        }
                    })
            }}
        </section>
    }
}

#[component]
fn Failure(failure: MailFailure, now: ReadSignal<Timestamp>) -> impl IntoView {
    let title = format!("The last mail to {} could not be sent", failure.recipient);
    view! {
        <Notice id="mail-failure" title>
            <p>{failure.problem}</p>
            <p>
                {move || match failure.next_at {
                    Some(next) => format!("It is tried again {}.", ahead(next, now.get())),
                    None => "It was given up.".into(),
                }}
            </p>
        </Notice>
    }
}

/// What is asked or shown over the page.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Over {
    Add,
    Edit(WebhookRow),
    ReplaceSecret(WebhookRow),
    Delete(WebhookRow),
    Log(WebhookRow),
}

#[component]
fn Webhooks(settings: Settings) -> impl IntoView {
    let now = clock::minutes();
    let over = RwSignal::new(None::<Over>);
    let is_empty = Memo::new(move |_| settings.webhooks().with(Vec::is_empty));
    let on_action = Callback::new(move |(row, action): (WebhookRow, WebhookAction)| match action {
        WebhookAction::Deliveries => over.set(Some(Over::Log(row))),
        WebhookAction::Edit => over.set(Some(Over::Edit(row))),
        WebhookAction::Test => {
            settings.test_webhook(row.id);
            over.set(Some(Over::Log(row)));
        }
        WebhookAction::Pause => settings.set_active(row.id, false),
        WebhookAction::Activate => settings.set_active(row.id, true),
        WebhookAction::ReplaceSecret => over.set(Some(Over::ReplaceSecret(row))),
        WebhookAction::Delete => over.set(Some(Over::Delete(row))),
    });
    let on_close = Callback::new(move |()| over.set(None));
    view! {
        <section class="telling" aria-labelledby="webhooks-title">
            <div class="telling-head">
                <h2 id="webhooks-title">"Webhooks"</h2>
                <button type="button" class="button" on:click=move |_| over.set(Some(Over::Add))>
                    "Add a webhook"
                </button>
            </div>
            <p class="field-rules">
                "Other programs, such as a ticket system, are sent signed events (Standard Webhooks). One that does not take an event is asked again for three days."
            </p>
            <Problem words=settings.refused() />
            {move || {
                if is_empty.get() {
                    view! {
                        <Empty title="No webhooks">
                            <p>"Add one to have another program told."</p>
                        </Empty>
                    }
                        .into_any()
                } else {
                    view! { <WebhookTable rows=settings.webhooks() now on_action /> }.into_any()
                }
            }}
        </section>
        {move || over.get().map(|over| shown_over(over, settings, now, on_close))}
        {move || {
            settings
                .made()
                .get()
                .map(|made| {
                    view! {
                        <Dialog
                            title=format!("Secret for {}", made.host)
                            on_close=Callback::new(move |()| settings.made().set(None))
                        >
                            <LinkOffer label="Signing secret" handover=made.handover validity />
                        </Dialog>
                    }
                })
        }}
    }
}

fn validity(_: Option<Timestamp>) -> String {
    "The receiver knows by it that an event is ours. It is shown only now.".into()
}

fn shown_over(over: Over, settings: Settings, now: ReadSignal<Timestamp>, on_close: Callback<()>) -> AnyView {
    match over {
        Over::Add => view! {
            <Dialog title="Add a webhook".to_owned() on_close>
                <WebhookForm settings edited=None />
            </Dialog>
        }
        .into_any(),
        Over::Edit(row) => view! {
            <Dialog title=format!("Webhook at {}", host(&row.url)) on_close>
                <WebhookForm settings edited=Some(row) />
            </Dialog>
        }
        .into_any(),
        Over::ReplaceSecret(row) => {
            let title = format!("Replace the secret of {}?", host(&row.url));
            let text = "The new one is shown once. For 24 hours both sign, so that the receiver misses nothing until it \
                        knows the new one.";
            let on_confirm = Callback::new(move |()| settings.replace_secret(&row));
            view! { <Confirm title text action="Replace secret" on_confirm on_close /> }.into_any()
        }
        Over::Delete(row) => {
            let title = format!("Delete the webhook at {}?", host(&row.url));
            let text = "Nothing more is sent to it, and its log goes with it.";
            let on_confirm = Callback::new(move |()| settings.delete(row.id));
            view! { <Confirm title text action="Delete" on_confirm on_close /> }.into_any()
        }
        Over::Log(row) => {
            let on_close = Callback::new(move |()| {
                settings.close_log();
                on_close.run(());
            });
            view! {
                <Dialog title=format!("Deliveries to {}", host(&row.url)) on_close>
                    <DeliveryLog settings row now />
                </Dialog>
            }
            .into_any()
        }
    }
}

#[component]
fn WebhookForm(settings: Settings, edited: Option<WebhookRow>) -> impl IntoView {
    let id = edited.as_ref().map(|row| row.id);
    let (url, kinds) = edited.map_or_else(|| (String::new(), NoticeKind::ALL.to_vec()), |row| (row.url, row.kinds));
    let (url, kinds) = (RwSignal::new(url), RwSignal::new(kinds));
    let form = Submission::default();
    let on_submit = Callback::new(move |()| {
        settings.save_webhook(form, URL, id, url.get_untracked(), kinds.get_untracked());
    });
    view! {
        <Form submit=if id.is_some() { "Save" } else { "Add" } form in_dialog=true on_submit>
            <Field
                id=URL
                label="Address"
                kind="url"
                autocomplete="off"
                value=url
                rules="Such as https://example.com/webhook. Events are sent there by POST."
            />
            <KindList legend="What it is told" kinds />
        </Form>
    }
}

#[component]
fn DeliveryLog(settings: Settings, row: WebhookRow, now: ReadSignal<Timestamp>) -> impl IntoView {
    let webhook = row.id;
    settings.open_log(webhook);
    clock::every(LOG_MILLIS, move || {
        if !document::is_hidden() {
            settings.read_log(webhook);
        }
    });
    let on_retry = Callback::new(move |delivery| settings.retry(webhook, delivery));
    view! {
        // The page's own lies under the dialog.
        <Problem words=settings.refused() />
        <DeliveryList rows=settings.log() now active=row.state == WebhookState::Active on_retry />
        <div class="form-buttons">
            <CloseButton />
        </div>
    }
}
