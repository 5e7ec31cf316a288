//! Budkavle.
