//! Files that clients send, in a folder that other programs may read meanwhile: each is whole, or not there.
use std::{
    fs::{self, File},
    io::{
        self,
        ErrorKind::{InvalidFilename, NotFound},
        Write,
    },
    path::{Path, PathBuf},
};

use axum::body::Bytes;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::config::{Definition, Setting, Values};

pub const UPLOADS_DIR: Setting<Option<PathBuf>> = Setting::new(
    "UPLOADS_DIR",
    "",
    "The folder for uploaded files; without it, none are taken",
);
pub const SETTINGS: &[Definition] = &[UPLOADS_DIR.definition];

#[derive(Clone)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// The folder that the settings name, if they do.
    pub fn open(values: &Values) -> Option<Self> {
        values.get(&UPLOADS_DIR).map(|folder| Self { folder })
    }

    /// Keeps a file, and returns the name by which it is found again.
    pub async fn store(&self, extension: &str, content: Bytes) -> io::Result<String> {
        let name = format!("{}.{extension}", Uuid::now_v7());
        let path = self.folder.join(&name);
        blocking(move || {
            let partial = path.with_extension("partial");
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            let written = write(&partial, &content).and_then(|()| fs::rename(&partial, &path));
            if written.is_err() {
                // The disk may be full: nothing that nobody can read takes room on it.
                let _ = fs::remove_file(&partial);
            }
            written
        })
        .await?;
        Ok(name)
    }

    /// Reads a file, if there is one of this name.
    pub async fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        // Nothing but a name as they are given here: it never leads out of the folder.
        let given = name.split_once('.').is_some_and(|(id, extension)| {
            Uuid::try_parse(id).is_ok()
                && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if !given {
            return Ok(None);
        }
        let path = self.folder.join(name);
        match blocking(move || fs::read(path)).await {
            Err(error) if matches!(error.kind(), NotFound | InvalidFilename) => Ok(None),
            read => read.map(Some),
        }
    }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Does what waits for a disk where it keeps no request waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}
