//! What the parts of the dashboard share.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::feed::Feed;
use crate::load::WantedLoad;

/// The state that the sampler, the server and the controls share.
#[derive(Debug)]
pub struct Dashboard {
    /// The folder of runs and state, shared with `cleave up`.
    pub folder: PathBuf,
    /// The samples.
    pub feed: Feed,
    wanted: Mutex<WantedLoad>,
}

impl Dashboard {
    pub(crate) fn new(folder: &Path, wanted: WantedLoad) -> Dashboard {
        Dashboard { folder: folder.to_owned(), feed: Feed::default(), wanted: Mutex::new(wanted) }
    }

    /// The requested load.
    pub(crate) fn wanted(&self) -> WantedLoad {
        self.wanted.lock().clone()
    }

    /// Changes the requested load, from the next second on.
    pub(crate) fn want(&self, wanted: WantedLoad) {
        *self.wanted.lock() = wanted;
    }
}
