# Norwegian bokmål: plain ("klarspråk"). The reader is "du".

## All notices

label-alert = Varsel
label-warning = Advarsel
label-reminder = Påminnelse
label-recovery = I orden igjen
label-test = Test
label-contacts = Kontakter
label-covered = Alt er bemannet
what-to-do = Gjør dette:
footer = Du får dette som { $why } i { $organisation }. Sendt av Budkavle.
list = { $first } og { $last }
span = { $from } til { $until }
span-times = { $from } til { $until }
nobody = ingen
you = du
only = bare { $people }
person-deputy = { $name } (vikar for { $absent })
count-units = { $n ->
    [one] 1 enhet
   *[other] { $n } enheter
}
count-people = { $n ->
    [one] 1 person
   *[other] { $n } personer
}
span-minutes = { $n ->
    [one] 1 minutt
   *[other] { $n } minutter
}
span-hours = { $n ->
    [one] 1 time
   *[other] { $n } timer
}
span-days = { $n ->
    [one] 1 dag
   *[other] { $n } dager
}

## Roles: as what somebody is, and what each is for

role-other = kontakt for { $role }
role-local = lokal kontakt
role-global = overordnet kontakt
role-outage = kontakt for driftsavbrudd
role-ad-sync = kontakt for AD-synkronisering
role-account-manager = kundeansvarlig
role-support = supportkontakt
role-login = påloggingskontakt
role-report = rapportkontakt
role-system-owner = systemeier
role-superuser = superbruker
role-password-helper = passordhjelper
role-remote-access = kontakt for fjerntilgang
role-message-reader = meldingsleser
title-local = lokal kontakt: den brukere henvender seg til først
title-global = overordnet kontakt: har ansvar for hele organisasjonen
title-outage = kontakt for driftsavbrudd: får beskjed når noe er nede
title-ad-sync = kontakt for AD-synkronisering: får beskjed når synkroniseringen av en katalog mislykkes
title-account-manager = kundeansvarlig: leverandørens person for lisenser og avtaler
title-support = supportkontakt: har rett til å henvende seg til leverandørens brukerstøtte
title-login = påloggingskontakt: hjelper når det ikke går an å logge på
title-report = rapportkontakt: svarer for en rapport eller et system
title-system-owner = systemeier: har ansvar for systemet
title-superuser = superbruker: hjelper kolleger med systemet
title-password-helper = passordhjelper: tilbakestiller passord og oppretter identiteter på egne enheter
title-remote-access = fjerntilgang: kan åpne leverandørens fjerntilkobling
title-message-reader = meldingsleser: leser det ingen andre har lest

## Why somebody gets a notice: after "Du får dette som"

why-new = ny { $role }
why-former = tidligere { $role }
why-no-owner = { $role } (det er ingen systemeier)
why-several = kontakt i flere roller
why-could = en som kan bli kontakt
why-test = mottaker av en test
why-unknown = mottaker
why-outage-of = kontakt for driftsavbrudd i { $about }
why-depends = { $why } (avhenger av { $on })
why-owner = kontakt for { $unit } (eier av { $service })
why-for-owner = { $role } i stedet for { $unit } (eier av { $service })
why-named = en som skal få beskjed om dette driftsavbruddet
why-always = en som får beskjed om alle driftsavbrudd
why-opened = den som meldte driftsavbruddet

## Why somebody doesn't answer: after their name and a colon

skip-away = borte til { $day }
skip-deputy = { $why }; vikaren { $name }: { $reason }
skip-expired = kontoen utløp { $day }
skip-ended = opphørte { $day }
skip-not-yet = fra { $day }
skip-moved = har flyttet til { $unit }
skip-disabled = kontoen er deaktivert
skip-gone = finnes ikke lenger i katalogen
skip-no-address = mangler e-postadresse
skip-you = deg selv
skip-directory = for en annen katalog
skip-subject = for en annen rapport eller et annet system

## Outages and maintenance

outage-subject = Driftsavbrudd { $id }: { $title }
outage-number = driftsavbrudd { $id }
outage-silent-subject = Lenge uten nytt om driftsavbrudd { $id }: { $title }
maintenance-subject = Vedlikehold { $id }: { $title }
maintenance-number = vedlikehold { $id }
maintenance-silent-subject = Lenge uten nytt om vedlikehold { $id }: { $title }
label-outage = Driftsavbrudd
label-outage-resolved = Driftsavbruddet er løst
label-maintenance-planned = Planlagt vedlikehold
label-maintenance-soon = Vedlikehold begynner snart
label-maintenance-started = Vedlikehold pågår
label-maintenance-completed = Vedlikeholdet er ferdig
label-maintenance-cancelled = Vedlikeholdet er avlyst
state-investigating = undersøkes
state-identified = årsaken er kjent
state-monitoring = overvåkes
state-resolved = løst
state-planned = planlagt
state-reminded = begynner snart
state-started = pågår
state-completed = ferdig
state-cancelled = avlyst
severity-minor = mindre
severity-major = alvorlig
severity-critical = kritisk
outage-services = Tjenester: { $names }
outage-dependent = Tjenester som avhenger av dem: { $names }
outage-units = Enheter: { $names }
outage-earlier = { $n ->
    [one] 1 tidligere oppdatering gjentas ikke her.
   *[other] { $n } tidligere oppdateringer gjentas ikke her.
}
outage-corrected = Det som ble sagt tidligere, er rettet.
outage-corrected-what = Det som ble sagt tidligere, er rettet: { $what }.
corrected-text = meldingen fra { $at }
corrected-title = tittelen
corrected-severity = alvorlighetsgraden
corrected-services = tjenestene
corrected-units = enhetene
outage-left = Det som ble sagt tidligere, er rettet: dette driftsavbruddet angår ikke deg. Du får ingen flere meldinger om det.
maintenance-left = Det som ble sagt tidligere, er rettet: dette vedlikeholdet angår ikke deg. Du får ingen flere meldinger om det.
outage-silent = Ingenting er sagt om dette på { $span }, og det er fortsatt åpent. De som fikk beskjed om det, venter på en oppdatering: `{ $update }`, eller når det er over: `{ $end }`
update-now = Status nå: { $state }.
update-moved = Tidspunktet er endret.
update-moved-from = Tidspunktet er endret; før var det { $from } til { $until }.
update-reminder = Dette er en påminnelse.
update-begun = Det har begynt.
update-done = Det er ferdig.
update-done-planned = Det er ferdig, som planlagt.
update-cancelled = Det er avlyst.
update-late = Det skulle ha vært ferdig nå, men er det ikke: det tar lengre tid enn planlagt.
heartbeat-missing = Ikke noe livstegn fra { $title }
heartbeat-last = { $title } skal gi minst ett livstegn på { $every }. Det siste kom { $time }.
heartbeat-none = { $title } skal gi minst ett livstegn på { $every }. Ingen har kommet siden overvåkingen begynte { $time }.
heartbeat-back = Det har kommet et livstegn fra { $title }. Det forrige kom { $time }.
heartbeat-first = Det har kommet et livstegn fra { $title }. Det kom ingen før det.
feed-gone = Kilden { $name } har det ikke lenger i listen sin.
calendar-summary = Vedlikehold: { $title }

## The sync of a directory

sync-failing = Synkroniseringen av katalogen { $directory } mislykkes
sync-stale = Dataene fra katalogen { $directory } begynner å bli gamle
sync-held = Synkroniseringen av katalogen { $directory } venter på din godkjenning
sync-failed-once = Den siste synkroniseringen mislyktes:
sync-failed-often = De siste { $n } synkroniseringene på rad har mislyktes. Den siste feilen:
sync-stale-what = Ingen synkronisering har lyktes på lengre tid enn konfigurasjonen tillater.
sync-held-what = Den siste synkroniseringen ville ha fjernet eller endret mer enn det som slipper gjennom uten at noen godkjenner det:
sync-meanwhile = Inntil videre gjelder dataene fra { $at }: kontakter finnes og meldinger sendes som før.
sync-meanwhile-none = Ingen synkronisering har lyktes ennå, så det finnes ingen tidligere data å gå ut fra.
sync-reminder = Dette er påminnelse { $n }; det ble meldt første gang { $at }.
sync-would = Den ville fjerne eller endre:
sync-more = og { $n } til
sync-todo-list = Se hele listen: `{ $command }`
sync-todo-approve = Hvis det stemmer: `{ $command }`
sync-todo-reject = Hvis det ikke stemmer: `{ $command }`, og rett opp katalogen eller kontoens rettigheter
sync-todo-check = Se hva som virker og ikke: `{ $command }`
sync-todo-try = Når feilen er rettet, prøv med en gang: `{ $command }`
sync-todo-history = Se kjøringene så langt: `{ $command }`
object-user = brukeren
object-unit = enheten
object-group = gruppen
object-add = legge til { $kind } { $name }
object-change = endre { $kind } { $name }
object-remove = fjerne { $kind } { $name }
held-too-many = { $removed } av { $of } { $kind } ville { $fate }; inntil { $count } og { $percent } % slipper gjennom uten godkjenning
held-all = alle { $kind } ({ $of }) ville { $fate }
held-scope = { $removed ->
    [one] den konfigurerte basen eller filteret er endret siden forrige kjøring, og 1 bruker, enhet eller gruppe ville forsvinne
   *[other] den konfigurerte basen eller filteret er endret siden forrige kjøring, og { $removed } brukere, enheter og grupper ville forsvinne
}
held-undone = { $changes ->
    [one] 1 endring fra kjøring { $run }, som er angret, ville bli gjort igjen
   *[other] { $changes } endringer fra kjøring { $run }, som er angret, ville bli gjort igjen
}
held-gradually = { $kind }: ytterligere { $removed } ville forsvinne etter { $before } innen et døgn, av { $of }; inntil { $count } og { $percent } % slipper gjennom uten godkjenning
kind-users = brukere
kind-units = enheter
kind-memberships = gruppemedlemskap
kind-holders = innehavere av en kontaktrolle
kind-mails = brukere med e-postadresse
kind-phones = brukere med telefon
kind-moves = brukere i enheter
kind-absences = brukere med fravær
fate-users = forsvinne (borte, deaktivert eller uten e-postadresse)
fate-holders = forsvinne (borte, deaktivert, uten e-postadresse eller ikke lenger i rollen)
fate-lost = forsvinne
fate-mails = få en annen e-postadresse
fate-phones = få andre telefonnumre eller miste dem
fate-moves = flytte til en annen enhet
fate-absences = ikke lenger ha noe
recovered-subject = Synkroniseringen av katalogen { $directory } virker igjen
recovered-heading = Synkroniseringen av katalogen { $directory } virker igjen
recovered-failing = Den mislyktes. Det ble meldt første gang { $since }.
recovered-stale = Dataene begynte å bli gamle. Det ble meldt første gang { $since }.
recovered-held = En kjøring ventet på godkjenning. Det ble meldt første gang { $since }.
recovered-at = En synkronisering lyktes { $at }. Du trenger ikke å gjøre noe.

## What ends on a day

ending-subject-password = Katalogen { $directory }: passordet for kontoen som leser den, { $when }
ending-subject-account = Katalogen { $directory }: kontoen som leser den, { $when }
ending-subject-server = Katalogen { $directory }: sertifikatet til serveren { $when }
ending-subject-client = Katalogen { $directory }: sertifikatet som leser den, { $when }
ending-heading-password = Passordet for kontoen som leser katalogen { $directory }, { $when }
ending-heading-account = Kontoen som leser katalogen { $directory }, { $when }
ending-heading-server = Serversertifikatet for katalogen { $directory } { $when }
ending-heading-client = Sertifikatet som leser katalogen { $directory }, { $when }
ending-over = har utløpt
ending-soon = { $days ->
    [0] utløper innen et døgn
    [one] utløper om 1 dag
   *[other] utløper om { $days } dager
}
ending-day = Det gjelder: { $about }. Dagen: { $at }.
ending-todo-password = Sett et nytt passord og gi det til Budkavle, eller la det aldri utløpe.
ending-todo-account = Få kontoen forlenget: den som administrerer katalogen, kan gjøre det.
ending-todo-server = Få sertifikatet fornyet.
ending-todo-client = Forny sertifikatet som Budkavle logger på med.
ending-without = Uten det kan ikke katalogen { $directory } leses, og dataene forblir som de er.

## The store

rebuilt-title = Budkavles datalager var skadet og er bygget opp på nytt
rebuilt-noticed = Dette ble oppdaget: { $damage }.
rebuilt-from = Det er bygget opp fra eksporten { $at }, og en full synkronisering følger. Det som ble lagt inn etterpå (tildelinger, fravær, driftsavbrudd), kan mangle, og meldinger som er sendt siden, kan komme på nytt: se etter.
rebuilt-empty = Det fantes ingen brukbar eksport, så det begynner tomt, og en full synkronisering følger. Tildelinger, fravær, åpne driftsavbrudd og usendte meldinger mangler: legg tilbake en sikkerhetskopi med `{ $command }`, eller legg dem inn på nytt.
rebuilt-aside = Det skadede datalageret er lagt til side som { $aside }. Få disken kontrollert.

## Tests

label-together = Flere meldinger
together-heading = { $n } meldinger
together-subject = { $n } meldinger: { $what }
test-subject = Testmelding fra Budkavle
test-heading = Det Budkavle sender, kommer fram
test-line = { $by } ba om denne testmeldingen { $at }.

## Channels, and what didn't arrive

channel-broken = Meldinger kan ikke sendes gjennom kanalen { $channel }
channel-broken-since = Siden { $since } virker den ikke for noen: { $reason }
channel-broken-meanwhile = Meldingene venter i utboksen og sendes når kanalen virker igjen; de som venter for lenge, blir gitt opp. Andre kanaler er ikke berørt.
channel-broken-todo = Det som venter: `{ $status }`. Når feilen er rettet: `{ $check }`
channel-works = Meldinger sendes gjennom kanalen { $channel } igjen
channel-works-since = Den hadde ikke virket siden { $since }; { $at } ble noe tatt imot igjen. Det som ventet, sendes nå.
undelivered = { $n ->
    [one] En melding kom ikke fram
   *[other] { $n } meldinger kom ikke fram
}
undelivered-one = Melding { $message } gjennom { $channel } til { $to } ({ $about }) er { $state }: { $answer }
message-failed = avvist
message-expired = gitt opp
about-covered = bemannet: { $period }
about-gaps = { $n ->
    [one] ubemannet ett sted: { $period }
   *[other] ubemannet { $n } steder: { $period }
}
about-ending = noe som katalogen { $directory } trenger, opphører
about-climbed = ingen har tatt seg av det: { $about }
about-lasting = { $n ->
    [one] 1 liten ting som varer
   *[other] { $n } små ting som varer
}
about-subscribe = om noen vil ha driftsmeldinger
undelivered-more = … og { $n } til: `{ $command }`
undelivered-todo = Rett adressen eller kanalen og send på nytt: `{ $command }`

## Coverage

period-summer = sommeren
period-christmas = julen
coverage-all = Bemannet: { $period } ({ $days })
coverage-gaps = { $n ->
    [one] Ubemannet ett sted: { $period } ({ $days })
   *[other] Ubemannet { $n } steder: { $period } ({ $days })
}
coverage-organisation = hele organisasjonen
coverage-gap = { $role } for { $unit }: minst { $minimum }
coverage-gap-below = { $n ->
    [one] { $role } for { $unit } og 1 enhet under den: minst { $minimum }
   *[other] { $role } for { $unit } og { $n } enheter under den: minst { $minimum }
}
coverage-more-days = { $n ->
    [one] og 1 periode til
   *[other] og { $n } perioder til
}
coverage-could = De som er til stede disse dagene: { $people }
coverage-more = { $n ->
    [one] og 1 sted til
   *[other] og { $n } steder til
}
coverage-todo-deputy = Utpek en vikar for den som er borte: `{ $list }` viser fraværet, og `{ $option }` angir vikaren.
coverage-todo-assign = Eller tildel noen rollen disse dagene, slik kommandoene ovenfor gjør.
coverage-calendar = Se hver dag i en kalender: `{ $command }`
coverage-enough = Det er nok folk til stede overalt, alle dager. Du trenger ikke å gjøre noe.

## Other contacts

news-changed = Kontakter er endret
news-several-new = Du er nå kontakt i flere roller
news-several-former = Du er ikke lenger kontakt i enkelte av rollene
news-both = Det du er kontakt for, er endret
news-units = { $n ->
    [one] En av enhetene dine har fått en annen kontakt
   *[other] Flere av enhetene dine har fått andre kontakter
}
news-new-subject = Du er nå { $role } for { $units }
news-former-subject = Du er ikke lenger { $role } for { $units }
news-new = Du er nå { $role } for { $units } med { $people }
news-new-deputy = Du er nå { $role } for { $units } med { $people }, som vikar for { $absent }
news-former = Du er ikke lenger { $role } for { $units } med { $people }
news-owner = En annen er nå { $role } for { $units } med { $people }
news-before-now = Før: { $before }. Nå: { $after }.
news-instead = I stedet: { $role }.
news-instead-people = I stedet: { $people } ({ $role }).
news-why = Årsak: { $reasons }.
news-more = { $n ->
    [one] og 1 endring til
   *[other] og { $n } endringer til
}
news-todo-tell = Hvis det ikke stemmer, si fra til den som administrerer kontakter i organisasjonen.
news-todo-changes = Til den personen, med hva som ble endret, når og av hva: `{ $command }`
lost-disabled = kontoen til { $name } er deaktivert
lost-expired = kontoen til { $name } har utløpt
lost-gone = { $name } finnes ikke lenger i katalogen
lost-no-address = { $name } mangler e-postadresse
lost-away = { $name } er borte til { $day }
lost-moved = { $name } har flyttet til { $unit }
lost-ended = tiden til { $name } er ute
lost-elsewhere = { $name } svarer for noe annet
change-revoked = { $name } har ikke lenger rollen der
change-gained = { $name } svarer nå
change-unit-moved = enheten har en annen plassering
change-user-moved = de har flyttet til en annen enhet
units-below = { $n ->
    [one] { $path } og 1 enhet under den
   *[other] { $path } og { $n } enheter under den
}
units-more = { $n ->
    [one] og 1 enhet til
   *[other] og { $n } enheter til
}
summary-title = { $n ->
    [one] 1 enhet har fått andre kontakter
   *[other] { $n } enheter har fått andre kontakter
}
summary-intro = Siden { $since } har { $units } med { $people } fått andre kontakter. Så mange ville ha fått beskjed: { $told }. Det er flere enn { $key } tillater, så i stedet kommer denne meldingen, og ingen av dem har fått noen.
summary-role = { $role }: { $units }, { $people }
summary-without = { $n ->
    [one] 1 av dem har ingen i denne rollen nå
   *[other] { $n } av dem har ingen i denne rollen nå
}
summary-todo-changes = Se hver endring og hvorfor: `{ $command }`
summary-todo-orphans = Se hva ingen svarer for: `{ $command }`
summary-todo-digest = Hvis det var meningen, si fra på deres egen måte til dem det gjelder; `{ $command }` forteller en av dem hva vedkommende er kontakt for.

## What somebody is contact for

duties-title = Dette er du kontakt for
duties-title-theirs = Hva noen er kontakt for
duties-none = Du er ikke kontakt for noe
duty-everywhere = { $role }: for hele organisasjonen
duty-place = { $role }, { $place }
duty-units = { $role }: { $units }, { $people }
duty-skipped = Du svarer ikke der nå: { $reason }.
duty-deputy = Du er borte, og { $deputy } er vikar for deg.
duty-beside = Kontakt ved siden av deg: { $people }.
duty-above = Over deg: { $people }.
duty-above-role = Over deg ({ $role }): { $people }.
duties-more = { $n ->
    [one] og 1 rolle til
   *[other] og { $n } roller til
}
duties-away-deputy = Du er borte { $days }: { $deputy } er vikar for deg.
duties-away = Du er borte { $days }: ingen er utpekt som vikar.
duties-without-deputy = Uten vikar svarer de som er nevnt ovenfor: den som er kontakt ved siden av deg, ellers den over deg.
duties-no-absence = Du har ikke noe planlagt fravær.
duties-stands-in = Du er vikar for { $name } { $days }.
duties-turns-to = Selv henvender du deg til { $people }.
duties-todo-tell = Hvis det ikke stemmer, eller du skal være borte, si fra til den som administrerer kontakter i organisasjonen.
duties-todo-command = Til den personen: `{ $command }`

## Taking on what asks for it

climbed = Ingen har tatt seg av dette siden { $at }. Det gikk tidligere til { $people } og kommer nå til deg.
take-on-link = Hvis du tar deg av det, si fra her, så får ingen flere beskjed: { $link }
take-on-command = Hvis du tar deg av det, si fra, så får ingen flere beskjed: `{ $command }`
brief-take-on = Ta deg av det: { $how }
unsubscribe = Du har bedt om disse e-postene. Hvis du ikke vil ha flere: { $link }
why-deputy = vikar for { $absent }

## Pages that links lead to

page-take-on-title = Ta deg av det
page-take-on = Når du har tatt deg av det, får ingen flere beskjed. Ingenting skjer før du trykker på knappen.
page-take-on-button = Jeg tar det
page-taken-title = Du har det
page-taken = Ingen flere får beskjed fra nå av. Takk.
page-taken-before-title = Noen har det allerede
page-taken-before = { $by } har det siden { $at }. Du trenger ikke gjøre noe.
page-over-title = Det er over
page-over = Det som dette gjaldt, er over. Du trenger ikke gjøre noe.
page-bad-title = Lenken virker ikke
page-bad = Den er ikke hel. Kopier hele lenken fra e-posten.
page-expired-title = Lenken er utløpt
page-expired = Den gjelder ikke lenger. Spør avsenderen hvis saken ikke er avsluttet.
page-failed-title = Noe gikk galt
page-failed = Prøv igjen om noen minutter.

## What lasts though it is too small to alert

quarantine-title = Mange flere objekter i katalogen { $directory } kan ikke leses
quarantine-what = { $n ->
    [one] 1 objekt
   *[other] { $n } objekter
} i katalogen { $directory } kan ikke leses og legges til side.
quarantine-before = { $n ->
    [0] Sist det ble kontrollert eller meldt, var det ingen.
   *[other] Sist det ble kontrollert eller meldt, var det { $n }.
}
quarantine-stays = Det som var kjent om dem, gjelder fortsatt; de som er nye, er ikke kjent. Som regel er noe endret i katalogen, eller konfigurasjonen sier noe annet om den.
quarantine-some = Av dem som er nye:
quarantine-all = Alle, og hva som er galt: `{ $command }`
quarantine-over-title = Objektene i katalogen { $directory } kan leses igjen
quarantine-over-what = { $n ->
    [0] Ingen legges til side lenger.
   *[other] { $n } legges fortsatt til side.
}
quarantine-over-since = At det var mange flere, ble meldt første gang { $at }. Du trenger ikke å gjøre noe.
lasting-title = { $n ->
    [one] 1 liten ting har vart i et døgn
   *[other] { $n } små ting har vart i et døgn
}
lasting-failing = Synkroniseringen av katalogen { $directory } mislykkes av og til: { $error }
lasting-quarantined = { $n ->
    [one] 1 objekt
   *[other] { $n } objekter
} i katalogen { $directory } kan ikke leses og legges til side ved hver synkronisering: `budkavle sync show RUN --quarantined`
lasting-undone = { $n ->
    [one] 1 kjøring
   *[other] { $n } kjøringer
} av katalogen { $directory } er angret, og det de ville, holdes tilbake
lasting-misplaced = { $n ->
    [one] 1 enhet
   *[other] { $n } enheter
} henger under roten, fordi enheten over ikke er kjent
lasting-no-group = Konfigurasjonen nevner gruppen { $group }, som ingen katalog har
lasting-since = { $what } (siden { $at })
lasting-more = … og { $n } til
lasting-look = Alt vises med: `{ $command }`

## Who outside wants to be told of outages

label-subscribe = Abonnement
subscribe-title = Driftsmeldinger: bekreft
subscribe-text = Noen, trolig du, vil at du får beskjed om driftsavbrudd på e-post. Vil du ikke det, trenger du ikke gjøre noe: du hører ikke mer fra oss.
subscribe-confirm = Hvis du vil, si fra her: { $link }
why-subscriber = abonnent
page-confirm-title = Driftsmeldinger
page-confirm = Vil du få beskjed om driftsavbrudd til { $mail }?
page-confirm-button = Ja, gi meg beskjed
page-confirmed-title = Du får beskjed fra nå av
page-confirmed = Hver e-post har en lenke som avslutter det.
page-unsubscribe-title = Ingen flere e-poster?
page-unsubscribe = { $mail } får ikke mer beskjed om driftsavbrudd når du har trykket på knappen.
page-unsubscribe-button = Ingen flere e-poster
page-unsubscribed-title = Du får ingen flere e-poster
page-unsubscribed = Du trenger ikke gjøre noe mer.
page-subscribe-title = Få beskjed om driftsavbrudd
page-subscribe = Oppgi adressen din. Du får en e-post dit med en lenke der du bekrefter at du vil det.
page-subscribe-field = E-postadressen din
page-subscribe-button = Send e-posten
page-subscribe-sent-title = Se i e-posten din
page-subscribe-sent = Hvis adressen er riktig og ikke abonnerer fra før, er en e-post på vei dit. Uten lenken i den skjer det ikke noe mer.
page-no-address-title = Det er ingen e-postadresse
page-too-many-title = For mange spør samtidig
