//! Who is signed in, and what follows when nobody is any more.

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::{clock, document, first_answer, location},
    routes::{self, Page},
    state::{Submission, Voice},
};
use crate::{
    api::sessions::{change_password, sign_out, who_am_i},
    domain::{Me, Role},
    error::{AppError, ErrorCode},
};

/// How often to ask while somebody looks. A role may change at any time.
const ASK_MILLIS: u32 = 30_000;

/// Who is signed in, shared by everything on the page.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    me: RwSignal<Option<Me>>,
    voice: Option<Voice>,
    asking: StoredValue<bool>,
}

impl Session {
    /// Asks who it is, now and from time to time until the owner is gone. `voice` is told whether the server answers, where
    /// nobody asks it more often.
    pub fn start(voice: Option<Voice>) -> Self {
        let session = Self { me: RwSignal::new(None), voice, asking: StoredValue::new(false) };
        session.ask();
        document::on_return(move || session.ask());
        clock::every(ASK_MILLIS, move || {
            if !document::is_hidden() {
                session.ask();
            }
        });
        session
    }

    /// Who it is. None: not known yet.
    pub fn me(self) -> ReadSignal<Option<Me>> {
        self.me.read_only()
    }

    /// What they may do. None: not known yet.
    pub fn role(self) -> Option<Role> {
        self.me.with(|me| me.as_ref().map(|me| me.role))
    }

    /// Asks who it is.
    pub fn ask(self) {
        if self.asking.get_value() {
            return;
        }
        self.asking.set_value(true);
        spawn_local(async move {
            let first = first_answer::take(first_answer::ME).await;
            let answer = match first.and_then(|json| serde_json::from_slice(json.as_bytes()).ok()) {
                Some(me) => Ok(me),
                None => who_am_i().await,
            };
            self.asking.set_value(false);
            if let Some(voice) = self.voice {
                voice.set_reachable(answer.as_ref().err().is_none_or(|error| error.code != ErrorCode::Offline));
            }
            match answer {
                Ok(me) => self.me.maybe_update(|known| {
                    let changed = known.as_ref() != Some(&me);
                    *known = Some(me);
                    changed
                }),
                Err(error) if error.code == ErrorCode::Unauthorized => Self::leave(),
                // It is asked again in a while.
                Err(_) => {}
            }
        });
    }

    /// Hears what the role is now. Asks again who it is if that is news.
    pub fn hear_role(self, role: &str) {
        if self.me.with_untracked(|me| me.as_ref().is_some_and(|me| me.role.key() != role)) {
            self.ask();
        }
    }

    /// Looks whether an error is about who is signed in: leads to the page Sign in, or learns that the role has changed.
    /// Says whether it was.
    pub fn heed(self, error: &AppError) -> bool {
        match error.code {
            ErrorCode::Unauthorized => Self::leave(),
            ErrorCode::Forbidden => self.ask(),
            _ => return false,
        }
        true
    }

    /// Ends the session. `failed` is told why that did not work.
    pub fn sign_out(failed: impl Fn(AppError) + 'static) {
        spawn_local(async move {
            match sign_out().await {
                Err(error) if error.code != ErrorCode::Unauthorized => failed(error),
                _ => location::leave_for(&Page::SignIn.path()),
            }
        });
    }

    /// Changes the password. Calls `done` after that. `mend`: the id of the field of the current one.
    pub fn change_password(
        self,
        form: Submission,
        mend: &'static str,
        current: String,
        new: String,
        done: impl FnOnce() + 'static,
    ) {
        form.send(
            mend,
            Box::pin(async move {
                change_password(current, new).await.inspect_err(|error| {
                    self.heed(error);
                })?;
                done();
                Ok(())
            }),
        );
    }

    fn leave() {
        location::leave_for(&routes::sign_in_url(&location::path_and_query(), location::encode));
    }
}
