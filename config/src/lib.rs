//! Typed settings: defaults, file, environment and flags, each with its source.
