//! The end of one company's connection, as it is on the server.

use leptos::{prelude::*, task::spawn_local};

use super::{
    ago::{ago, ahead},
    browser::{clock, document},
    routes::CONTENT,
    session::Session,
    state::{Load, Submission, Tone, Voice},
};
use crate::{
    api::disconnections::{Parting, check_gone, disconnect, show_disconnection},
    domain::{CompanyId, Sight, Timestamp, disconnection::names},
    error::AppError,
};

/// How often to ask whether the server has looked at the tenant again.
const ASK_MILLIS: u32 = 10_000;

/// What there is to end, or what is left of it.
#[derive(Clone, Copy)]
pub struct Disconnecting {
    company: CompanyId,
    session: Session,
    voice: Voice,
    parting: RwSignal<Parting>,
    load: RwSignal<Load>,
    checking: RwSignal<bool>,
    /// How many questions were asked, and changes made: an answer counts while nothing came after its question.
    turn: StoredValue<u32>,
}

/// How far the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// There is a connection.
    Connected,
    /// There was one.
    Ended,
    /// There was none.
    Never,
}

impl Stage {
    /// How far it is.
    pub const fn of(parting: &Parting) -> Self {
        match (parting.connected, parting.at) {
            (true, _) => Self::Connected,
            (false, Some(_)) => Self::Ended,
            (false, None) => Self::Never,
        }
    }
}

/// Who did what when, to which tenant.
pub fn summary(parting: &Parting, now: Timestamp) -> String {
    let Parting { organisation, by, .. } = parting;
    let at = parting.at.map(|at| ago(at, now)).unwrap_or_default();
    match (parting.connected, parting.data_kept) {
        (true, _) => format!("Connected to {organisation} by {by}, {at}."),
        (false, true) => format!("From {organisation} by {by}, {at}. What was read until then is kept."),
        (false, false) => format!("From {organisation} by {by}, {at}. What was read was deleted."),
    }
}

/// What is known of the access to the tenant.
pub fn seen(parting: &Parting, now: Timestamp) -> String {
    if let Some(holder) = &parting.holder {
        return format!("{holder} is connected to this tenant now, so the access stays.");
    }
    if let Some(at) = parting.gone_at {
        return format!("The access is gone. It was seen gone {}.", ago(at, now));
    }
    let what = match parting.sight {
        Some(Sight::Unclear) => "It can't be told yet: Microsoft's last answer says neither.",
        Some(_) => "The tenant still lets the app in.",
        None => "It was not looked at yet.",
    };
    let looked = parting.checked_at.map(|at| format!(" Last looked {}.", ago(at, now))).unwrap_or_default();
    let again = parting.next_check.map(|at| format!(" It is looked again {}.", ahead(at, now))).unwrap_or_default();
    format!("{what}{looked}{again}")
}

/// How the client's administrator removes the app by hand.
pub fn removal_steps(portal: &str, organisation: &str, client_id: &str) -> [String; 4] {
    [
        format!(
            "An administrator of {organisation} signs in at {portal}, as Cloud Application Administrator or Global \
             Administrator."
        ),
        "Go to Entra ID › Enterprise apps › All applications.".to_owned(),
        format!("Search for the application ID {client_id}, and open the app."),
        "Choose Properties, then Delete.".to_owned(),
    ]
}

impl Disconnecting {
    /// Reads it, and follows what is seen of the access until the owner is gone.
    pub fn follow(company: CompanyId, session: Session, voice: Voice) -> Self {
        let this = Self {
            company,
            session,
            voice,
            parting: RwSignal::default(),
            load: RwSignal::default(),
            checking: RwSignal::default(),
            turn: StoredValue::default(),
        };
        this.read();
        document::on_return(move || this.read());
        clock::every(ASK_MILLIS, move || {
            if !document::is_hidden() && this.parting.with_untracked(|parting| parting.next_check.is_some()) {
                this.read();
            }
        });
        this
    }

    /// What it is.
    pub fn parting(self) -> ReadSignal<Parting> {
        self.parting.read_only()
    }

    /// Whether it is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Whether somebody waits for a look at the tenant.
    pub fn checking(self) -> ReadSignal<bool> {
        self.checking.read_only()
    }

    /// Asks the server.
    pub fn read(self) {
        let turn = self.next_turn();
        spawn_local(async move {
            let answer = show_disconnection(self.company).await;
            if self.turn.try_get_value() == Some(turn) {
                self.take(answer);
            }
        });
    }

    /// Ends the connection, or deletes what was kept. `field`: the id of where the name is typed.
    pub fn disconnect(self, form: Submission, field: &'static str, typed: String, keep_data: bool) {
        let (name, was_connected) = self.parting.with_untracked(|parting| (parting.name.clone(), parting.connected));
        if !names(&typed, &name) {
            return form.refuse(field, format!("Type the company's name as it is written: {name}"));
        }
        form.send(
            field,
            Box::pin(async move {
                let parting = disconnect(self.company, typed, keep_data).await.inspect_err(|error| {
                    self.session.heed(error);
                })?;
                self.next_turn();
                self.take(Ok(parting));
                let done = if was_connected { "disconnected" } else { "data deleted" };
                self.voice.say(format!("{name}: {done}"), Tone::Good, Some(self.company));
                // The form is gone, and the focus with it.
                request_animation_frame(|| {
                    document::scroll_to_top();
                    document::focus_in_place(CONTENT);
                });
                Ok(())
            }),
        );
    }

    /// Looks at the tenant now.
    pub fn check(self) {
        if self.checking.get_untracked() {
            return;
        }
        self.checking.set(true);
        spawn_local(async move {
            let answer = check_gone(self.company).await;
            if self.checking.try_set(false).is_some() {
                return;
            }
            let words = match &answer {
                Ok(parting) => seen(parting, clock::now()),
                Err(error) => error.message.clone(),
            };
            self.voice.say(words, Tone::Plain, Some(self.company));
            self.next_turn();
            self.take(answer);
        });
    }

    fn next_turn(self) -> u32 {
        self.turn
            .try_update_value(|turn| {
                *turn += 1;
                *turn
            })
            .unwrap_or_default()
    }

    fn take(self, answer: Result<Parting, AppError>) {
        // The page may be gone by now.
        if self.load.try_get_untracked().is_none() {
            return;
        }
        match answer {
            Ok(parting) => {
                document::set_title(&format!("Disconnect · {}", parting.name));
                if self.parting.with_untracked(|known| *known != parting) {
                    self.parting.set(parting);
                }
                self.load.maybe_update(|load| std::mem::replace(load, Load::Done) != Load::Done);
            }
            Err(error) => {
                self.session.heed(&error);
                // What is shown stays.
                if self.load.with_untracked(|load| *load != Load::Done) {
                    self.load.set(Load::Failed(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn what_is_known_of_the_access_is_said_with_its_date() {
        let earlier = Some(NOW.minus(Duration::from_mins(3)));
        let looked = Parting { at: earlier, checked_at: earlier, ..Parting::default() };
        let present = Parting {
            sight: Some(Sight::Present),
            next_check: Some(NOW.plus(Duration::from_mins(5))),
            ..looked.clone()
        };
        let unclear = Parting { sight: Some(Sight::Unclear), ..looked.clone() };
        let gone = Parting { sight: Some(Sight::Gone), gone_at: earlier, ..looked.clone() };
        let held = Parting { holder: Some("Fabrikam".into()), ..present.clone() };
        for (parting, words) in [
            (present, "The tenant still lets the app in. Last looked 3 minutes ago. It is looked again in 5 minutes."),
            (unclear, "It can't be told yet: Microsoft's last answer says neither. Last looked 3 minutes ago."),
            (gone, "The access is gone. It was seen gone 3 minutes ago."),
            (held, "Fabrikam is connected to this tenant now, so the access stays."),
        ] {
            assert_eq!(seen(&parting, NOW), words);
        }
    }

    #[test]
    fn a_company_is_connected_or_was_or_never_was() {
        let at = Some(NOW);
        assert_eq!(Stage::of(&Parting { connected: true, at, ..Parting::default() }), Stage::Connected);
        assert_eq!(Stage::of(&Parting { at, ..Parting::default() }), Stage::Ended);
        assert_eq!(Stage::of(&Parting::default()), Stage::Never);
    }
}
