//! The main job end to end: a real Active Directory in, real mail out.

mod absences;
mod alerts;
mod backup;
mod check;
mod contacts;
mod controllers;
mod coverage;
mod delegation;
mod digests;
mod ds389;
mod guard;
mod incremental;
mod kill;
mod municipality;
mod notify;
mod openldap;
mod outages;
mod ranges;
mod servers;
mod sign_in;
mod subjects;
mod sync;
mod undo;
mod units;
mod vendor;
mod walk;
