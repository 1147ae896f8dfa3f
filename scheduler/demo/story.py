"""The script: who publishes what when, and what goes wrong meanwhile.

Lives here: plain values; sites, reports and events are invented. Not here: how a site serves them (`world`),
how Slack behaves (`slack`), who turns the pages (`stage`).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

WATCH = "openai-microsoft"  # of the watches.yaml that ships with Tocsin


@dataclass(frozen=True, slots=True)
class Site:
    """A paper of this world, with a feed and a page for each report."""

    id: str
    name: str
    speaks: Literal["RSS", "Atom", "JSON Feed"]
    language: str
    publisher: str = "press"


@dataclass(frozen=True, slots=True)
class Report:
    """One thing a site publishes."""

    slug: str
    site: Site
    title: str
    text: str  # paragraphs parted by an empty line
    event: str | None = None  # reports of one event are to be told once; None: nobody is to be told
    links_to: "Report | None" = None  # it has no page of its own, as with aggregators
    age: timedelta = timedelta(0)  # how long it had been there when the curtain rose
    manner: str = "publishes"

    @property
    def path(self) -> str:
        return f"/news/{self.slug}"

    @property
    def paragraphs(self) -> list[str]:
        return [" ".join(paragraph.split()) for paragraph in self.text.split("\n\n")]


# --- what happens


@dataclass(frozen=True, slots=True)
class Publish:
    report: Report


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The site changes the headline of something it has published."""

    report: Report
    title: str


Ill = Literal["unavailable", "silent"]


@dataclass(frozen=True, slots=True)
class FallIll:
    """The site answers the next requests for its feed like this, one after the other."""

    site: Site
    answers: tuple[Ill, ...]


Mood = Literal["too fast", "hangs up"]


@dataclass(frozen=True, slots=True)
class Annoy:
    """Slack answers the first message on this report like this."""

    report: Report
    mood: Mood


Act = Publish | Rewrite | FallIll | Annoy


@dataclass(frozen=True, slots=True)
class Scene:
    """`at` is in seconds of the full-length play; but never before the report `after` has been told."""

    at: float
    acts: tuple[Act, ...]
    after: Report | None = None


# --- the sites

LEDGER = Site("millrace-ledger", "The Millrace Ledger", "JSON Feed", "en")
SKYLARK = Site("skylark-digest", "Skylark Digest", "RSS", "en", "aggregator")
COURRIER = Site("courrier-du-phare", "Le Courrier du Phare", "Atom", "fr")
TALBOTE = Site("talbote", "Der Talbote", "RSS", "de")
NORDHAVN = Site("nordhavn-tidende", "Nordhavn Tidende", "RSS", "da")

SITES = (LEDGER, SKYLARK, COURRIER, TALBOTE, NORDHAVN)

# --- what was there before us

PAST = (
    Report(
        "openai-microsoft-first-contract",
        LEDGER,
        "Looking back: how OpenAI and Microsoft signed their first partnership agreement",
        """
        A long read on the evening OpenAI and Microsoft agreed to become partners, told by the people who
        had to find a table for nine.
        """,
        age=timedelta(days=3),
    ),
    Report(
        "millrace-bridge-reopens",
        LEDGER,
        "Millrace bridge reopens after eleven months",
        "Cyclists were the first to cross, a brass band the second.",
        age=timedelta(hours=20),
    ),
    Report(
        "skylark-picks-monday",
        SKYLARK,
        "Five things to read over breakfast",
        "A lighthouse for sale, a goat that votes, and three more.",
        age=timedelta(hours=9),
    ),
    Report(
        "phare-journees-du-patrimoine",
        COURRIER,
        "Le phare ouvre ses portes deux week-ends de suite",
        "Deux cent douze marches, et une vue qui les vaut.",
        age=timedelta(hours=30),
    ),
    Report(
        "talbahn-faehrt-wieder",
        TALBOTE,
        "Die Talbahn fährt wieder im Stundentakt",
        "Ab Montag hält sie auch in Oberhausbach, allerdings nur auf Wunsch.",
        age=timedelta(hours=26),
    ),
    Report(
        "havnebadet-faar-sauna",
        NORDHAVN,
        "Havnebadet får sauna til vinteren",
        "Kommunen har fundet pengene, badegæsterne har fundet håndklæderne.",
        age=timedelta(hours=14),
    ),
)

# --- what is published while we watch

READING_ROOM = Report(
    "microsoft-lisbon-reading-room",
    LEDGER,
    "Microsoft opens a public reading room in its Lisbon office",
    """
    Microsoft has turned the ground floor of its Lisbon office into a reading room that anybody may use on
    weekdays until eight.

    There are forty seats, two of them by the window. Neither laptops nor lunch are allowed, which the first
    visitors called the best feature of the place.
    """,
)

LONGER_PACT = Report(
    "openai-microsoft-pact-2035",
    LEDGER,
    "OpenAI and Microsoft extend their partnership to 2035",
    """
    OpenAI and Microsoft have agreed to extend their partnership to 2035, the two companies said on Tuesday.

    Under the new agreement Microsoft keeps its licence to the models of OpenAI, and OpenAI may rent
    computers from whomever it likes. Neither side named a price.

    Lawyers who have read the document describe it as long, and as friendlier than the last one.
    """,
    event="the longer partnership",
)

LONGER_PACT_LINKED = Report(
    "openai-microsoft-pact-2035",
    SKYLARK,
    "OpenAI and Microsoft extend their partnership to 2035 | The Millrace Ledger",
    "Spotted by the Skylark: the deal everybody in the valley talks about this morning.",
    event="the longer partnership",
    links_to=LONGER_PACT,
    manner="links to it, with tracking parameters",
)

LONGER_PACT_COPIED = Report(
    "openai-and-microsoft-extend",
    SKYLARK,
    "OpenAI and Microsoft extend their partnership to 2035",
    LONGER_PACT.text,
    event="the longer partnership",
    manner="prints a copy at an address of its own",
)

LONGER_PACT_REWRITTEN = "Until 2035: OpenAI and Microsoft extend their partnership, and lawyers rejoice"

INQUIRY = Report(
    "partenariat-openai-microsoft-enquete",
    COURRIER,
    "Partenariat entre OpenAI et Microsoft : le régulateur du port ouvre une enquête",
    """
    Le partenariat entre OpenAI et Microsoft intéresse désormais le régulateur, qui a ouvert une enquête
    mardi matin.

    Il veut savoir si l'accord laisse aux autres assez de place sur les quais du calcul. Les deux
    entreprises disent coopérer et attendre la suite avec sérénité.

    Une première audition est prévue avant la fin du mois, dans la salle qui donne sur le phare.
    """,
    event="the inquiry",
)

DATA_CENTRE = Report(
    "microsoft-openai-rechenzentrum-vertrag",
    TALBOTE,
    "Ein Rechenzentrum soll das Freibad im Tal heizen",
    """
    Microsoft und OpenAI haben einen Vertrag über ein gemeinsames Rechenzentrum im Tal geschlossen, teilte
    die Gemeinde mit.

    Gebaut wird auf der Wiese hinter dem Sägewerk. Die Abwärme soll das Freibad heizen, und der Förderverein
    des Freibads hat schon neue Liegestühle bestellt.

    Der Gemeinderat stimmt in der kommenden Woche ab; mit Widerstand rechnet niemand.
    """,
    event="the data centre",
)

REVENUE = Report(
    "microsoft-openai-deler-indtaegter",
    NORDHAVN,
    "Microsoft og OpenAI deler indtægter: 12 milliarder kroner sidste år",
    """
    Microsoft og OpenAI delte 12 milliarder kroner sidste år, viser regnskabet, som Nordhavn Tidende har læst
    til ende.

    Begge selskaber siger, at de fik det meste. Revisoren har skrevet under på begge dele.

    Analytikere i Nordhavn kalder tallet forventet, og gik derefter i havnebadet.
    """,
    event="the shared revenue",
)


NEW = (READING_ROOM, LONGER_PACT, LONGER_PACT_LINKED, LONGER_PACT_COPIED, INQUIRY, DATA_CENTRE, REVENUE)

LENGTH = 50.0  # seconds of the whole demo in which the scenes below take place as written
END = 38.0

SCENES = (
    Scene(3, (Publish(READING_ROOM),)),
    Scene(6, (Publish(LONGER_PACT),)),
    Scene(11, (Publish(LONGER_PACT_LINKED),), after=LONGER_PACT),
    Scene(13.5, (Publish(LONGER_PACT_COPIED),), after=LONGER_PACT),
    Scene(16, (Rewrite(LONGER_PACT, LONGER_PACT_REWRITTEN),), after=LONGER_PACT),
    Scene(19, (Publish(DATA_CENTRE), FallIll(TALBOTE, ("unavailable", "silent")))),
    Scene(20.5, (Publish(INQUIRY), Annoy(INQUIRY, "too fast"))),
    Scene(30, (Publish(REVENUE), Annoy(REVENUE, "hangs up")), after=INQUIRY),
)
