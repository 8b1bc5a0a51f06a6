//! What goes into a statement and comes out of a row: integers, text and bytes, the same on every engine.

use bytes::Bytes;

/// One value of a statement's parameters or of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'v> {
    /// Nothing.
    Null,
    /// Any number, and true (1) or false (0).
    Integer(i64),
    /// UTF-8.
    Text(&'v str),
    /// Bytes.
    Blob(&'v [u8]),
    /// A number that no column holds; a statement that is given one fails.
    TooLarge,
}

/// What can be a parameter of a statement.
pub trait ToValue {
    /// The parameter.
    fn to_value(&self) -> Value<'_>;
}

/// What can be read from a row.
pub trait FromValue: Sized {
    /// Reads it. Fails when the column holds something else.
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch>;
}

/// A column does not hold what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Mismatch {
    /// It has another type, or a number that does not fit.
    #[error("not a {expected}")]
    Type {
        /// What was asked for.
        expected: &'static str,
    },
    /// Its bytes are not what they should be.
    #[error(transparent)]
    Content(Box<dyn std::error::Error + Send + Sync>),
}

impl Mismatch {
    /// The column holds no `expected`.
    pub(super) fn expected(expected: &'static str) -> Self {
        Self::Type { expected }
    }

    /// The column's bytes cannot be read.
    pub fn content(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Content(source.into())
    }
}

/// The parameters of a statement, in the order of `?1`, `?2` and so on: [`params!`](crate::store::params), or an array.
pub trait Params {
    /// Lends the values.
    fn lend<R>(&self, to: impl FnOnce(&[Value<'_>]) -> R) -> R;
}

/// The parameters of a statement: `params![id, name]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::store::ToValue::to_value(&$value)),*] };
}

impl<const N: usize> Params for &[Value<'_>; N] {
    fn lend<R>(&self, to: impl FnOnce(&[Value<'_>]) -> R) -> R {
        to(*self)
    }
}

impl Params for [&str; 0] {
    fn lend<R>(&self, to: impl FnOnce(&[Value<'_>]) -> R) -> R {
        to(&[])
    }
}

impl<T: ToValue> Params for [T; 1] {
    fn lend<R>(&self, to: impl FnOnce(&[Value<'_>]) -> R) -> R {
        to(&self.each_ref().map(ToValue::to_value))
    }
}

impl<T: ToValue> Params for [T; 2] {
    fn lend<R>(&self, to: impl FnOnce(&[Value<'_>]) -> R) -> R {
        to(&self.each_ref().map(ToValue::to_value))
    }
}

macro_rules! integers {
    ($($integer:ty),*) => { $(
        impl ToValue for $integer {
            fn to_value(&self) -> Value<'_> {
                i64::try_from(*self).map_or(Value::TooLarge, Value::Integer)
            }
        }

        impl FromValue for $integer {
            fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
                let expected = || Mismatch::expected(stringify!($integer));
                match value {
                    Value::Integer(integer) => Self::try_from(integer).map_err(|_| expected()),
                    Value::Null | Value::Text(_) | Value::Blob(_) | Value::TooLarge => Err(expected()),
                }
            }
        }
    )* };
}

integers!(i64, i32, u64, u32, u16, u8, usize);

impl ToValue for bool {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl FromValue for bool {
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        i64::from_value(value).map(|integer| integer != 0)
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl FromValue for String {
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        match value {
            Value::Text(text) => Ok(text.to_owned()),
            Value::Null | Value::Integer(_) | Value::Blob(_) | Value::TooLarge => {
                Err(Mismatch::expected("text"))
            }
        }
    }
}

impl ToValue for [u8] {
    fn to_value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl ToValue for Bytes {
    fn to_value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        match value {
            Value::Blob(bytes) => Ok(bytes.to_vec()),
            Value::Null | Value::Integer(_) | Value::Text(_) | Value::TooLarge => {
                Err(Mismatch::expected("blob"))
            }
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        Vec::from_value(value)?.try_into().map_err(|_| Mismatch::expected("blob of that length"))
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        if value == Value::Null { Ok(None) } else { T::from_value(value).map(Some) }
    }
}
