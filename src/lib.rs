//! Budkavle.
pub mod domain;
