# Norwegian nynorsk, in its own words and not bokmål with other endings. The reader is "du".

## All notices

label-alert = Varsel
label-warning = Åtvaring
label-reminder = Påminning
label-recovery = I orden att
label-test = Test
label-contacts = Kontaktar
label-covered = Alt er bemanna
what-to-do = Gjer dette:
footer = Du får dette som { $why } i { $organisation }. Sendt av Budkavle.
list = { $first } og { $last }
span = { $from } til { $until }
span-times = { $from } til { $until }
nobody = ingen
you = du
only = berre { $people }
person-deputy = { $name } (vikar for { $absent })
count-units = { $n ->
    [one] 1 eining
   *[other] { $n } einingar
}
count-people = { $n ->
    [one] 1 person
   *[other] { $n } personar
}
span-minutes = { $n ->
    [one] 1 minutt
   *[other] { $n } minutt
}
span-hours = { $n ->
    [one] 1 time
   *[other] { $n } timar
}
span-days = { $n ->
    [one] 1 dag
   *[other] { $n } dagar
}

## Roles: as what somebody is, and what each is for

role-other = kontakt for { $role }
role-local = lokal kontakt
role-global = overordna kontakt
role-outage = kontakt for driftsavbrot
role-ad-sync = kontakt for AD-synkronisering
role-account-manager = kundeansvarleg
role-support = supportkontakt
role-login = påloggingskontakt
role-report = rapportkontakt
role-system-owner = systemeigar
role-superuser = superbrukar
role-password-helper = passordhjelpar
role-remote-access = kontakt for fjerntilgang
role-message-reader = meldingslesar
title-local = lokal kontakt: den brukarane vender seg til først
title-global = overordna kontakt: har ansvar for heile organisasjonen
title-outage = kontakt for driftsavbrot: får melding når noko er nede
title-ad-sync = kontakt for AD-synkronisering: får melding når synkroniseringa av ein katalog mislukkast
title-account-manager = kundeansvarleg: personen hos leverandøren for lisensar og avtalar
title-support = supportkontakt: har rett til å vende seg til brukarstøtta hos leverandøren
title-login = påloggingskontakt: hjelper når det ikkje går an å logge på
title-report = rapportkontakt: svarar for ein rapport eller eit system
title-system-owner = systemeigar: har ansvar for systemet
title-superuser = superbrukar: hjelper kollegaer med systemet
title-password-helper = passordhjelpar: tilbakestiller passord og opprettar identitetar på eigne einingar
title-remote-access = fjerntilgang: kan opne fjerntilkoplinga til leverandøren
title-message-reader = meldingslesar: les det ingen andre har lese

## Why somebody gets a notice: after "Du får dette som"

why-new = ny { $role }
why-former = tidlegare { $role }
why-no-owner = { $role } (det finst ingen systemeigar)
why-several = kontakt i fleire roller
why-could = ein som kan bli kontakt
why-test = mottakar av ein test
why-unknown = mottakar
why-outage-of = kontakt for driftsavbrot i { $about }
why-depends = { $why } (avheng av { $on })
why-owner = kontakt for { $unit } (eigar av { $service })
why-for-owner = { $role } i staden for { $unit } (eigar av { $service })
why-named = ein som skal få melding om dette driftsavbrotet
why-always = ein som får melding om alle driftsavbrot
why-opened = den som melde frå om driftsavbrotet

## Why somebody doesn't answer: after their name and a colon

skip-away = borte til { $day }
skip-deputy = { $why }; vikaren { $name }: { $reason }
skip-expired = kontoen gjekk ut { $day }
skip-ended = tok slutt { $day }
skip-not-yet = frå { $day }
skip-moved = har flytta til { $unit }
skip-disabled = kontoen er deaktivert
skip-gone = finst ikkje lenger i katalogen
skip-no-address = manglar e-postadresse
skip-you = deg sjølv
skip-directory = for ein annan katalog
skip-subject = for ein annan rapport eller eit anna system

## Outages and maintenance

outage-subject = Driftsavbrot { $id }: { $title }
outage-number = driftsavbrot { $id }
outage-silent-subject = Lenge utan nytt om driftsavbrot { $id }: { $title }
maintenance-subject = Vedlikehald { $id }: { $title }
maintenance-number = vedlikehald { $id }
maintenance-silent-subject = Lenge utan nytt om vedlikehald { $id }: { $title }
label-outage = Driftsavbrot
label-outage-resolved = Driftsavbrotet er løyst
label-maintenance-planned = Planlagt vedlikehald
label-maintenance-soon = Vedlikehald tek til snart
label-maintenance-started = Vedlikehald er i gang
label-maintenance-completed = Vedlikehaldet er ferdig
label-maintenance-cancelled = Vedlikehaldet er avlyst
state-investigating = blir undersøkt
state-identified = årsaka er kjend
state-monitoring = blir overvaka
state-resolved = løyst
state-planned = planlagt
state-reminded = tek til snart
state-started = i gang
state-completed = ferdig
state-cancelled = avlyst
severity-minor = mindre
severity-major = alvorleg
severity-critical = kritisk
outage-services = Tenester: { $names }
outage-dependent = Tenester som avheng av dei: { $names }
outage-units = Einingar: { $names }
outage-earlier = { $n ->
    [one] 1 tidlegare oppdatering er ikkje teken med her.
   *[other] { $n } tidlegare oppdateringar er ikkje tekne med her.
}
outage-corrected = Det som vart sagt tidlegare, er retta.
outage-corrected-what = Det som vart sagt tidlegare, er retta: { $what }.
corrected-text = meldinga frå { $at }
corrected-title = tittelen
corrected-severity = alvorsgraden
corrected-services = tenestene
corrected-units = einingane
outage-left = Det som vart sagt tidlegare, er retta: dette driftsavbrotet gjeld ikkje deg. Du får ikkje fleire meldingar om det.
maintenance-left = Det som vart sagt tidlegare, er retta: dette vedlikehaldet gjeld ikkje deg. Du får ikkje fleire meldingar om det.
outage-silent = Ingenting er sagt om dette på { $span }, og det er framleis ope. Dei som fekk melding om det, ventar på ei oppdatering: `{ $update }`, eller når det er over: `{ $end }`
update-now = Status no: { $state }.
update-moved = Tidspunktet er endra.
update-moved-from = Tidspunktet er endra; før var det { $from } til { $until }.
update-reminder = Dette er ei påminning.
update-begun = Det har teke til.
update-done = Det er ferdig.
update-done-planned = Det er ferdig, som planlagt.
update-cancelled = Det er avlyst.
update-late = Det skulle ha vore ferdig no, men er det ikkje: det tek lengre tid enn planlagt.
heartbeat-missing = Ikkje noko livsteikn frå { $title }
heartbeat-last = { $title } skal gje minst eitt livsteikn på { $every }. Det siste kom { $time }.
heartbeat-none = { $title } skal gje minst eitt livsteikn på { $every }. Ingen har kome sidan overvakinga tok til { $time }.
heartbeat-back = Det har kome eit livsteikn frå { $title }. Det førre kom { $time }.
heartbeat-first = Det har kome eit livsteikn frå { $title }. Det kom ingen før det.
feed-gone = Kjelda { $name } har det ikkje lenger i lista si.
calendar-summary = Vedlikehald: { $title }

## The sync of a directory

sync-failing = Synkroniseringa av katalogen { $directory } mislukkast
sync-stale = Dataa frå katalogen { $directory } tek til å bli gamle
sync-held = Synkroniseringa av katalogen { $directory } ventar på at du godkjenner
sync-failed-once = Den siste synkroniseringa mislukkast:
sync-failed-often = Dei siste { $n } synkroniseringane på rad har mislukkast. Den siste feilen:
sync-stale-what = Inga synkronisering har lukkast på lengre tid enn konfigurasjonen tillèt.
sync-held-what = Den siste synkroniseringa ville ha fjerna eller endra meir enn det som slepp gjennom utan at nokon godkjenner det:
sync-meanwhile = Inntil vidare gjeld dataa frå { $at }: kontaktar blir funne og meldingar blir sende som før.
sync-meanwhile-none = Inga synkronisering har lukkast enno, så det finst ingen tidlegare data å gå ut frå.
sync-reminder = Dette er påminning { $n }; det vart meldt første gong { $at }.
sync-would = Ho ville fjerne eller endre:
sync-more = og { $n } til
sync-todo-list = Sjå heile lista: `{ $command }`
sync-todo-approve = Om det stemmer: `{ $command }`
sync-todo-reject = Om det ikkje stemmer: `{ $command }`, og rett opp katalogen eller rettane til kontoen
sync-todo-check = Sjå kva som verkar og ikkje: `{ $command }`
sync-todo-try = Når feilen er retta, prøv med ein gong: `{ $command }`
sync-todo-history = Sjå køyringane så langt: `{ $command }`
object-user = brukaren
object-unit = eininga
object-group = gruppa
object-add = leggje til { $kind } { $name }
object-change = endre { $kind } { $name }
object-remove = fjerne { $kind } { $name }
held-too-many = { $removed } av { $of } { $kind } ville { $fate }; inntil { $count } og { $percent } % slepp gjennom utan godkjenning
held-all = alle { $kind } ({ $of }) ville { $fate }
held-scope = { $removed ->
    [one] den konfigurerte basen eller filteret er endra sidan førre køyring, og 1 brukar, eining eller gruppe ville forsvinne
   *[other] den konfigurerte basen eller filteret er endra sidan førre køyring, og { $removed } brukarar, einingar og grupper ville forsvinne
}
held-undone = { $changes ->
    [one] 1 endring frå køyring { $run }, som er angra, ville bli gjord på nytt
   *[other] { $changes } endringar frå køyring { $run }, som er angra, ville bli gjorde på nytt
}
held-gradually = { $kind }: { $removed } til ville forsvinne etter { $before } innan eit døgn, av { $of }; inntil { $count } og { $percent } % slepp gjennom utan godkjenning
kind-users = brukarar
kind-units = einingar
kind-memberships = gruppemedlemskap
kind-holders = innehavarar av ei kontaktrolle
kind-mails = brukarar med e-postadresse
kind-phones = brukarar med telefon
kind-moves = brukarar i einingar
kind-absences = brukarar med fråvær
fate-users = forsvinne (borte, deaktiverte eller utan e-postadresse)
fate-holders = forsvinne (borte, deaktiverte, utan e-postadresse eller ikkje lenger i rolla)
fate-lost = forsvinne
fate-mails = få ei anna e-postadresse
fate-phones = få andre telefonnummer eller miste dei
fate-moves = flytte til ei anna eining
fate-absences = ikkje lenger ha noko
recovered-subject = Synkroniseringa av katalogen { $directory } verkar att
recovered-heading = Synkroniseringa av katalogen { $directory } verkar att
recovered-failing = Ho mislukkast. Det vart meldt første gong { $since }.
recovered-stale = Dataa tok til å bli gamle. Det vart meldt første gong { $since }.
recovered-held = Ei køyring venta på godkjenning. Det vart meldt første gong { $since }.
recovered-at = Ei synkronisering lukkast { $at }. Du treng ikkje gjere noko.

## What ends on a day

ending-subject-password = Katalogen { $directory }: passordet til kontoen som les han, { $when }
ending-subject-account = Katalogen { $directory }: kontoen som les han, { $when }
ending-subject-server = Katalogen { $directory }: sertifikatet til tenaren { $when }
ending-subject-client = Katalogen { $directory }: sertifikatet som les han, { $when }
ending-heading-password = Passordet til kontoen som les katalogen { $directory }, { $when }
ending-heading-account = Kontoen som les katalogen { $directory }, { $when }
ending-heading-server = Tenarsertifikatet for katalogen { $directory } { $when }
ending-heading-client = Sertifikatet som les katalogen { $directory }, { $when }
ending-over = har gått ut
ending-soon = { $days ->
    [0] går ut innan eit døgn
    [one] går ut om 1 dag
   *[other] går ut om { $days } dagar
}
ending-day = Det gjeld: { $about }. Dagen: { $at }.
ending-todo-password = Set eit nytt passord og gi det til Budkavle, eller la det aldri gå ut.
ending-todo-account = Få kontoen forlengd: den som administrerer katalogen, kan gjere det.
ending-todo-server = Få sertifikatet fornya.
ending-todo-client = Forny sertifikatet som Budkavle loggar på med.
ending-without = Utan det kan ikkje katalogen { $directory } bli lesen, og dataa blir som dei er.

## The store

rebuilt-title = Datalageret til Budkavle var skadd og er bygd opp på nytt
rebuilt-noticed = Dette vart oppdaga: { $damage }.
rebuilt-from = Det er bygd opp frå eksporten { $at }, og ei full synkronisering følgjer. Det som vart lagt inn etterpå (tildelingar, fråvær, driftsavbrot), kan mangle, og meldingar som er sende sidan, kan kome på nytt: sjå etter.
rebuilt-empty = Det fanst ingen brukande eksport, så det tek til tomt, og ei full synkronisering følgjer. Tildelingar, fråvær, opne driftsavbrot og usende meldingar manglar: legg tilbake ein tryggingskopi med `{ $command }`, eller legg dei inn på nytt.
rebuilt-aside = Det skadde datalageret er lagt til side som { $aside }. Få disken kontrollert.

## Tests

label-together = Fleire meldingar
together-heading = { $n } meldingar
together-subject = { $n } meldingar: { $what }
test-subject = Testmelding frå Budkavle
test-heading = Det Budkavle sender, kjem fram
test-line = { $by } bad om denne testmeldinga { $at }.

## Channels, and what didn't arrive

channel-broken = Meldingar kan ikkje sendast gjennom kanalen { $channel }
channel-broken-since = Sidan { $since } verkar han ikkje for nokon: { $reason }
channel-broken-meanwhile = Meldingane ventar i utboksen og blir sende når kanalen verkar att; dei som ventar for lenge, blir gitte opp. Andre kanalar er ikkje råka.
channel-broken-todo = Det som ventar: `{ $status }`. Når feilen er retta: `{ $check }`
channel-works = Meldingar går gjennom kanalen { $channel } att
channel-works-since = Han hadde ikkje verka sidan { $since }; { $at } vart noko teke imot att. Det som venta, blir sendt no.
undelivered = { $n ->
    [one] Ei melding kom ikkje fram
   *[other] { $n } meldingar kom ikkje fram
}
undelivered-one = Melding { $message } gjennom { $channel } til { $to } ({ $about }) er { $state }: { $answer }
message-failed = avvist
message-expired = gitt opp
about-covered = bemanna: { $period }
about-gaps = { $n ->
    [one] ikkje bemanna ein stad: { $period }
   *[other] ikkje bemanna { $n } stader: { $period }
}
about-ending = noko som katalogen { $directory } treng, tek slutt
about-climbed = ingen har teke seg av det: { $about }
about-lasting = { $n ->
    [one] 1 liten ting som varer
   *[other] { $n } små ting som varer
}
about-subscribe = om nokon vil ha driftsmeldingar
undelivered-more = … og { $n } til: `{ $command }`
undelivered-todo = Rett adressa eller kanalen og send på nytt: `{ $command }`

## Coverage

period-summer = sommaren
period-christmas = jula
coverage-all = Bemanna: { $period } ({ $days })
coverage-gaps = { $n ->
    [one] Ikkje bemanna ein stad: { $period } ({ $days })
   *[other] Ikkje bemanna { $n } stader: { $period } ({ $days })
}
coverage-organisation = heile organisasjonen
coverage-gap = { $role } for { $unit }: minst { $minimum }
coverage-gap-below = { $n ->
    [one] { $role } for { $unit } og 1 eining under: minst { $minimum }
   *[other] { $role } for { $unit } og { $n } einingar under: minst { $minimum }
}
coverage-more-days = { $n ->
    [one] og 1 periode til
   *[other] og { $n } periodar til
}
coverage-could = Dei som er til stades desse dagane: { $people }
coverage-more = { $n ->
    [one] og 1 stad til
   *[other] og { $n } stader til
}
coverage-todo-deputy = Peik ut ein vikar for den som er borte: `{ $list }` viser fråværet, og `{ $option }` seier kven vikaren er.
coverage-todo-assign = Eller gi nokon rolla desse dagane, slik kommandoane ovanfor gjer.
coverage-calendar = Sjå kvar dag i ein kalender: `{ $command }`
coverage-enough = Det er nok folk til stades overalt, alle dagar. Du treng ikkje gjere noko.

## Other contacts

news-changed = Kontaktar er endra
news-several-new = Du er no kontakt i fleire roller
news-several-former = Du er ikkje lenger kontakt i enkelte av rollene
news-both = Det du er kontakt for, er endra
news-units = { $n ->
    [one] Ei av einingane dine har fått ein annan kontakt
   *[other] Fleire av einingane dine har fått andre kontaktar
}
news-new-subject = Du er no { $role } for { $units }
news-former-subject = Du er ikkje lenger { $role } for { $units }
news-new = Du er no { $role } for { $units } med { $people }
news-new-deputy = Du er no { $role } for { $units } med { $people }, som vikar for { $absent }
news-former = Du er ikkje lenger { $role } for { $units } med { $people }
news-owner = Ein annan er no { $role } for { $units } med { $people }
news-before-now = Før: { $before }. No: { $after }.
news-instead = I staden: { $role }.
news-instead-people = I staden: { $people } ({ $role }).
news-why = Årsak: { $reasons }.
news-more = { $n ->
    [one] og 1 endring til
   *[other] og { $n } endringar til
}
news-todo-tell = Om det ikkje stemmer, sei frå til den som administrerer kontaktar i organisasjonen.
news-todo-changes = Til den personen, med kva som vart endra, når og av kva: `{ $command }`
lost-disabled = kontoen til { $name } er deaktivert
lost-expired = kontoen til { $name } har gått ut
lost-gone = { $name } finst ikkje lenger i katalogen
lost-no-address = { $name } manglar e-postadresse
lost-away = { $name } er borte til { $day }
lost-moved = { $name } har flytta til { $unit }
lost-ended = tida til { $name } er ute
lost-elsewhere = { $name } svarar for noko anna
change-revoked = { $name } har ikkje lenger rolla der
change-gained = { $name } svarar no
change-unit-moved = eininga har ei anna plassering
change-user-moved = dei har flytta til ei anna eining
units-below = { $n ->
    [one] { $path } og 1 eining under
   *[other] { $path } og { $n } einingar under
}
units-more = { $n ->
    [one] og 1 eining til
   *[other] og { $n } einingar til
}
summary-title = { $n ->
    [one] 1 eining har fått andre kontaktar
   *[other] { $n } einingar har fått andre kontaktar
}
summary-intro = Sidan { $since } har { $units } med { $people } fått andre kontaktar. Så mange ville ha fått melding: { $told }. Det er fleire enn { $key } tillèt, så i staden kjem denne meldinga, og ingen av dei har fått noka.
summary-role = { $role }: { $units }, { $people }
summary-without = { $n ->
    [one] 1 av dei har ingen i denne rolla no
   *[other] { $n } av dei har ingen i denne rolla no
}
summary-todo-changes = Sjå kvar endring og kvifor: `{ $command }`
summary-todo-orphans = Sjå kva ingen svarar for: `{ $command }`
summary-todo-digest = Om det var meininga, sei frå på dykkar eigen måte til dei det gjeld; `{ $command }` fortel ein av dei kva vedkomande er kontakt for.

## What somebody is contact for

duties-title = Dette er du kontakt for
duties-title-theirs = Kva nokon er kontakt for
duties-none = Du er ikkje kontakt for noko
duty-everywhere = { $role }: for heile organisasjonen
duty-place = { $role }, { $place }
duty-units = { $role }: { $units }, { $people }
duty-skipped = Du svarar ikkje der no: { $reason }.
duty-deputy = Du er borte, og { $deputy } er vikar for deg.
duty-beside = Kontakt ved sida av deg: { $people }.
duty-above = Over deg: { $people }.
duty-above-role = Over deg ({ $role }): { $people }.
duties-more = { $n ->
    [one] og 1 rolle til
   *[other] og { $n } roller til
}
duties-away-deputy = Du er borte { $days }: { $deputy } er vikar for deg.
duties-away = Du er borte { $days }: ingen er peika ut som vikar.
duties-without-deputy = Utan vikar svarar dei som er nemnde ovanfor: den som er kontakt ved sida av deg, elles den over deg.
duties-no-absence = Du har ikkje noko planlagt fråvær.
duties-stands-in = Du er vikar for { $name } { $days }.
duties-turns-to = Sjølv vender du deg til { $people }.
duties-todo-tell = Om det ikkje stemmer, eller du skal vere borte, sei frå til den som administrerer kontaktar i organisasjonen.
duties-todo-command = Til den personen: `{ $command }`

## Taking on what asks for it

climbed = Ingen har teke seg av dette sidan { $at }. Det gjekk tidlegare til { $people } og kjem no til deg.
take-on-link = Dersom du tek deg av det, sei ifrå her, så får ingen fleire beskjed: { $link }
take-on-command = Dersom du tek deg av det, sei ifrå, så får ingen fleire beskjed: `{ $command }`
brief-take-on = Ta deg av det: { $how }
unsubscribe = Du har bede om desse e-postane. Dersom du ikkje vil ha fleire: { $link }
why-deputy = vikar for { $absent }

## Pages that links lead to

page-take-on-title = Ta deg av det
page-take-on = Når du har teke deg av det, får ingen fleire beskjed. Ingenting skjer før du trykkjer på knappen.
page-take-on-button = Eg tek det
page-taken-title = Du har det
page-taken = Ingen fleire får beskjed frå no av. Takk.
page-taken-before-title = Nokon har det allereie
page-taken-before = { $by } har det sidan { $at }. Du treng ikkje gjere noko.
page-over-title = Det er over
page-over = Det som dette galdt, er over. Du treng ikkje gjere noko.
page-bad-title = Lenkja verkar ikkje
page-bad = Ho er ikkje heil. Kopier heile lenkja frå e-posten.
page-expired-title = Lenkja er gått ut
page-expired = Ho gjeld ikkje lenger. Spør avsendaren dersom saka ikkje er avslutta.
page-failed-title = Noko gjekk gale
page-failed = Prøv igjen om nokre minutt.

## What lasts though it is too small to alert

quarantine-title = Mange fleire objekt i katalogen { $directory } kan ikkje lesast
quarantine-what = { $n } objekt i katalogen { $directory } kan ikkje lesast og blir lagde til side.
quarantine-before = { $n ->
    [0] Sist det vart kontrollert eller meldt, var det ingen.
   *[other] Sist det vart kontrollert eller meldt, var det { $n }.
}
quarantine-stays = Det som var kjent om dei, gjeld framleis; dei som er nye, er ikkje kjende. Som regel er noko endra i katalogen, eller konfigurasjonen seier noko anna om han.
quarantine-some = Av dei som er nye:
quarantine-all = Alle, og kva som er gale: `{ $command }`
quarantine-over-title = Objekta i katalogen { $directory } kan lesast att
quarantine-over-what = { $n ->
    [0] Ingen blir lagde til side lenger.
   *[other] { $n } blir framleis lagde til side.
}
quarantine-over-since = At det var mange fleire, vart meldt første gong { $at }. Du treng ikkje gjere noko.
lasting-title = { $n ->
    [one] 1 liten ting har vart i eit døgn
   *[other] { $n } små ting har vart i eit døgn
}
lasting-failing = Synkroniseringa av katalogen { $directory } mislukkast av og til: { $error }
lasting-quarantined = { $n ->
    [one] 1 objekt
   *[other] { $n } objekt
} i katalogen { $directory } kan ikkje lesast og blir lagde til side ved kvar synkronisering: `budkavle sync show RUN --quarantined`
lasting-undone = { $n ->
    [one] 1 køyring
   *[other] { $n } køyringar
} av katalogen { $directory } er angra, og det dei ville, blir halde tilbake
lasting-misplaced = { $n ->
    [one] 1 eining
   *[other] { $n } einingar
} heng under rota, fordi eininga over ikkje er kjend
lasting-no-group = Konfigurasjonen nemner gruppa { $group }, som ingen katalog har
lasting-since = { $what } (sidan { $at })
lasting-more = … og { $n } til
lasting-look = Alt blir vist med: `{ $command }`

## Who outside wants to be told of outages

label-subscribe = Abonnement
subscribe-title = Driftsmeldingar: stadfest
subscribe-text = Nokon, truleg du, vil at du får beskjed om driftsavbrot på e-post. Vil du ikkje det, treng du ikkje gjere noko: du høyrer ikkje meir frå oss.
subscribe-confirm = Dersom du vil, sei ifrå her: { $link }
why-subscriber = abonnent
page-confirm-title = Driftsmeldingar
page-confirm = Vil du få beskjed om driftsavbrot til { $mail }?
page-confirm-button = Ja, gje meg beskjed
page-confirmed-title = Du får beskjed frå no av
page-confirmed = Kvar e-post har ei lenkje som avsluttar det.
page-unsubscribe-title = Ingen fleire e-postar?
page-unsubscribe = { $mail } får ikkje meir beskjed om driftsavbrot når du har trykt på knappen.
page-unsubscribe-button = Ingen fleire e-postar
page-unsubscribed-title = Du får ingen fleire e-postar
page-unsubscribed = Du treng ikkje gjere noko meir.
page-subscribe-title = Få beskjed om driftsavbrot
page-subscribe = Oppgje adressa di. Du får ein e-post dit med ei lenkje der du stadfestar at du vil det.
page-subscribe-field = E-postadressa di
page-subscribe-button = Send e-posten
page-subscribe-sent-title = Sjå i e-posten din
page-subscribe-sent = Dersom adressa er rett og ikkje abonnerer frå før, er ein e-post på veg dit. Utan lenkja i han skjer det ikkje noko meir.
page-no-address-title = Det er inga e-postadresse
page-too-many-title = For mange spør samstundes
