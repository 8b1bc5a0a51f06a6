//! Disks that can be pulled: ext4 in a file, on a loop device, mounted where only we see it.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::{has, system};
use crate::{apart, outcome::Failure};

/// A disk that is mounted; it is unmounted when this is dropped.
pub(crate) struct Disk {
    image: PathBuf,
    /// Where it is mounted.
    pub(crate) place: PathBuf,
}

impl Disk {
    /// An empty disk of so many MiB.
    pub(crate) fn make(home: &Path, name: &str, mebibytes: u64) -> Result<Self, Failure> {
        if !apart::is_so() || !has("mkfs.ext4") {
            return Err(Failure::LeftOut("it needs root, mount namespaces and mkfs.ext4".into()));
        }
        let image = home.join(format!("{name}.img"));
        File::create(&image)?.set_len(mebibytes << 20)?;
        system("mkfs.ext4", &["-q", "-F", "-m", "0", &image.to_string_lossy()])?;
        Self::mount(image, home.join(name))
    }

    /// A disk of tmpfs: it holds so many KiB and no more.
    pub(crate) fn small(home: &Path, name: &str, kibibytes: u64) -> Result<Self, Failure> {
        if !apart::is_so() {
            return Err(Failure::LeftOut("it needs root and mount namespaces".into()));
        }
        let place = home.join(name);
        std::fs::create_dir_all(&place)?;
        let size = format!("size={kibibytes}k");
        system("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", &place.to_string_lossy()])?;
        Ok(Self { image: PathBuf::new(), place })
    }

    /// Nothing is written for minutes that nobody asks to be written, so that what is lost with the power is not luck.
    fn mount(image: PathBuf, place: PathBuf) -> Result<Self, Failure> {
        std::fs::create_dir_all(&place)?;
        let arguments = ["-o", "loop,commit=300", &image.to_string_lossy(), &place.to_string_lossy()];
        match system("mount", &arguments) {
            Ok(_) => Ok(Self { image, place }),
            Err(error) => Err(Failure::LeftOut(format!("loop devices cannot be mounted: {error:#}"))),
        }
    }

    /// What a machine finds that loses its power now: the blocks that reached the device, without those that only the system's
    /// memory has. It is copied while the file system is still mounted, then that one is thrown away.
    pub(crate) fn lose_power(self, name: &str) -> Result<Self, Failure> {
        let home = self.image.parent().unwrap_or(Path::new("/")).to_owned();
        let after = home.join(format!("{name}.img"));
        system("cp", &["--sparse=always", &self.image.to_string_lossy(), &after.to_string_lossy()])?;
        let image = self.image.clone();
        drop(self);
        std::fs::remove_file(image)?;
        // Replays the journal of the file system.
        Self::mount(after, home.join(name))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Where somebody still has a file open, it goes with the last one.
        drop(system("umount", &["--lazy", &self.place.to_string_lossy()]));
    }
}
