//! Keeps the companies as they are on the server: events while they come, questions where they do not.

mod pace;

use std::{cell::RefCell, rc::Rc};

use gloo_timers::callback::{Interval, Timeout};
use leptos::{prelude::*, task::spawn_local};

use self::pace::Pace;
use super::{
    browser::{
        broadcast::Channel,
        clock, document,
        events::{EventStream, News},
        first_answer,
    },
    session::Session,
    state::{Companies, Load},
};
use crate::api::companies::{CompanyList, changed_companies, list_companies};

const EVENTS: &str = "/api/events";

const TICK_MILLIS: u32 = 500;

/// How long a few rows take to be painted: two frames.
const PAINTED_WITHIN_MILLIS: u32 = 32;

/// A handle to ask for news before it comes by itself.
#[derive(Clone)]
pub struct Live(Rc<Inner>);

struct Inner {
    companies: Companies,
    session: Session,
    pace: RefCell<Pace>,
    stream: RefCell<Option<EventStream>>,
    asking: RefCell<Asking>,
}

/// One question at a time. What happens after it was sent may be missing from its answer, so it is asked once more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    No,
    Yes,
    OnceMore,
}

impl Live {
    /// Reads the list, and keeps it up to date until the owner is gone.
    pub fn start(companies: Companies, session: Session) -> Self {
        let live = Self(Rc::new(Inner {
            companies,
            session,
            pace: RefCell::new(Pace::new(clock::now())),
            stream: RefCell::new(None),
            asking: RefCell::new(Asking::No),
        }));
        live.read_list();
        live.open_stream();

        let ticking = live.clone();
        let interval = Interval::new(TICK_MILLIS, move || ticking.tick());
        let hinted = live.clone();
        let channel = Channel::open(move || hinted.ask());
        let returned = live.clone();
        document::on_return(move || returned.ask());

        let kept = StoredValue::new_local(Some((interval, channel)));
        let ending = StoredValue::new_local(live.clone());
        on_cleanup(move || {
            kept.try_update_value(Option::take);
            ending.try_with_value(|live| live.0.stream.take());
        });
        live
    }

    /// Reads the whole list, as at the start and when somebody tries again.
    pub fn read_list(&self) {
        self.0.companies.set_loading();
        self.read_list_quietly();
    }

    fn read_list_quietly(&self) {
        let live = self.clone();
        spawn_local(async move {
            match take_list(first_answer::LIST).await {
                Some(list) => {
                    let is_part = list.part_of.is_some();
                    live.0.companies.set_list(Ok(list));
                    if is_part {
                        // It is painted first: the whole list keeps everybody busy.
                        let read_all = move || spawn_local(read_whole_list(live));
                        Timeout::new(PAINTED_WITHIN_MILLIS, read_all).forget();
                    }
                }
                None => read_whole_list(live).await,
            }
        });
    }

    /// Asks for changes.
    pub fn ask(&self) {
        if self.ask_once_more() {
            return;
        }
        match self.0.companies.load().get_untracked() {
            Load::Done => {}
            // Without a list there is nothing yet that could change.
            Load::Loading => return,
            Load::Failed(_) => {
                self.0.pace.borrow_mut().asked(clock::now());
                return self.read_list_quietly();
            }
        }
        self.0.asking.replace(Asking::Yes);
        let live = self.clone();
        spawn_local(async move {
            loop {
                live.0.pace.borrow_mut().asked(clock::now());
                let answer = changed_companies(live.0.companies.cursor()).await;
                // Who is told to sign in was told so by the server.
                let reached = answer.as_ref().err().is_none_or(|error| live.0.session.heed(error));
                live.0.companies.set_reachable(reached);
                if let Ok(changes) = answer {
                    live.0.companies.set_changes(changes);
                } else {
                    live.0.asking.replace(Asking::No);
                    return;
                }
                if live.0.asking.replace(Asking::Yes) != Asking::OnceMore {
                    live.0.asking.replace(Asking::No);
                    return;
                }
            }
        });
    }

    /// If an answer is on its way, there is another question after it. Answers whether there is.
    fn ask_once_more(&self) -> bool {
        let mut asking = self.0.asking.borrow_mut();
        let is_asking = *asking != Asking::No;
        if is_asking {
            *asking = Asking::OnceMore;
        }
        is_asking
    }

    fn open_stream(&self) {
        let live = self.clone();
        self.0.stream.replace(EventStream::open(EVENTS, move |news| live.take(news)));
    }

    fn take(&self, news: News) {
        let now = clock::now();
        match news {
            News::Opened => {
                self.0.pace.borrow_mut().opened(now);
                self.0.companies.set_reachable(true);
                self.0.session.ask();
                self.ask();
            }
            News::Company(json) => {
                self.0.pace.borrow_mut().heard(now);
                // What can't be read comes from a server that is newer than this page: the answer to the next question
                // says so in words.
                match serde_json::from_slice(json.as_bytes()) {
                    Ok(row) => self.0.companies.merge(vec![row]),
                    Err(_) => self.ask(),
                }
            }
            News::Platform(json) => {
                self.0.pace.borrow_mut().heard(now);
                match serde_json::from_slice(json.as_bytes()) {
                    Ok(notices) => {
                        self.0.companies.set_platform(notices);
                        self.ask_once_more();
                    }
                    Err(_) => self.ask(),
                }
            }
            News::Ping(role) => {
                self.0.pace.borrow_mut().heard(now);
                self.0.session.hear_role(&role);
            }
            News::Broken => self.0.pace.borrow_mut().broke(),
        }
    }

    fn tick(&self) {
        let companies = self.0.companies;
        companies.forget_overdue_wishes();
        // Nobody looks, and nobody waits for anything.
        if document::is_hidden() && !companies.in_flux() {
            return;
        }
        let now = clock::now();
        let given_up = self.0.stream.borrow().as_ref().is_none_or(EventStream::has_given_up);
        if self.0.pace.borrow().reopen_now(given_up, now) {
            self.0.pace.borrow_mut().reopening(now);
            self.open_stream();
        }
        if self.0.pace.borrow().ask_now(companies.in_flux(), now) {
            self.ask();
        }
    }
}

async fn take_list(name: &str) -> Option<CompanyList> {
    let json = first_answer::take(name).await?;
    serde_json::from_slice(json.as_bytes()).ok()
}

async fn read_whole_list(live: Live) {
    let list = match take_list(first_answer::WHOLE_LIST).await {
        Some(list) => Ok(list),
        // The same in many more bytes, or why there is none.
        None => list_companies().await,
    };
    if let Err(error) = &list {
        live.0.session.heed(error);
    }
    live.0.companies.set_list(list);
    // What events told meanwhile is too new for this list, which has taken its place.
    live.ask();
}
