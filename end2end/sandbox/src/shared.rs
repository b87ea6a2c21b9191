//! What every request handler of a sandbox has.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, header};

use crate::clock::Clock;
use crate::options::{SandboxOptions, Tls};
use crate::world::{Kept, World};

/// One running sandbox, as its handlers see it.
pub struct Shared {
    /// What it was started with.
    pub options: SandboxOptions,
    /// Its own time.
    pub clock: Clock,
    /// Its address when a request does not name one.
    pub base_url: String,
    world: Mutex<World>,
}

impl Shared {
    /// Takes the world over, with what was kept of an earlier run.
    pub fn new(options: SandboxOptions, base_url: String, mut world: World) -> Self {
        if let Some(file) = &options.state_file
            && let Ok(text) = std::fs::read(file)
        {
            match serde_json::from_slice::<Kept>(&text) {
                Ok(kept) => world.kept = kept,
                Err(error) => {
                    tracing::warn!(%error, file = %file.display(), "the state file can't be read; starting without it");
                }
            }
        }
        Self { options, clock: Clock::default(), base_url, world: Mutex::new(world) }
    }

    /// Everything that changes. Never held while waiting.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it answers HTTPS.
    pub fn is_tls(&self) -> bool {
        self.options.tls != Tls::None
    }

    /// The address that a request used, so that `localhost` and `127.0.0.1` each see themselves in answers.
    pub fn base(&self, headers: &HeaderMap) -> String {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if !matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
            return self.base_url.clone();
        }
        let scheme = if self.is_tls() { "https" } else { "http" };
        format!("{scheme}://{host}")
    }

    /// Writes consents and refresh tokens down, where that was asked for.
    pub fn keep(&self, world: &World) {
        let Some(file) = &self.options.state_file else { return };
        let draft = file.with_extension("new");
        let written = serde_json::to_vec(&world.kept)
            .map_err(std::io::Error::other)
            .and_then(|text| std::fs::write(&draft, text))
            .and_then(|()| std::fs::rename(&draft, file));
        if let Err(error) = written {
            tracing::warn!(%error, file = %file.display(), "the state file can't be written");
        }
    }
}
