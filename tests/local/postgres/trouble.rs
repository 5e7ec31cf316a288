//! What goes wrong with a database, and what is said of it.
