//! The server's event stream.

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Event, EventSource, MessageEvent};

/// What comes over the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The stream is open, again or for the first time. What happened before is not repeated.
    Opened,
    /// A company's row, as JSON.
    Company(String),
    /// All that is wrong with our app registration, as JSON.
    Platform(String),
    /// A sign of life, with the role of who listens.
    Ping(String),
    /// The stream broke. The browser tries again, unless it has given up.
    Broken,
}

/// An open, or opening, stream. Closed when dropped.
pub struct EventStream {
    source: EventSource,
    _listeners: [Closure<dyn Fn(Event)>; 5],
}

impl EventStream {
    /// Opens the stream at a path of this server.
    pub fn open(path: &str, on_news: impl Fn(News) + Clone + 'static) -> Option<Self> {
        let source = EventSource::new(path).ok()?;
        let listeners = [
            listen(&source, "open", on_news.clone(), |_| Some(News::Opened)),
            listen(&source, "error", on_news.clone(), |_| Some(News::Broken)),
            listen(&source, "ping", on_news.clone(), |event| data(event).map(News::Ping)),
            listen(&source, "platform", on_news.clone(), |event| data(event).map(News::Platform)),
            listen(&source, "company", on_news, |event| data(event).map(News::Company)),
        ];
        Some(Self { source, _listeners: listeners })
    }

    /// Whether the browser does not try any more, as after an HTTP error.
    pub fn has_given_up(&self) -> bool {
        self.source.ready_state() == EventSource::CLOSED
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.source.close();
    }
}

fn data(event: &Event) -> Option<String> {
    event.dyn_ref::<MessageEvent>()?.data().as_string()
}

fn listen(
    source: &EventSource,
    name: &str,
    on_news: impl Fn(News) + 'static,
    read: impl Fn(&Event) -> Option<News> + 'static,
) -> Closure<dyn Fn(Event)> {
    let listener = Closure::<dyn Fn(Event)>::new(move |event: Event| {
        if let Some(news) = read(&event) {
            on_news(news);
        }
    });
    // It fails for no event target that exists.
    let _ = source.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
    listener
}
