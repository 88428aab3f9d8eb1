"""Which tool does a request want?

The one it shares words with.  A tool is known by the words of its name, its description and its parameters, a
request by its own, and a word that few tools have counts for more than one that all have:

    get_weather   Weather forecast for a city on a given day.     weather forecast city day
    book_flight   Book a flight.                                  book flight

    "Book me a flight to Rome"      book, flight  → book_flight
    "Che tempo fa a Torino?"        tempo ≈ weather  → get_weather

A sum in the request asks for a tool that calculates; what is quoted is what to write, and asks for nothing.

People ask in one language for tools described in another, so words of one *topic* count as one word: the
table says that `tempo`, `meteo` and `weather` are.  Endings are cut, so that `converti` meets `convertire`.

It is a table on purpose.  To teach the lookup model another topic, add a row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from constrain.engine.lookup.computing import sum_in
from constrain.engine.lookup.lexicon import fold, phrase

TOPICS: tuple[str, ...] = (
    "weather|forecast|meteo|tempo|previsioni|rain|piove|piovera|pioggia|snow|neve|nevica|sunny|umbrella|ombrello|temperature|temperatura",
    "convert|exchange|cambia|cambio|currency|currencies|valuta|valute|euro|euros|dollar|dollars|dollari|pounds|sterline|yen|franchi",
    "flight|flights|fly|volo|voli|volare|aereo|airline",
    "train|treno|treni|railway",
    "hotel|albergo|alberghi|accommodation|alloggio",
    "restaurant|ristorante|ristoranti|trattoria|pizzeria|table|tavolo",
    "book|booking|reserve|reservation|prenota|prenotami|prenotare|prenotazione",
    "email|mail|e-mail|posta",
    "message|messaggio|sms|text message|whatsapp",
    "send|invia|inviare|manda|mandare|spedisci|scrivi|write",
    "search|find|look|google|cerca|cercami|trova|trovami|ricerca|news|notizie|latest|internet|online|web|information|informazioni",
    "calendar|calendario|event|evento|appointment|appuntamento|meeting|riunione|agenda|schedule|programma|fissa",
    "reminder|remind|ricordami|promemoria",
    "alarm|sveglia|timer|wake",
    "stock|stocks|share|shares|azione|azioni|borsa|ticker|quotazione|quotazioni|quota",
    "price|prices|prezzo|prezzi|cost|costo|costa|costano",
    "translate|translation|traduci|traduzione|tradurre|traducimi",
    "calculate|compute|calcola|calcolare|calcolo|math|expression|percent|percentuale|radice|root|square|multiply|moltiplica|plus|times|divided|diviso|somma|sum|solve|risolvi|factorial|fattoriale",
    "music|song|musica|canzone|play|riproduci|suona|playlist",
    "light|lights|lamp|luce|luci|lampada|accendi|spegni|switch",
    "route|directions|distance|distanza|strada|percorso|indicazioni|navigate|map|mappa",
    "order|ordina|ordinare|buy|purchase|compra|acquista",
    "cancel|annulla|cancella|delete|elimina|remove|rimuovi",
    "note|notes|nota|appunto|list|lista|elenco",
    "call|phone|telefona|chiama|telephone",
    "file|files|document|documento|folder|cartella",
    "recipe|recipes|ricetta|ricette|cook|cucina",
    "movie|movies|film|cinema|watch",
    "user|account|utente|profile|profilo|password",
)
"""Words that ask for the same thing, in English and Italian, folded."""

_TOPIC_OF = {word: f"#{number}" for number, row in enumerate(TOPICS) for word in row.split("|")}

_QUOTED = re.compile(r"\"[^\"\n]+\"|“[^”\n]+”|«[^»\n]+»|(?<!\w)'[^'\n]{2,}'(?!\w)")

_EMPTY_WORDS = """
a an the of for to in on at by with from and or is are be it its this that these those given current
get set gets returns return provide provides using use used user's un una uno il lo la gli le i di da del
della per con su che e o al alla nel nella mi me my what which how who when where come quando dove chi
quale quali please can could you your would do does did want need like tell give show have has fa
value name type number up date day new one some any if not no si ti ci ho hai
quanto quanta quanti quante much many
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_PARAMETER, _DESCRIPTION, _NAME = 0.25, 1.0, 2.0
LEAST = 1.0
"""A tool whose words weigh less than this is not what the request wants."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as the prompt shows it."""

    name: str
    description: str
    parameters: dict[str, Any]


def scores(text: str, offers: Sequence[Offer]) -> dict[str, float]:
    """How much each tool has to do with a text, by name; 0 where they share no word.

    >>> tools = [Offer("get_weather", "Forecast for a city", {}), Offer("book_flight", "Book a flight", {})]
    >>> scores("Che tempo fa a Torino?", tools)["book_flight"]
    0.0
    """
    known = {offer.name: _weights(offer) for offer in offers}
    text = _QUOTED.sub(" ", text)
    asked = _keys(text) | ({_TOPIC_OF["calculate"]} if sum_in(fold(text)) else set())
    return {name: sum(_share(key, name, known) for key in asked) for name in known}


def _share(key: str, name: str, known: Mapping[str, Mapping[str, float]]) -> float:
    """What one word of a request says for one tool: less, where other tools have it too."""
    own = known[name].get(key, 0.0)
    return own * own / sum(weights.get(key, 0.0) for weights in known.values()) if own else 0.0


def _weights(offer: Offer) -> dict[str, float]:
    """The words that a tool is known by, and how much each says."""
    found: dict[str, float] = {}
    properties = offer.parameters.get("properties", {})
    sources = [(_PARAMETER, phrase(str(key))) for key in (properties if isinstance(properties, dict) else ())]
    sources += [(_DESCRIPTION, offer.description), (_NAME, phrase(offer.name))]
    for weight, text in sources:
        found.update(dict.fromkeys(_keys(text), weight))
    return found


def _keys(text: str) -> set[str]:
    """The content words of a text: their topic, or else their stem."""
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", fold(text))
    return {_TOPIC_OF.get(word) or _stem(word) for word in words if word not in _EMPTY}


def _stem(word: str) -> str:
    return word if len(word) < 5 else word[: max(4, len(word) - 2)]
