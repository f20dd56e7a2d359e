//! Plays back a recording on the same page: from a server without a shop, or from one file without a server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::door::Door;
use super::lesson::Lesson;
use super::recording::{self, Recorded};
use super::sample::Sample;
use super::session::Session;
use super::{DashboardOptions, in_turn, page, server, stories};
use crate::words;

/// The most samples in one file: an hour. Longer recordings are thinned out.
const MOST: usize = 3_600;

/// Reads one recording, or two of one shop each to show side by side; the latest if none is given.
pub fn chosen(named: &[PathBuf], folder: &Path) -> Result<Recorded> {
    match named {
        [] => recording::read(&recording::latest(folder)?),
        [place] => recording::read(place),
        [left, right] => in_turn::side_by_side(&recording::read(left)?, &recording::read(right)?),
        more => bail!(words::too_many_recordings(more.len())),
    }
}

/// Serves a recording until `stop` is done.
pub async fn replay(
    folder: &Path,
    recorded: Recorded,
    options: &DashboardOptions,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let Recorded { header, text, samples, stories } = recorded;
    let listener = server::listen(SocketAddr::new(options.listen, options.port))?;
    let door = Door { address: listener.local_addr()?, public: options.public.clone(), token: None };
    terminal::say!("{}", words::replay_at(samples, header.started_at, door.page()));
    options.show(folder, &door);
    let session = Session::new(header.started_at, true, false);
    let open = server::replay(listener, door, session, text, stories)?;
    stop.await;
    open.close().await;
    Ok(())
}

/// Writes a recording as a self-contained page in the language of this process, with a lesson and the saved comparison
/// that belongs to it, if there is one.
pub fn export(recorded: &Recorded, lesson: Option<(&Lesson, &Path)>, file: &Path) -> Result<()> {
    let (text, every) = thinned(recorded)?;
    let most = if lesson.is_some() { stories::IN_A_LESSON } else { stories::IN_ONE_FILE };
    let stories = stories::bundle(&recorded.stories, most)?;
    let with_lesson = |(lesson, comparison): (&Lesson, &Path)| {
        lesson.check(&text, &stories)?;
        lesson.with_comparison(comparison)
    };
    let lesson = lesson.map(with_lesson).transpose()?;
    let page = page::standing_alone(report::language_tag(), &text, &stories, lesson.as_ref())?;
    std::fs::write(file, page).with_context(|| words::cannot_write(file.display()))?;
    if every > 1 {
        terminal::note!("{}", words::thinned(every));
    }
    terminal::say!("{}", words::opens_anywhere(file.display()));
    Ok(())
}

/// The header, and every n-th sample, with n. Where the recording was on this machine is no concern of others.
fn thinned(recorded: &Recorded) -> Result<(String, usize)> {
    let every = recorded.samples.div_ceil(MOST).max(1);
    let mut lines = recorded.text.lines();
    let mut text = lines.next().unwrap_or_default().to_owned() + "\n";
    for line in lines.step_by(every) {
        let mut sample: Sample = serde_json::from_str(line)?;
        sample.recording.folder = None;
        text += &(serde_json::to_string(&sample)? + "\n");
    }
    Ok((text, every))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../tests/data/live.jsonl");

    #[test]
    fn a_file_stands_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (recording, file) = (folder.path().join("live.jsonl"), folder.path().join("page.html"));
        // A text from an order that would end the script if it were not escaped.
        std::fs::write(&recording, EXAMPLE.replace("a processor", "</script><script>alert(1)</script>"))
            .unwrap();
        export(&recording::read(&recording).unwrap(), None, &file).unwrap();
        let page = std::fs::read_to_string(&file).unwrap();
        assert!(page.contains("cleave.live/1") && !page.contains("<script>alert(1)"));
        for outside in ["src=\"http", "href=\"http", "src=\"/", "href=\"/assets"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_long_recording_is_thinned() {
        let (header, sample) = EXAMPLE.split_once('\n').unwrap();
        let sample = sample.lines().next().unwrap();
        let samples = 2 * MOST + 1;
        let text = format!("{header}\n{}", format!("{sample}\n").repeat(samples));
        let recorded =
            Recorded { header: serde_json::from_str(header).unwrap(), text, samples, stories: Vec::new() };
        let (text, every) = thinned(&recorded).unwrap();
        assert!(!text.contains("/runs/"), "it says where the recording was");
        assert_eq!((every, text.lines().count()), (3, 1 + samples.div_ceil(3)));
    }
}
