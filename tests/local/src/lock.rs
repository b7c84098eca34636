//! The lock of a data folder, so that two stacks do not share one.

use crate::Error;
use std::{fs::File, io::Write as _, path::Path};

/// Locks the data folder for this process.
pub(crate) fn lock(data: &Path) -> Result<File, Error> {
    let failed = |error| Error::while_doing(format!("data folder `{}`", data.display()), error);
    std::fs::create_dir_all(data).map_err(failed)?;
    let path = data.join("lock");
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(failed)?;
            write!(file, "{}", std::process::id()).map_err(failed)?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let owner = std::fs::read_to_string(&path).unwrap_or_default();
            Err(Error::new(format!(
                "data folder `{}` is in use by another local stack (process {owner}): end that, or choose another \
                 with --data",
                data.display()
            )))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}
