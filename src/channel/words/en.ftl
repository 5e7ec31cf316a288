# What notices say in English. Each message stands in every language, with the same variables; a test sees to that.
# In names of variables: at is a time, day and days are days, n is how many.

## All notices

label-alert = Alert
label-warning = Warning
label-reminder = Reminder
label-recovery = Recovery
label-test = Test
label-contacts = Contacts
label-covered = All covered
what-to-do = What to do:
footer = You get this as { $why } of { $organisation }. Sent by Budkavle.
list = { $first } and { $last }
span = { $from } to { $until }
span-times = { $from } to { $until }
nobody = nobody
you = you
only = only { $people }
person-deputy = { $name } (deputy for { $absent })
count-units = { $n ->
    [one] 1 unit
   *[other] { $n } units
}
count-people = { $n ->
    [one] 1 person
   *[other] { $n } people
}
span-minutes = { $n ->
    [one] 1 minute
   *[other] { $n } minutes
}
span-hours = { $n ->
    [one] 1 hour
   *[other] { $n } hours
}
span-days = { $n ->
    [one] 1 day
   *[other] { $n } days
}

## Roles: as what somebody is, and what each is for

role-other = { $role } contact
role-local = local contact
role-global = global contact
role-outage = outage contact
role-ad-sync = AD-sync contact
role-account-manager = account manager
role-support = support contact
role-login = sign-in contact
role-report = report contact
role-system-owner = system owner
role-superuser = superuser
role-password-helper = password helper
role-remote-access = contact for remote access
role-message-reader = message reader
title-local = local contact: whom a user turns to first
title-global = global contact: responsible for the whole organisation
title-outage = outage contact: is told of outages
title-ad-sync = AD-sync contact: is told when a directory's sync fails
title-account-manager = account manager: the vendor's person for licences and contracts
title-support = support contact: entitled to turn to the vendor's support
title-login = sign-in contact: for trouble signing in
title-report = report contact: answers for one report or system
title-system-owner = system owner: has the responsibility for the system
title-superuser = superuser: helps colleagues with the system
title-password-helper = password helper: resets passwords and creates identities on own units
title-remote-access = remote access: can open the vendor's remote connection
title-message-reader = message reader: reads what nobody read

## Why somebody gets a notice: after "You get this as"

why-new = new { $role }
why-former = former { $role }
why-no-owner = { $role } (there is no system owner)
why-several = contact in several roles
why-could = somebody who could be contact
why-test = recipient of a test
why-unknown = recipient
why-outage-of = outage contact for { $about }
why-depends = { $why } (it depends on { $on })
why-owner = contact of { $unit } (owner of { $service })
why-for-owner = { $role } in place of { $unit } (owner of { $service })
why-named = somebody who is told of this outage
why-always = somebody who is told of all outages
why-opened = whoever opened the outage

## Why somebody doesn't answer: after their name and a colon

skip-away = away until { $day }
skip-deputy = { $why }; deputy { $name }: { $reason }
skip-expired = account expired { $day }
skip-ended = ended { $day }
skip-not-yet = from { $day }
skip-moved = moved to { $unit }
skip-disabled = disabled
skip-gone = no longer in the directory
skip-no-address = no mail address
skip-you = is you
skip-directory = for another directory
skip-subject = for another report or system

## Outages and maintenance

outage-subject = Outage { $id }: { $title }
outage-number = outage { $id }
outage-silent-subject = Not a word for long on outage { $id }: { $title }
maintenance-subject = Maintenance { $id }: { $title }
maintenance-number = maintenance { $id }
maintenance-silent-subject = Not a word for long on maintenance { $id }: { $title }
label-outage = Outage
label-outage-resolved = Outage resolved
label-maintenance-planned = Maintenance planned
label-maintenance-soon = Maintenance soon
label-maintenance-started = Maintenance under way
label-maintenance-completed = Maintenance completed
label-maintenance-cancelled = Maintenance cancelled
state-investigating = investigating
state-identified = identified
state-monitoring = monitoring
state-resolved = resolved
state-planned = planned
state-reminded = soon
state-started = under way
state-completed = completed
state-cancelled = cancelled
severity-minor = minor
severity-major = major
severity-critical = critical
outage-services = Services: { $names }
outage-dependent = Depending on them: { $names }
outage-units = Units: { $names }
outage-earlier = { $n ->
    [one] 1 earlier update isn't repeated here.
   *[other] { $n } earlier updates aren't repeated here.
}
outage-corrected = What was said before has been corrected.
outage-corrected-what = What was said before has been corrected: { $what }.
corrected-text = the word of { $at }
corrected-title = the title
corrected-severity = the severity
corrected-services = the services
corrected-units = the units
outage-left = What was said before has been corrected: this outage isn't one that concerns you. Nothing more is told to you of it.
maintenance-left = What was said before has been corrected: this maintenance isn't one that concerns you. Nothing more is told to you of it.
outage-silent = Nothing has been said of it for { $span }, and it is still open. Those who were told of it wait for a word: `{ $update }`, or, when it is over: `{ $end }`
update-now = Now { $state }.
update-moved = It has been moved.
update-moved-from = It has been moved; before, it was { $from } to { $until }.
update-reminder = This is a reminder.
update-begun = It has begun.
update-done = It is done.
update-done-planned = It is done, as planned.
update-cancelled = It is cancelled.
update-late = It should have been done by now, and isn't yet: it takes longer than planned.
heartbeat-missing = No sign of life from { $title }
heartbeat-last = { $title } should give a sign of life every { $every }. The last one came { $time }.
heartbeat-none = { $title } should give a sign of life every { $every }. None has come since { $time }, when it was first waited for.
heartbeat-back = A sign of life has come from { $title }. The one before came { $time }.
heartbeat-first = A sign of life has come from { $title }. There had been none before.
feed-gone = The feed { $name } doesn't list it any more.
calendar-summary = Maintenance: { $title }

## The sync of a directory

sync-failing = Directory sync of { $directory } is failing
sync-stale = Directory data of { $directory } is getting old
sync-held = Directory sync of { $directory } waits for your approval
sync-failed-once = The last sync failed:
sync-failed-often = The last { $n } syncs in a row failed. The last error:
sync-stale-what = No sync has ended well for longer than the configuration allows.
sync-held-what = The last sync would have removed or changed more than passes without a person's word:
sync-meanwhile = Until then the data of { $at } stays in force: contacts are found and notices are sent as before.
sync-meanwhile-none = No sync has ended well yet, so there is no data from before to go by.
sync-reminder = This is reminder { $n }; it was first told { $at }.
sync-would = It would remove or change:
sync-more = and { $n } more
sync-todo-list = See the whole list: `{ $command }`
sync-todo-approve = If it is right: `{ $command }`
sync-todo-reject = If it isn't: `{ $command }`, and mend the directory or the account's rights
sync-todo-check = See what works and what doesn't: `{ $command }`
sync-todo-try = When it is mended, try at once: `{ $command }`
sync-todo-history = See the runs so far: `{ $command }`
object-user = user
object-unit = unit
object-group = group
object-add = add { $kind } { $name }
object-change = change { $kind } { $name }
object-remove = remove { $kind } { $name }
held-too-many = { $removed } of { $of } { $kind } would { $fate }; up to { $count } and { $percent } % pass without approval
held-all = all { $kind } ({ $of }) would { $fate }
held-scope = { $removed ->
    [one] the configured base or filter has changed since the last run, and 1 user, unit or group would be lost
   *[other] the configured base or filter has changed since the last run, and { $removed } users, units and groups would be lost
}
held-undone = { $changes ->
    [one] 1 change of run { $run }, which was undone, would be made again
   *[other] { $changes } changes of run { $run }, which was undone, would be made again
}
held-gradually = { $kind }: { $removed } more would be lost after { $before } within a day, of { $of }; up to { $count } and { $percent } % pass without approval
kind-users = users
kind-units = units
kind-memberships = group memberships
kind-holders = holders of a contact role
kind-mails = users with a mail address
kind-phones = users with a phone
kind-moves = users in units
kind-absences = users with an absence
fate-users = be lost (gone, disabled or without a mail address)
fate-holders = be lost (gone, disabled, without a mail address, or no longer in the role)
fate-lost = be lost
fate-mails = get another mail address
fate-phones = get other phone numbers, or lose them
fate-moves = move to another unit
fate-absences = no longer have one
recovered-subject = Directory sync of { $directory } is well again
recovered-heading = The sync of the directory { $directory } is well again
recovered-failing = It was failing. That was first told { $since }.
recovered-stale = Its data was getting old. That was first told { $since }.
recovered-held = A run was waiting for approval. That was first told { $since }.
recovered-at = A sync ended well { $at }. Nothing needs to be done.

## What ends on a day

ending-subject-password = Directory { $directory }: the password of the account that reads it { $when }
ending-subject-account = Directory { $directory }: the account that reads it { $when }
ending-subject-server = Directory { $directory }: the certificate of its server { $when }
ending-subject-client = Directory { $directory }: the certificate that reads it { $when }
ending-heading-password = The password of the account that reads the directory { $directory } { $when }
ending-heading-account = The account that reads the directory { $directory } { $when }
ending-heading-server = The server certificate of the directory { $directory } { $when }
ending-heading-client = The certificate that reads the directory { $directory } { $when }
ending-over = has ended
ending-soon = { $days ->
    [0] ends within a day
    [one] ends in 1 day
   *[other] ends in { $days } days
}
ending-day = Whose: { $about }. The day: { $at }.
ending-todo-password = Set a new password and give it to Budkavle, or let it never expire.
ending-todo-account = Have the account extended: whoever administers the directory can extend it.
ending-todo-server = Have the certificate renewed.
ending-todo-client = Renew the certificate that Budkavle signs in with.
ending-without = Without it the directory { $directory } can't be read, and its data stays as it is.

## The store

rebuilt-title = Budkavle's store was damaged and has been rebuilt
rebuilt-noticed = What was noticed: { $damage }.
rebuilt-from = It was rebuilt from the export of { $at }, and a full sync follows. What was entered after that time (assignments, absences, outages) may be missing, and notices that were sent since may come again: please look.
rebuilt-empty = There was no usable export, so it begins empty, and a full sync follows. Assignments, absences, open outages and unsent notices are missing: restore a backup with `{ $command }`, or enter them again.
rebuilt-aside = The damaged store was put aside as { $aside }. Have the disk checked.

## Tests

label-together = Several messages
together-heading = { $n } messages
together-subject = { $n } messages: { $what }
test-subject = Test message from Budkavle
test-heading = What Budkavle sends arrives
test-line = { $by } asked for this test message { $at }.

## Channels, and what didn't arrive

channel-broken = Notices can't leave by the channel { $channel }
channel-broken-since = Since { $since } it works for nobody: { $reason }
channel-broken-meanwhile = Its messages wait in the outbox and are sent when it works again; those that wait too long are given up. Other channels aren't affected.
channel-broken-todo = What waits: `{ $status }`. When it is mended: `{ $check }`
channel-works = Notices leave by the channel { $channel } again
channel-works-since = It hadn't worked since { $since }; { $at } something was accepted again. What waited is sent now.
undelivered = { $n ->
    [one] A notice didn't arrive
   *[other] { $n } notices didn't arrive
}
undelivered-one = Message { $message } by { $channel } to { $to } ({ $about }) is { $state }: { $answer }
message-failed = refused
message-expired = given up
about-covered = { $period } is covered
about-gaps = { $n ->
    [one] { $period } isn't covered in one place
   *[other] { $period } isn't covered in { $n } places
}
about-ending = something that the directory { $directory } needs ends
about-climbed = nobody has it: { $about }
about-lasting = { $n ->
    [one] 1 small thing that lasts
   *[other] { $n } small things that last
}
about-subscribe = whether somebody wants to be told of outages
undelivered-more = … and { $n } more: `{ $command }`
undelivered-todo = Mend the address or the channel, and send it again: `{ $command }`

## Coverage

period-summer = summer
period-christmas = Christmas
coverage-all = Covered: { $period } ({ $days })
coverage-gaps = { $n ->
    [one] Not covered in one place: { $period } ({ $days })
   *[other] Not covered in { $n } places: { $period } ({ $days })
}
coverage-organisation = the whole organisation
coverage-gap = { $role } for { $unit }: at least { $minimum }
coverage-gap-below = { $n ->
    [one] { $role } for { $unit } and 1 unit below: at least { $minimum }
   *[other] { $role } for { $unit } and { $n } units below: at least { $minimum }
}
coverage-more-days = { $n ->
    [one] and 1 more run of days
   *[other] and { $n } more runs of days
}
coverage-could = Who is there on these days: { $people }
coverage-more = { $n ->
    [one] and 1 more place
   *[other] and { $n } more places
}
coverage-todo-deputy = Name a deputy for whoever is away: `{ $list }` shows the absences, and `{ $option }` names one.
coverage-todo-assign = Or assign somebody for these days, as the commands above do.
coverage-calendar = See every day in a calendar: `{ $command }`
coverage-enough = Enough people are there everywhere, on every day. Nothing needs to be done.

## Other contacts

news-changed = Contacts have changed
news-several-new = You are now contact in more roles
news-several-former = You are no longer contact in some roles
news-both = What you are contact for has changed
news-units = { $n ->
    [one] A unit of yours has another contact
   *[other] Units of yours have other contacts
}
news-new-subject = You are now { $role } for { $units }
news-former-subject = You are no longer { $role } for { $units }
news-new = You are now { $role } for { $units } with { $people }
news-new-deputy = You are now { $role } for { $units } with { $people }, as deputy for { $absent }
news-former = You are no longer { $role } for { $units } with { $people }
news-owner = Somebody else is now { $role } for { $units } with { $people }
news-before-now = Before: { $before }. Now: { $after }.
news-instead = Instead: { $role }.
news-instead-people = Instead: { $people } ({ $role }).
news-why = Why: { $reasons }.
news-more = { $n ->
    [one] and 1 more change
   *[other] and { $n } more changes
}
news-todo-tell = If it isn't right, tell whoever administers contacts in your organisation.
news-todo-changes = For them, with what changed, when and by what: `{ $command }`
lost-disabled = the account of { $name } is disabled
lost-expired = the account of { $name } has expired
lost-gone = { $name } is no longer in the directory
lost-no-address = { $name } has no mail address
lost-away = { $name } is away until { $day }
lost-moved = { $name } moved to { $unit }
lost-ended = the time of { $name } has ended
lost-elsewhere = { $name } answers for something else
change-revoked = { $name } doesn't hold the role there any more
change-gained = { $name } answers now
change-unit-moved = the unit has another place
change-user-moved = they moved to another unit
units-below = { $n ->
    [one] { $path }, and 1 unit below it
   *[other] { $path }, and { $n } units below it
}
units-more = { $n ->
    [one] and 1 more unit
   *[other] and { $n } more units
}
summary-title = { $n ->
    [one] 1 unit got other contacts
   *[other] { $n } units got other contacts
}
summary-intro = Since { $since } { $units } with { $people } got other contacts. So many would have been told: { $told }. That is more than { $key } allows, so this mail goes instead, and none of them got one.
summary-role = { $role }: { $units }, { $people }
summary-without = { $n ->
    [one] 1 of them has nobody in this role now
   *[other] { $n } of them have nobody in this role now
}
summary-todo-changes = See every change and why: `{ $command }`
summary-todo-orphans = See what nobody answers for: `{ $command }`
summary-todo-digest = If it was meant, tell those concerned in your own way; `{ $command }` tells one of them what they are contact for.

## What somebody is contact for

duties-title = What you are contact for
duties-title-theirs = What somebody is contact for
duties-none = You aren't contact for anything
duty-everywhere = { $role }: for the whole organisation
duty-place = { $role }, { $place }
duty-units = { $role }: { $units }, { $people }
duty-skipped = You don't answer there now: { $reason }.
duty-deputy = You are away, and { $deputy } stands in for you.
duty-beside = Contact beside you: { $people }.
duty-above = Above you: { $people }.
duty-above-role = Above you ({ $role }): { $people }.
duties-more = { $n ->
    [one] and 1 more role
   *[other] and { $n } more roles
}
duties-away-deputy = You are away { $days }: { $deputy } is your deputy.
duties-away = You are away { $days }: nobody is named as deputy.
duties-without-deputy = Without a deputy, those answer who are named above: whoever is contact beside you, or else above you.
duties-no-absence = No absence of yours is planned.
duties-stands-in = You are deputy for { $name } { $days }.
duties-turns-to = You turn to { $people } yourself.
duties-todo-tell = If it isn't right, or you will be away, tell whoever administers contacts in your organisation.
duties-todo-command = For them: `{ $command }`

## Taking on what asks for it

climbed = Nobody has taken this on since { $at }. It went to { $people } before, and comes to you now.
take-on-link = If you take this on, say so here, and nobody else is told: { $link }
take-on-command = If you take this on, say so, and nobody else is told: `{ $command }`
brief-take-on = Take it on: { $how }
unsubscribe = You asked for these mails. If you want no more of them: { $link }
why-deputy = deputy for { $absent }

## Pages that links lead to

page-take-on-title = Take it on
page-take-on = Whoever was told after you isn't told any more once you have it. Nothing happens before you press the button.
page-take-on-button = I have it
page-taken-title = You have it
page-taken = Nobody else is told from now on. Thank you.
page-taken-before-title = Somebody has it
page-taken-before = { $by } has it since { $at }. You needn't do anything.
page-over-title = It is over
page-over = What this was about is over. You needn't do anything.
page-bad-title = This link doesn't work
page-bad = It isn't whole. Copy all of it from the mail.
page-expired-title = This link has expired
page-expired = Its time is over. If the matter isn't, whoever sent it can be asked.
page-failed-title = Something went wrong
page-failed = Please try again in a few minutes.

## What lasts though it is too small to alert

quarantine-title = Many more objects of the directory { $directory } can't be read
quarantine-what = { $n ->
    [one] 1 object
   *[other] { $n } objects
} of the directory { $directory } can't be read and { $n ->
    [one] is
   *[other] are
} set aside.
quarantine-before = { $n ->
    [0] When it was last looked or told there was none.
    [one] When it was last looked or told there was 1.
   *[other] When it was last looked or told there were { $n }.
}
quarantine-stays = What was known of them stays in force; whoever is new isn't known. Mostly something was changed in the directory, or the configuration says something else of it.
quarantine-some = Of those that are new:
quarantine-all = All of them, with what is wrong: `{ $command }`
quarantine-over-title = The objects of the directory { $directory } can be read again
quarantine-over-what = { $n ->
    [0] None is set aside any more.
    [one] 1 is still set aside.
   *[other] { $n } are still set aside.
}
quarantine-over-since = That there were many more was first told { $at }. Nothing needs to be done.
lasting-title = { $n ->
    [one] 1 small thing has lasted for a day
   *[other] { $n } small things have lasted for a day
}
lasting-failing = The sync of the directory { $directory } fails now and then: { $error }
lasting-quarantined = { $n ->
    [one] 1 object
   *[other] { $n } objects
} of the directory { $directory } can't be read and { $n ->
    [one] is
   *[other] are
} set aside in each sync: `budkavle sync show RUN --quarantined`
lasting-undone = { $n ->
    [one] 1 run
   *[other] { $n } runs
} of the directory { $directory } { $n ->
    [one] is
   *[other] are
} undone, and what { $n ->
    [one] it
   *[other] they
} wanted is held back
lasting-misplaced = { $n ->
    [one] 1 unit hangs
   *[other] { $n } units hang
} under the root, since the unit above isn't known
lasting-no-group = The configuration names the group { $group }, which no directory has
lasting-since = { $what } (since { $at })
lasting-more = … and { $n } more
lasting-look = All of it: `{ $command }`

## Who outside wants to be told of outages

label-subscribe = Subscription
subscribe-title = Outage notices: please confirm
subscribe-text = Somebody, probably you, wants you to be told of outages by mail. If you don't want that, do nothing: you won't hear of it again.
subscribe-confirm = If you want it, say so here: { $link }
why-subscriber = subscriber
page-confirm-title = Outage notices
page-confirm = Do you want to be told of outages at { $mail }?
page-confirm-button = Yes, tell me
page-confirmed-title = You are told from now on
page-confirmed = Each mail has a link by which it stops.
page-unsubscribe-title = No more mails?
page-unsubscribe = { $mail } isn't told of outages any more once you press the button.
page-unsubscribe-button = No more mails
page-unsubscribed-title = You get no more mails
page-unsubscribed = Nobody needs to do anything else.
page-subscribe-title = Be told of outages
page-subscribe = Give your address. You get a mail there, with a link by which you confirm that you want it.
page-subscribe-field = Your mail address
page-subscribe-button = Send the mail
page-subscribe-sent-title = Look into your mail
page-subscribe-sent = If the address is right and isn't subscribed yet, a mail is on its way to it. Without the link in it nothing more happens.
page-no-address-title = That is no mail address
page-too-many-title = Too many ask at once
