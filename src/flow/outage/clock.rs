//! What the clock brings: maintenance is reminded of, begun and completed, and an incident that nobody speaks of is pointed out.
//!
//! What is due follows from the stored outage and the time alone, and is noted in the transaction that tells it: a restart neither
//! repeats nor forgets anything, and after a standstill only how it stands now is told.

use chrono::{DateTime, Utc};

use super::{Commit, audience};
use crate::domain::audit::Actor;
use crate::domain::contacts::Asker;
use crate::domain::ids::{OutageId, UserId};
use crate::domain::notice::{About, Recipient, once_each};
use crate::domain::organisation::Organisation;
use crate::domain::outage::Outage;
use crate::domain::outage::maintenance::Due;
use crate::flow::core::Core;
use crate::store::StoreError;

/// Does what is due of every outage. One of which it can't be noted holds up no other.
///
/// # Errors
/// The store, of the first that failed; what is due is so still, and what was done stays done.
pub async fn tick(core: &Core) -> Result<(), StoreError> {
    let ids: Vec<OutageId> = core.view().outages.keys().copied().collect();
    let mut all = Ok(());
    for id in ids {
        let one = tick_one(core, id).await;
        all = all.and(one);
    }
    all
}

async fn tick_one(core: &Core, id: OutageId) -> Result<(), StoreError> {
    let turn = core.turn().await;
    let (view, policy, now) = (core.view(), core.settings(), core.now());
    let Some(before) = view.outages.get(&id) else { return Ok(()) };
    let policy = &policy.outages;
    let step = |outage, action| Commit {
        before: Some(before),
        outage,
        by: &Actor::System,
        why: None,
        action,
        by_telling: None,
        now,
        held: None,
        hushes: Vec::new(),
    };
    if let Some(due) = before.due(&policy.remind, now) {
        let after = before.by_clock(due, now);
        let recipients = audience(core, &after, now).recipients();
        step(&after, action(due)).carry_out(core, &turn, vec![(About::Word, recipients)]).await?;
    } else if let Some(number) = before.nag_due(&policy.nag, now) {
        let after = before.nagged(number);
        let recipients = answerable(core, &view.organisation, before, number, now);
        let silent = before.updates.last().map_or(0, |last| (now - last.at).num_minutes());
        let about = About::Silence(u32::try_from(silent).unwrap_or(u32::MAX));
        // With nobody to ask it is done all the same: asked again in a minute there would be nobody, either.
        let told = if recipients.is_empty() {
            tracing::error!(
                outage = id.0,
                "Nobody can be asked about an outage that nothing is said of: no contact for {} counts",
                policy.nag_role
            );
            Vec::new()
        } else {
            vec![(about, recipients)]
        };
        step(&after, "outage pointed out").carry_out(core, &turn, told).await?;
    }
    Ok(())
}

/// When the clock brings something next, after `now`.
pub fn next(core: &Core, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (view, settings) = (core.view(), core.settings());
    let policy = &settings.outages;
    let of = |outage: &Outage| [outage.next_due(&policy.remind, now), outage.next_nag(&policy.nag)];
    view.outages.values().flat_map(of).flatten().filter(|at| *at > now).min()
}

fn action(due: Due) -> &'static str {
    match due {
        Due::Remind(_) => "maintenance reminded",
        Due::Start => "maintenance started",
        Due::Complete => "maintenance completed",
        Due::Overdue => "maintenance overdue",
    }
}

/// Who is asked about an incident: whoever opened it, and from the second time on, or when that is nobody known or they are away, the
/// role, too.
pub(super) fn answerable(
    core: &Core,
    organisation: &Organisation,
    outage: &Outage,
    number: u32,
    now: DateTime<Utc>,
) -> Vec<Recipient> {
    let opener = outage.updates.first().and_then(|first| user(organisation, &first.by, now));
    let role = &core.settings().outages.nag_role;
    let there = opener.as_ref().is_some_and(|(_, id)| organisation.absence_of(*id, now).is_none());
    let others =
        if !there || number > 1 { core.recipients(&role.0, &Asker::Organisation) } else { Vec::new() };
    once_each(opener.map(|(recipient, _)| recipient).into_iter().chain(others))
}

/// The user of a directory whose account is called like that of this machine, if they can be written to.
fn user(organisation: &Organisation, actor: &Actor, now: DateTime<Utc>) -> Option<(Recipient, UserId)> {
    let Actor::Local { name, .. } = actor else { return None };
    let user = organisation.find_user(name).ok()?;
    let same = user.account().eq_ignore_ascii_case(name) && user.is_active(now);
    let mail = user.address().filter(|_| same)?;
    let recipient = Recipient::by_mail(user.name(), mail, "whoever opened the outage");
    Some((Recipient { user: Some(user.id), ..recipient }, user.id))
}
