//! What Budkavle knows and decides: pure, synchronous, without clock, network, disk or chance.
//!
//! In reading order: [`ids`] names things; [`directory`] is what was read from Active Directory, in [`map`]s, [`entry`],
//! [`dn`] and [`decode`] turn raw entries into it, [`follow`] their changes; [`tree`] arranges the units; [`delta`] compares two
//! directories, [`guard`] judges the difference, [`undo`] takes it back, [`gone`] is what it removed; [`roles`], [`absence`],
//! [`subject`], [`lists`] (kept by others), [`organisation`] and [`contacts`] answer "whom do I turn to?", [`past`] how that was once; [`authority`] says who may change that; [`coverage`] tells for each day of a period whether anybody
//! is there, [`whatif`] what would be if somebody weren't; [`entitled`] lists those who are for the vendor; [`changes`] tells who got other contacts and whom to
//! tell, [`duties`] what somebody is contact for; [`service`] knows what depends on what, [`intake`] what others tell of incidents, [`outage`], [`alert`] and [`notice`] say who
//! must be told what, [`climb`] whom it goes to when nobody takes it on, [`quiet`], [`pace`] and [`silence`] what waits and what isn't told, [`subscriber`] who asked for it from outside, [`link`] is what they follow; [`run`] is the record of one
//! sync; [`schedule`] says when it is due, [`hint`] when it is due before that, [`backoff`] spaces out what is tried again, [`bounce`] reads what came back, [`warning`] knows what
//! ends on which day; [`language`] names the languages of notices, [`locale`] who is written to in which; [`secret`] says which text can be a password; [`moment`] reads times, [`phone`] numbers, [`ical`] calendars and [`table`] what people keep in spreadsheets, [`content_lines`] writes calendars and cards; [`calendar`] knows which
//! days are worked and when somebody is there.

pub mod absence;
pub mod alert;
pub mod audit;
pub mod authority;
pub mod backoff;
pub mod bounce;
pub mod calendar;
pub mod changes;
pub mod climb;
pub mod contacts;
pub mod content_lines;
pub mod coverage;
pub mod decode;
pub mod delivery;
pub mod delta;
pub mod directory;
pub mod dn;
pub mod duties;
pub mod entitled;
pub mod entry;
pub mod follow;
pub mod gone;
pub mod guard;
pub mod hint;
pub mod ical;
pub mod ids;
pub mod intake;
pub mod language;
pub mod link;
pub mod lists;
pub mod locale;
pub mod mailbox;
pub mod map;
pub mod moment;
pub mod notice;
pub mod organisation;
pub mod orphans;
pub mod outage;
pub mod pace;
pub mod parts;
pub mod past;
pub mod phone;
pub mod quiet;
pub mod roles;
pub mod route;
pub mod run;
pub mod schedule;
pub mod secret;
pub mod service;
pub mod shape;
pub mod silence;
#[cfg(test)]
mod stored;
pub mod subject;
pub mod subscriber;
pub mod support;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
pub mod tree;
pub mod undo;
mod user;
pub mod warning;
pub mod whatif;
