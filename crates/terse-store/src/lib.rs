//! Where terse keeps things.
