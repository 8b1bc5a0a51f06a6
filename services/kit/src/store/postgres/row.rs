//! Values on their way to PostgreSQL and back: every integer is 64 bits wide, and what the server makes of a comparison is 0 or 1.

use std::error::Error as StdError;

use bytes::{BufMut, BytesMut};
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::store::{
    engine::Failure,
    row::Columns,
    value::{Mismatch, Value},
};

type Boxed = Box<dyn StdError + Sync + Send>;

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        match *self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Integer(integer) => put_integer(integer, ty, out)?,
            Self::Text(text) if text.contains('\0') => return Err("a text has a character U+0000".into()),
            Self::Text(text) if <&str as ToSql>::accepts(ty) => out.put_slice(text.as_bytes()),
            Self::Blob(bytes) if *ty == Type::BYTEA => out.put_slice(bytes),
            Self::Text(_) => return Err(format!("a text for a parameter that is {ty}").into()),
            Self::Blob(_) => return Err(format!("bytes for a parameter that is {ty}").into()),
            Self::TooLarge => return Err(Failure::TooLarge.into()),
        }
        Ok(IsNull::No)
    }

    /// Whether a value is what the server expects is known when there is one.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn put_integer(integer: i64, ty: &Type, out: &mut BytesMut) -> Result<(), Boxed> {
    match *ty {
        Type::INT8 => out.put_i64(integer),
        Type::INT4 => out.put_i32(integer.try_into()?),
        Type::INT2 => out.put_i16(integer.try_into()?),
        Type::BOOL => out.put_u8(u8::from(integer != 0)),
        _ => return Err(format!("an integer for a parameter that is {ty}").into()),
    }
    Ok(())
}

/// What PostgreSQL has in a column, as a value.
pub(super) struct Cell<'r>(pub(super) Value<'r>);

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Result<Self, Boxed> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Integer(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Integer(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Value::Blob(raw),
            _ => Value::Text(std::str::from_utf8(raw)?),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Boxed> {
        Ok(Self(Value::Null))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::INT8
                | Type::INT4
                | Type::INT2
                | Type::BOOL
                | Type::BYTEA
                | Type::TEXT
                | Type::VARCHAR
                | Type::NAME
        )
    }
}

impl Columns for Row {
    fn value(&self, at: usize) -> Result<Value<'_>, Mismatch> {
        self.try_get::<_, Cell<'_>>(at).map(|cell| cell.0).map_err(Mismatch::content)
    }
}

/// A value that outlives the job that gave it.
pub(super) enum Kept {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
    TooLarge,
}

impl From<&Value<'_>> for Kept {
    fn from(value: &Value<'_>) -> Self {
        match *value {
            Value::Null => Self::Null,
            Value::Integer(integer) => Self::Integer(integer),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Blob(bytes) => Self::Blob(bytes.to_vec()),
            Value::TooLarge => Self::TooLarge,
        }
    }
}

impl Kept {
    pub(super) fn lend(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Text(text) => Value::Text(text),
            Self::Blob(bytes) => Value::Blob(bytes),
            Self::TooLarge => Value::TooLarge,
        }
    }
}
