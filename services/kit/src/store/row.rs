//! A row of an answer, whichever engine it comes from.

use super::{
    checksum,
    value::{FromValue, Mismatch, Value},
};

/// A row.
pub struct Row<'r> {
    columns: &'r dyn Columns,
}

/// What an engine's row can tell.
pub(super) trait Columns {
    /// The value of a column, from 0.
    fn value(&self, at: usize) -> Result<Value<'_>, Mismatch>;
}

impl<'r> Row<'r> {
    pub(super) fn new(columns: &'r dyn Columns) -> Self {
        Self { columns }
    }

    /// The value of a column, from 0.
    pub fn get<T: FromValue>(&self, at: usize) -> Result<T, Mismatch> {
        T::from_value(self.columns.value(at)?)
    }

    /// The bytes of a column, from 0, unless their [`checksum`](super::checksum()), in another column, says that they are damaged.
    pub fn sound(&self, at: usize, sum: usize) -> Result<&'r [u8], Mismatch> {
        checksum::sound(self.bytes(at)?, self.get(sum)?)
    }

    /// The bytes of a column, from 0, without a copy.
    pub fn bytes(&self, at: usize) -> Result<&'r [u8], Mismatch> {
        match self.columns.value(at)? {
            Value::Blob(bytes) => Ok(bytes),
            Value::Null | Value::Integer(_) | Value::Text(_) | Value::TooLarge => {
                Err(Mismatch::expected("blob"))
            }
        }
    }
}
