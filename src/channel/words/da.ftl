# Danish: plain. The reader is "du".

## All notices

label-alert = Alarm
label-warning = Advarsel
label-reminder = Påmindelse
label-recovery = I orden igen
label-test = Test
label-contacts = Kontakter
label-covered = Alt er bemandet
what-to-do = Det skal du gøre:
footer = Du får dette som { $why } i { $organisation }. Sendt af Budkavle.
list = { $first } og { $last }
span = { $from } til { $until }
span-times = { $from } til { $until }
nobody = ingen
you = du
only = kun { $people }
person-deputy = { $name } (stedfortræder for { $absent })
count-units = { $n ->
    [one] 1 enhed
   *[other] { $n } enheder
}
count-people = { $n ->
    [one] 1 person
   *[other] { $n } personer
}
span-minutes = { $n ->
    [one] 1 minut
   *[other] { $n } minutter
}
span-hours = { $n ->
    [one] 1 time
   *[other] { $n } timer
}
span-days = { $n ->
    [one] 1 dag
   *[other] { $n } dage
}

## Roles: as what somebody is, and what each is for

role-other = kontakt for { $role }
role-local = lokal kontakt
role-global = overordnet kontakt
role-outage = kontakt for driftsforstyrrelser
role-ad-sync = kontakt for AD-synkronisering
role-account-manager = kundeansvarlig
role-support = supportkontakt
role-login = loginkontakt
role-report = rapportkontakt
role-system-owner = systemejer
role-superuser = superbruger
role-password-helper = adgangskodehjælper
role-remote-access = kontakt for fjernadgang
role-message-reader = beskedlæser
title-local = lokal kontakt: den, som brugere henvender sig til først
title-global = overordnet kontakt: har ansvaret for hele organisationen
title-outage = kontakt for driftsforstyrrelser: får besked, når noget er nede
title-ad-sync = kontakt for AD-synkronisering: får besked, når synkroniseringen af et katalog mislykkes
title-account-manager = kundeansvarlig: leverandørens person for licenser og aftaler
title-support = supportkontakt: har ret til at henvende sig til leverandørens support
title-login = loginkontakt: hjælper, når man ikke kan logge ind
title-report = rapportkontakt: svarer for en rapport eller et system
title-system-owner = systemejer: har ansvaret for systemet
title-superuser = superbruger: hjælper kolleger med systemet
title-password-helper = adgangskodehjælper: nulstiller adgangskoder og opretter identiteter på egne enheder
title-remote-access = fjernadgang: kan åbne leverandørens fjernforbindelse
title-message-reader = beskedlæser: læser det, som ingen andre har læst

## Why somebody gets a notice: after "Du får dette som"

why-new = ny { $role }
why-former = tidligere { $role }
why-no-owner = { $role } (der er ingen systemejer)
why-several = kontakt i flere roller
why-could = en, der kan blive kontakt
why-test = modtager af en test
why-unknown = modtager
why-outage-of = kontakt for driftsforstyrrelser i { $about }
why-depends = { $why } (afhænger af { $on })
why-owner = kontakt for { $unit } (ejer af { $service })
why-for-owner = { $role } i stedet for { $unit } (ejer af { $service })
why-named = en, der skal have besked om denne driftsforstyrrelse
why-always = en, der får besked om alle driftsforstyrrelser
why-opened = den, der meldte driftsforstyrrelsen

## Why somebody doesn't answer: after their name and a colon

skip-away = væk til { $day }
skip-deputy = { $why }; stedfortræderen { $name }: { $reason }
skip-expired = kontoen udløb { $day }
skip-ended = ophørte { $day }
skip-not-yet = fra { $day }
skip-moved = er flyttet til { $unit }
skip-disabled = kontoen er deaktiveret
skip-gone = findes ikke længere i kataloget
skip-no-address = mangler e-mailadresse
skip-you = dig selv
skip-directory = for et andet katalog
skip-subject = for en anden rapport eller et andet system

## Outages and maintenance

outage-subject = Driftsforstyrrelse { $id }: { $title }
outage-number = driftsforstyrrelse { $id }
outage-silent-subject = Længe uden nyt om driftsforstyrrelse { $id }: { $title }
maintenance-subject = Vedligeholdelse { $id }: { $title }
maintenance-number = vedligeholdelse { $id }
maintenance-silent-subject = Længe uden nyt om vedligeholdelse { $id }: { $title }
label-outage = Driftsforstyrrelse
label-outage-resolved = Driftsforstyrrelsen er løst
label-maintenance-planned = Planlagt vedligeholdelse
label-maintenance-soon = Vedligeholdelse begynder snart
label-maintenance-started = Vedligeholdelse er i gang
label-maintenance-completed = Vedligeholdelsen er færdig
label-maintenance-cancelled = Vedligeholdelsen er aflyst
state-investigating = undersøges
state-identified = årsagen er kendt
state-monitoring = overvåges
state-resolved = løst
state-planned = planlagt
state-reminded = begynder snart
state-started = i gang
state-completed = færdig
state-cancelled = aflyst
severity-minor = mindre
severity-major = alvorlig
severity-critical = kritisk
outage-services = Tjenester: { $names }
outage-dependent = Tjenester, der afhænger af dem: { $names }
outage-units = Enheder: { $names }
outage-earlier = { $n ->
    [one] 1 tidligere opdatering gentages ikke her.
   *[other] { $n } tidligere opdateringer gentages ikke her.
}
outage-corrected = Det, der blev sagt tidligere, er rettet.
outage-corrected-what = Det, der blev sagt tidligere, er rettet: { $what }.
corrected-text = beskeden fra { $at }
corrected-title = titlen
corrected-severity = alvorsgraden
corrected-services = tjenesterne
corrected-units = enhederne
outage-left = Det, der blev sagt tidligere, er rettet: denne driftsforstyrrelse vedrører ikke dig. Du får ikke flere beskeder om den.
maintenance-left = Det, der blev sagt tidligere, er rettet: denne vedligeholdelse vedrører ikke dig. Du får ikke flere beskeder om den.
outage-silent = Der er intet sagt om dette i { $span }, og det er stadig åbent. De, der fik besked om det, venter på nyt: `{ $update }`, eller når det er overstået: `{ $end }`
update-now = Status nu: { $state }.
update-moved = Tidspunktet er ændret.
update-moved-from = Tidspunktet er ændret; før var det { $from } til { $until }.
update-reminder = Dette er en påmindelse.
update-begun = Det er begyndt.
update-done = Det er færdigt.
update-done-planned = Det er færdigt, som planlagt.
update-cancelled = Det er aflyst.
update-late = Det skulle have været færdigt nu, men er det ikke: det tager længere tid end planlagt.
heartbeat-missing = Intet livstegn fra { $title }
heartbeat-last = { $title } skal give mindst ét livstegn på { $every }. Det seneste kom { $time }.
heartbeat-none = { $title } skal give mindst ét livstegn på { $every }. Der er ikke kommet noget, siden overvågningen begyndte { $time }.
heartbeat-back = Der er kommet et livstegn fra { $title }. Det forrige kom { $time }.
heartbeat-first = Der er kommet et livstegn fra { $title }. Der var ikke kommet noget før.
feed-gone = Kilden { $name } har det ikke længere på sin liste.
calendar-summary = Vedligeholdelse: { $title }

## The sync of a directory

sync-failing = Synkroniseringen af kataloget { $directory } mislykkes
sync-stale = Dataene fra kataloget { $directory } er ved at blive gamle
sync-held = Synkroniseringen af kataloget { $directory } venter på din godkendelse
sync-failed-once = Den seneste synkronisering mislykkedes:
sync-failed-often = De seneste { $n } synkroniseringer i træk er mislykkedes. Den seneste fejl:
sync-stale-what = Ingen synkronisering er lykkedes i længere tid, end konfigurationen tillader.
sync-held-what = Den seneste synkronisering ville have fjernet eller ændret mere, end der slipper igennem, uden at nogen godkender det:
sync-meanwhile = Indtil videre gælder dataene fra { $at }: kontakter findes, og beskeder sendes som før.
sync-meanwhile-none = Ingen synkronisering er lykkedes endnu, så der er ingen tidligere data at gå ud fra.
sync-reminder = Dette er påmindelse { $n }; det blev meldt første gang { $at }.
sync-would = Den ville fjerne eller ændre:
sync-more = og { $n } til
sync-todo-list = Se hele listen: `{ $command }`
sync-todo-approve = Hvis det er rigtigt: `{ $command }`
sync-todo-reject = Hvis det ikke er rigtigt: `{ $command }`, og ret kataloget eller kontoens rettigheder
sync-todo-check = Se, hvad der virker og ikke virker: `{ $command }`
sync-todo-try = Når fejlen er rettet, så prøv med det samme: `{ $command }`
sync-todo-history = Se kørslerne indtil nu: `{ $command }`
object-user = brugeren
object-unit = enheden
object-group = gruppen
object-add = tilføje { $kind } { $name }
object-change = ændre { $kind } { $name }
object-remove = fjerne { $kind } { $name }
held-too-many = { $removed } af { $of } { $kind } ville { $fate }; op til { $count } og { $percent } % slipper igennem uden godkendelse
held-all = alle { $kind } ({ $of }) ville { $fate }
held-scope = { $removed ->
    [one] den konfigurerede base eller filteret er ændret siden forrige kørsel, og 1 bruger, enhed eller gruppe ville forsvinde
   *[other] den konfigurerede base eller filteret er ændret siden forrige kørsel, og { $removed } brugere, enheder og grupper ville forsvinde
}
held-undone = { $changes ->
    [one] 1 ændring fra kørsel { $run }, som er fortrudt, ville blive gjort igen
   *[other] { $changes } ændringer fra kørsel { $run }, som er fortrudt, ville blive gjort igen
}
held-gradually = { $kind }: yderligere { $removed } ville forsvinde efter { $before } inden for et døgn, af { $of }; op til { $count } og { $percent } % slipper igennem uden godkendelse
kind-users = brugere
kind-units = enheder
kind-memberships = gruppemedlemskaber
kind-holders = indehavere af en kontaktrolle
kind-mails = brugere med e-mailadresse
kind-phones = brugere med telefon
kind-moves = brugere i enheder
kind-absences = brugere med fravær
fate-users = forsvinde (væk, deaktiveret eller uden e-mailadresse)
fate-holders = forsvinde (væk, deaktiveret, uden e-mailadresse eller ikke længere i rollen)
fate-lost = forsvinde
fate-mails = få en anden e-mailadresse
fate-phones = få andre telefonnumre eller miste dem
fate-moves = flytte til en anden enhed
fate-absences = ikke længere have noget
recovered-subject = Synkroniseringen af kataloget { $directory } virker igen
recovered-heading = Synkroniseringen af kataloget { $directory } virker igen
recovered-failing = Den mislykkedes. Det blev meldt første gang { $since }.
recovered-stale = Dataene var ved at blive gamle. Det blev meldt første gang { $since }.
recovered-held = En kørsel ventede på godkendelse. Det blev meldt første gang { $since }.
recovered-at = En synkronisering lykkedes { $at }. Du behøver ikke gøre noget.

## What ends on a day

ending-subject-password = Kataloget { $directory }: adgangskoden til kontoen, der læser det, { $when }
ending-subject-account = Kataloget { $directory }: kontoen, der læser det, { $when }
ending-subject-server = Kataloget { $directory }: serverens certifikat { $when }
ending-subject-client = Kataloget { $directory }: certifikatet, der læser det, { $when }
ending-heading-password = Adgangskoden til kontoen, der læser kataloget { $directory }, { $when }
ending-heading-account = Kontoen, der læser kataloget { $directory }, { $when }
ending-heading-server = Servercertifikatet for kataloget { $directory } { $when }
ending-heading-client = Certifikatet, der læser kataloget { $directory }, { $when }
ending-over = er udløbet
ending-soon = { $days ->
    [0] udløber inden for et døgn
    [one] udløber om 1 dag
   *[other] udløber om { $days } dage
}
ending-day = Det gælder: { $about }. Dagen: { $at }.
ending-todo-password = Sæt en ny adgangskode, og giv den til Budkavle, eller lad den aldrig udløbe.
ending-todo-account = Få kontoen forlænget: den, der administrerer kataloget, kan gøre det.
ending-todo-server = Få certifikatet fornyet.
ending-todo-client = Forny certifikatet, som Budkavle logger ind med.
ending-without = Uden det kan kataloget { $directory } ikke læses, og dataene forbliver, som de er.

## The store

rebuilt-title = Budkavles datalager var beskadiget og er genopbygget
rebuilt-noticed = Dette blev opdaget: { $damage }.
rebuilt-from = Det er genopbygget fra eksporten { $at }, og en fuld synkronisering følger. Det, der blev lagt ind derefter (tildelinger, fravær, driftsforstyrrelser), kan mangle, og beskeder, der er sendt siden, kan komme igen: se efter.
rebuilt-empty = Der var ingen brugbar eksport, så det begynder tomt, og en fuld synkronisering følger. Tildelinger, fravær, åbne driftsforstyrrelser og usendte beskeder mangler: læg en sikkerhedskopi tilbage med `{ $command }`, eller læg dem ind igen.
rebuilt-aside = Det beskadigede datalager er lagt til side som { $aside }. Få disken kontrolleret.

## Tests

label-together = Flere beskeder
together-heading = { $n } beskeder
together-subject = { $n } beskeder: { $what }
test-subject = Testbesked fra Budkavle
test-heading = Det, som Budkavle sender, kommer frem
test-line = { $by } bad om denne testbesked { $at }.

## Channels, and what didn't arrive

channel-broken = Beskeder kan ikke sendes gennem kanalen { $channel }
channel-broken-since = Siden { $since } virker den ikke for nogen: { $reason }
channel-broken-meanwhile = Beskederne venter i udbakken og sendes, når kanalen virker igen; de, der venter for længe, opgives. Andre kanaler er ikke berørt.
channel-broken-todo = Det, der venter: `{ $status }`. Når fejlen er rettet: `{ $check }`
channel-works = Beskeder sendes gennem kanalen { $channel } igen
channel-works-since = Den havde ikke virket siden { $since }; { $at } blev noget modtaget igen. Det, der ventede, sendes nu.
undelivered = { $n ->
    [one] En besked kom ikke frem
   *[other] { $n } beskeder kom ikke frem
}
undelivered-one = Besked { $message } gennem { $channel } til { $to } ({ $about }) er { $state }: { $answer }
message-failed = afvist
message-expired = opgivet
about-covered = bemandet: { $period }
about-gaps = { $n ->
    [one] ubemandet ét sted: { $period }
   *[other] ubemandet { $n } steder: { $period }
}
about-ending = noget, som kataloget { $directory } har brug for, udløber
about-climbed = ingen har taget sig af det: { $about }
about-lasting = { $n ->
    [one] 1 lille ting, der varer ved
   *[other] { $n } små ting, der varer ved
}
about-subscribe = om nogen vil have driftsmeddelelser
undelivered-more = … og { $n } til: `{ $command }`
undelivered-todo = Ret adressen eller kanalen, og send igen: `{ $command }`

## Coverage

period-summer = sommeren
period-christmas = julen
coverage-all = Bemandet: { $period } ({ $days })
coverage-gaps = { $n ->
    [one] Ubemandet ét sted: { $period } ({ $days })
   *[other] Ubemandet { $n } steder: { $period } ({ $days })
}
coverage-organisation = hele organisationen
coverage-gap = { $role } for { $unit }: mindst { $minimum }
coverage-gap-below = { $n ->
    [one] { $role } for { $unit } og 1 enhed under den: mindst { $minimum }
   *[other] { $role } for { $unit } og { $n } enheder under den: mindst { $minimum }
}
coverage-more-days = { $n ->
    [one] og 1 periode til
   *[other] og { $n } perioder til
}
coverage-could = De, der er til stede disse dage: { $people }
coverage-more = { $n ->
    [one] og 1 sted til
   *[other] og { $n } steder til
}
coverage-todo-deputy = Udpeg en stedfortræder for den, der er væk: `{ $list }` viser fraværet, og `{ $option }` angiver stedfortræderen.
coverage-todo-assign = Eller tildel nogen rollen disse dage, som kommandoerne ovenfor gør.
coverage-calendar = Se hver dag i en kalender: `{ $command }`
coverage-enough = Der er nok til stede overalt, alle dage. Du behøver ikke gøre noget.

## Other contacts

news-changed = Kontakter er ændret
news-several-new = Du er nu kontakt i flere roller
news-several-former = Du er ikke længere kontakt i enkelte roller
news-both = Det, du er kontakt for, er ændret
news-units = { $n ->
    [one] En af dine enheder har fået en anden kontakt
   *[other] Flere af dine enheder har fået andre kontakter
}
news-new-subject = Du er nu { $role } for { $units }
news-former-subject = Du er ikke længere { $role } for { $units }
news-new = Du er nu { $role } for { $units } med { $people }
news-new-deputy = Du er nu { $role } for { $units } med { $people }, som stedfortræder for { $absent }
news-former = Du er ikke længere { $role } for { $units } med { $people }
news-owner = En anden er nu { $role } for { $units } med { $people }
news-before-now = Før: { $before }. Nu: { $after }.
news-instead = I stedet: { $role }.
news-instead-people = I stedet: { $people } ({ $role }).
news-why = Årsag: { $reasons }.
news-more = { $n ->
    [one] og 1 ændring til
   *[other] og { $n } ændringer til
}
news-todo-tell = Hvis det ikke er rigtigt, så sig det til den, der administrerer kontakter i organisationen.
news-todo-changes = Til den person, med hvad der blev ændret, hvornår og af hvad: `{ $command }`
lost-disabled = kontoen for { $name } er deaktiveret
lost-expired = kontoen for { $name } er udløbet
lost-gone = { $name } findes ikke længere i kataloget
lost-no-address = { $name } mangler e-mailadresse
lost-away = { $name } er væk til { $day }
lost-moved = { $name } er flyttet til { $unit }
lost-ended = tiden for { $name } er udløbet
lost-elsewhere = { $name } svarer for noget andet
change-revoked = { $name } har ikke længere rollen der
change-gained = { $name } svarer nu
change-unit-moved = enheden har en anden plads
change-user-moved = de er flyttet til en anden enhed
units-below = { $n ->
    [one] { $path } og 1 enhed under den
   *[other] { $path } og { $n } enheder under den
}
units-more = { $n ->
    [one] og 1 enhed til
   *[other] og { $n } enheder til
}
summary-title = { $n ->
    [one] 1 enhed har fået andre kontakter
   *[other] { $n } enheder har fået andre kontakter
}
summary-intro = Siden { $since } har { $units } med { $people } fået andre kontakter. Så mange ville have fået besked: { $told }. Det er flere, end { $key } tillader, så i stedet kommer denne besked, og ingen af dem har fået nogen.
summary-role = { $role }: { $units }, { $people }
summary-without = { $n ->
    [one] 1 af dem har ingen i denne rolle nu
   *[other] { $n } af dem har ingen i denne rolle nu
}
summary-todo-changes = Se hver ændring og hvorfor: `{ $command }`
summary-todo-orphans = Se, hvad ingen svarer for: `{ $command }`
summary-todo-digest = Hvis det var meningen, så fortæl det på jeres egen måde til dem, det gælder; `{ $command }` fortæller en af dem, hvad vedkommende er kontakt for.

## What somebody is contact for

duties-title = Det er du kontakt for
duties-title-theirs = Hvad nogen er kontakt for
duties-none = Du er ikke kontakt for noget
duty-everywhere = { $role }: for hele organisationen
duty-place = { $role }, { $place }
duty-units = { $role }: { $units }, { $people }
duty-skipped = Du svarer ikke der nu: { $reason }.
duty-deputy = Du er væk, og { $deputy } er din stedfortræder.
duty-beside = Kontakt ved siden af dig: { $people }.
duty-above = Over dig: { $people }.
duty-above-role = Over dig ({ $role }): { $people }.
duties-more = { $n ->
    [one] og 1 rolle til
   *[other] og { $n } roller til
}
duties-away-deputy = Du er væk { $days }: { $deputy } er din stedfortræder.
duties-away = Du er væk { $days }: ingen er udpeget som stedfortræder.
duties-without-deputy = Uden stedfortræder svarer de, der er nævnt ovenfor: den, der er kontakt ved siden af dig, ellers den over dig.
duties-no-absence = Du har ikke noget planlagt fravær.
duties-stands-in = Du er stedfortræder for { $name } { $days }.
duties-turns-to = Selv henvender du dig til { $people }.
duties-todo-tell = Hvis det ikke er rigtigt, eller hvis du skal være væk, så sig det til den, der administrerer kontakter i organisationen.
duties-todo-command = Til den person: `{ $command }`

## Taking on what asks for it

climbed = Ingen har taget sig af dette siden { $at }. Det gik tidligere til { $people } og kommer nu til dig.
take-on-link = Hvis du tager dig af det, så sig det her, så får ikke flere besked: { $link }
take-on-command = Hvis du tager dig af det, så sig til, så får ikke flere besked: `{ $command }`
brief-take-on = Tag dig af det: { $how }
unsubscribe = Du har bedt om disse mails. Hvis du ikke vil have flere: { $link }
why-deputy = stedfortræder for { $absent }

## Pages that links lead to

page-take-on-title = Tag dig af det
page-take-on = Når du har taget dig af det, får ikke flere besked. Der sker ikke noget, før du trykker på knappen.
page-take-on-button = Jeg tager det
page-taken-title = Du har det
page-taken = Fra nu af får ikke flere besked. Tak.
page-taken-before-title = Nogen har det allerede
page-taken-before = { $by } har det siden { $at }. Du behøver ikke gøre noget.
page-over-title = Det er overstået
page-over = Det, som dette drejede sig om, er overstået. Du behøver ikke gøre noget.
page-bad-title = Linket virker ikke
page-bad = Det er ikke helt. Kopiér hele linket fra mailen.
page-expired-title = Linket er udløbet
page-expired = Det gælder ikke længere. Spørg afsenderen, hvis sagen ikke er afsluttet.
page-failed-title = Noget gik galt
page-failed = Prøv igen om nogle minutter.

## What lasts though it is too small to alert

quarantine-title = Mange flere objekter i kataloget { $directory } kan ikke læses
quarantine-what = { $n ->
    [one] 1 objekt
   *[other] { $n } objekter
} i kataloget { $directory } kan ikke læses og lægges til side.
quarantine-before = { $n ->
    [0] Da det sidst blev kontrolleret eller meldt, var der ingen.
   *[other] Da det sidst blev kontrolleret eller meldt, var der { $n }.
}
quarantine-stays = Det, der var kendt om dem, gælder stadig; de, der er nye, er ikke kendt. Som regel er noget ændret i kataloget, eller konfigurationen siger noget andet om det.
quarantine-some = Af dem, der er nye:
quarantine-all = Alle, og hvad der er galt: `{ $command }`
quarantine-over-title = Objekterne i kataloget { $directory } kan læses igen
quarantine-over-what = { $n ->
    [0] Ingen lægges til side længere.
   *[other] { $n } lægges stadig til side.
}
quarantine-over-since = At der var mange flere, blev meldt første gang { $at }. Du behøver ikke gøre noget.
lasting-title = { $n ->
    [one] 1 lille ting har varet i et døgn
   *[other] { $n } små ting har varet i et døgn
}
lasting-failing = Synkroniseringen af kataloget { $directory } mislykkes af og til: { $error }
lasting-quarantined = { $n ->
    [one] 1 objekt
   *[other] { $n } objekter
} i kataloget { $directory } kan ikke læses og lægges til side ved hver synkronisering: `budkavle sync show RUN --quarantined`
lasting-undone = { $n ->
    [one] 1 kørsel
   *[other] { $n } kørsler
} af kataloget { $directory } er fortrudt, og det, de ville, holdes tilbage
lasting-misplaced = { $n ->
    [one] 1 enhed
   *[other] { $n } enheder
} hænger under roden, fordi enheden over ikke kendes
lasting-no-group = Konfigurationen nævner gruppen { $group }, som intet katalog har
lasting-since = { $what } (siden { $at })
lasting-more = … og { $n } til
lasting-look = Det hele vises med: `{ $command }`

## Who outside wants to be told of outages

label-subscribe = Abonnement
subscribe-title = Driftsmeddelelser: bekræft
subscribe-text = Nogen, formentlig du, vil have, at du får besked om driftsforstyrrelser med mail. Vil du ikke det, skal du ikke gøre noget: du hører ikke mere fra os.
subscribe-confirm = Hvis du vil, så sig det her: { $link }
why-subscriber = abonnent
page-confirm-title = Driftsmeddelelser
page-confirm = Vil du have besked om driftsforstyrrelser til { $mail }?
page-confirm-button = Ja, giv mig besked
page-confirmed-title = Du får besked fra nu af
page-confirmed = Hver mail har et link, der afslutter det.
page-unsubscribe-title = Ikke flere mails?
page-unsubscribe = { $mail } får ikke mere besked om driftsforstyrrelser, når du har trykket på knappen.
page-unsubscribe-button = Ikke flere mails
page-unsubscribed-title = Du får ikke flere mails
page-unsubscribed = Du skal ikke gøre mere.
page-subscribe-title = Få besked om driftsforstyrrelser
page-subscribe = Angiv din adresse. Du får en mail dertil med et link, hvor du bekræfter, at du vil det.
page-subscribe-field = Din mailadresse
page-subscribe-button = Send mailen
page-subscribe-sent-title = Se i din mail
page-subscribe-sent = Hvis adressen er rigtig og ikke abonnerer i forvejen, er en mail på vej dertil. Uden linket i den sker der ikke mere.
page-no-address-title = Det er ingen mailadresse
page-too-many-title = For mange spørger på én gang
