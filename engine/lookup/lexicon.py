"""What do people call things?  Concepts, their names and their phrases, in English and Italian.

A schema says `age`; a text says "I'm 42", "Età: 42 anni", "di anni 42" or "42-year-old".  A `Concept` ties
them together: `words` name it (as a key, or as a label before a colon), `before` are phrases that lead in to
a value, `after` phrases that follow one, `shapes` what its values look like (`constrain.engine.lookup.finding` knows
the shapes).  Phrases are regular expressions over folded text: lower case, without accents.

It is a table on purpose.  To teach the lookup model something, add a row.
"""
# ruff: noqa: E501 - a row of a table is a line

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing people speak of: its names, its phrases, and the shapes of its values."""

    words: str
    shapes: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    long: bool = False
    """Whether its value may run across commas."""


_INTRODUCED = (
    r"my name is|my name's|name is|mi chiamo|i am|i'm|this is|call me|sono|il mio nome e|si chiama|"
    r"named|called|chiamat[oa]|signora?|sig\.(?:ra)?|mr\.?|mrs\.?|ms\.?|dr\.?|dott\.(?:ssa)?|"
    r"written by|directed by|by|scritt[oa] da|dirett[oa] da|di nome|booking for|table for|prenotazione per|a nome di|a nome"
)

CONCEPTS: dict[str, Concept] = {
    "person": Concept(
        "name|full name|nome|nome completo|nome e cognome|nominativo|person|persona|customer|customer name|"
        "client|cliente|user|utente|author|autore|patient|paziente|contact|contatto|guest|ospite|employee|"
        "dipendente|student|studente|artist|artista|owner|titolare|firmatario|director|regista|"
        "assignee|doctor|medico|teacher|speaker|singer|cantante",
        ("name",),
        _INTRODUCED,
    ),
    "recipient": Concept(
        "recipient|destinatario|beneficiary|beneficiario|payee", ("name", "email"), r"to|a|per|for"
    ),
    "sender": Concept("sender|mittente|seller|venditore|payer|from name", ("name",), r"from|by|da|dal|dalla"),
    "username": Concept("username|user name|nome utente|login|handle|account|nickname", ("quoted",)),
    "first name": Concept(
        "first name|given name|firstname|nome di battesimo|nome proprio", ("name",), _INTRODUCED
    ),
    "last name": Concept("last name|surname|family name|lastname|cognome", ("name",), _INTRODUCED),
    "age": Concept(
        "age|eta|anni|years old|age in years",
        ("number",),
        r"aged|age|di anni|i'm|i am|turned|compiuto",
        r"anni\b|years? old|-?year-old|yrs?\b|y\.?o\.?\b|enne\b",
    ),
    "city": Concept(
        "city|citta|town|comune|place|luogo|location|localita|posto|hometown|residence|residenza|destination city",
        ("name",),
        r"liv(?:e|es|ed|ing) in|bas(?:ed|ato|ata) (?:in|a)|viv[oei]\w* (?:a|in)|abit[oai]\w* (?:a|in)|"
        r"resident[ei] (?:a|in)|from|citta di|city of|weather (?:like )?(?:in|for|at)|tempo (?:fa|fara|faceva) (?:a|in)|"
        r"meteo (?:a|di|per|in)|previsioni (?:a|di|per)|(?:temperature|forecast) (?:in|for)|temperatura (?:a|di|in)|"
        r"nat[oa] a|born in|move[ds]? to|trasferit[oa] a|vengo da|viene da|sed[e]? (?:a|in)|located in|in|a|ad|at|near|vicino a",
    ),
    "origin": Concept(
        "origin|from|departure|departure city|partenza|origine|da|source|from city|departure airport|citta di partenza",
        ("name",),
        r"from|da|dall'|leaving|departing(?: from)?|partenza da|parto da|partendo da",
    ),
    "destination": Concept(
        "destination|to|arrival|arrival city|arrivo|destinazione|a|to city|arrival airport|citta di arrivo",
        ("name", "email"),
        r"to|a|per|verso|going to|fly to|destination|arriving in|arrivo a",
    ),
    "country": Concept("country|nation|paese|nazione|stato|nationality|nazionalita", ("country", "name")),
    "email": Concept("email|e mail|mail|email address|posta elettronica|indirizzo email", ("email",)),
    "phone": Concept(
        "phone|phone number|telephone|telefono|cellulare|cell|mobile|tel|numero di telefono|recapito",
        ("phone",),
    ),
    "url": Concept("url|link|website|sito|sito web|homepage|web|uri|web site|pagina", ("url",)),
    "date": Concept(
        "date|data|day|giorno|when|quando|birth date|birthday|date of birth|birthdate|data di nascita|deadline|"
        "scadenza|due date|due|start date|data inizio|event date|order date|checkin|check in|appointment date|datetime",
        ("date", "day"),
    ),
    "end date": Concept(
        "end date|data fine|check out|checkout|return date|data di ritorno|fine", ("date", "day")
    ),
    "time": Concept("time|ora|orario|hour|at time|start time|ore", ("time",), r"at|alle|ore|alle ore"),
    "year": Concept("year|anno|published|publication year|year published|anno di pubblicazione", ("year",)),
    "price": Concept(
        "price|prezzo|cost|costo|amount|importo|total|totale|total price|total amount|somma|spesa|budget|salary|"
        "stipendio|fee|tariffa|unit price|prezzo unitario|value|valore|paid|stipendio annuo|ral|rent|affitto|canone|rata|bill|conto",
        ("money", "number"),
        r"costs?|costa(?:no)?|paid|pagato|for|per|priced at|at|a|totale(?: di)?|total of|budget (?:of|di)|earns?|guadagna",
    ),
    "currency": Concept("currency|valuta|moneta", ("currency",)),
    "quantity": Concept(
        "quantity|quantita|qty|count|number|numero|amount of items|pieces|pezzi|how many|quanti|quante|copies|"
        "copie|units|unita|tickets|biglietti|people|persone|guests|ospiti|party size|coperti|seats|posti|num people|"
        "number of people|numero di persone|passengers|passeggeri|nights|notti|rooms|camere|number of guests",
        ("number",),
        r"quantity(?: of)?|quantita(?: di)?|order(?:ed)?|buy|bought|compr\w+|vorrei(?: ordinare)?|voglio|ordin\w+|want|"
        r"need|send(?: me)?|add|aggiungi|get|party of|table for|tavolo per|prenot\w+ per|x",
        r"(?:pieces|pezzi|units|unita|copies|copie|items|articoli|x\b|people|persone|guests|ospiti|pax|tickets|biglietti)",
    ),
    "product": Concept(
        "product|prodotto|item|articolo|product name|nome prodotto|item name|dish|piatto|article|thing|oggetto|cosa",
        ("quoted", "thing"),
        r"buy|bought|purchas\w+|order(?:ed)?|compr(?:o|a|are|ato|iamo)|ordin(?:o|a|are|ato)|vorrei|voglio|want|need|prend\w+|add|aggiungi|mett\w+|bring|porta\w*",
    ),
    "code": Concept(
        "id|code|codice|order id|order number|numero ordine|numero d'ordine|ordine|order|reference|riferimento|sku|"
        "ticket|ticket id|invoice|invoice number|fattura|numero fattura|identifier|identificativo|tracking|"
        "customer id|codice cliente|flight|flight number|volo|targa|plate|iban|codice fiscale|serial",
        ("code", "number"),
        r"(?:order|ordine|ticket|invoice|fattura|codice|code|flight|volo|pratica|reference|rif\.?|id)\s*"
        r"(?:number|numero|no\.?|nr\.?|n\.?|num\.?|#|:|is|e)?",
    ),
    "company": Concept(
        "company|azienda|societa|employer|datore di lavoro|organization|organisation|organizzazione|firm|ditta|"
        "brand|marca|vendor|fornitore|supplier|store|negozio|school|university|universita|company name|impresa|publisher",
        ("name",),
        r"work(?:s|ed|ing)? (?:at|for)|lavor\w+ (?:per|presso|in|da|alla|all')|employed (?:at|by)|joined|at|presso|from|da",
    ),
    "job": Concept(
        "job|job title|profession|professione|occupation|occupazione|lavoro|mestiere|role|ruolo|position|posizione|title of job|qualifica",
        ("phrase",),
        r"work(?:s|ed|ing)? [\w ]{0,30}?as an?|i am an?|i'm an?|is an?|as an?|sono un[oa']?|lavor\w+ [\w ]{0,30}?come|e un[oa']?|"
        r"facci?o? (?:il |la |l'|lo )|fa (?:il |la |l'|lo )|di professione|by profession",
    ),
    "address": Concept(
        "address|indirizzo|street|via|street address|shipping address|indirizzo di spedizione|delivery address|residenza",
        ("address",),
        long=True,
    ),
    "zip": Concept("zip|zip code|postal code|postcode|cap|codice postale|zipcode", ("zip",)),
    "percent": Concept(
        "percent|percentage|percentuale|discount|sconto|rate|tasso|iva|vat|tax", ("percent", "number")
    ),
    "temperature": Concept(
        "temperature|temperatura|degrees|gradi|temp",
        ("number",),
        "",
        r"(?:°|gradi|degrees|celsius|fahrenheit)",
    ),
    "duration": Concept(
        "duration|durata|minutes|minuti|hours|ore|length|days|giorni|duration minutes|weeks|settimane|mesi|months",
        ("number",),
        r"for|per|lasts?|dura",
        r"(?:minut\w+|min\b|hours?|ore\b|ora\b|days?|giorn\w|weeks?|settiman\w|months?|mesi\b)",
    ),
    "weight": Concept(
        "weight|peso|kg|kilograms|grams|grammi|chili|weight kg",
        ("number",),
        r"weigh(?:s|ing)?|pes\w+",
        r"(?:kg|kilo\w*|chil[io]|g\b|gramm\w|grams?|lbs?|pounds)",
    ),
    "height": Concept(
        "height|altezza|height cm|altezza cm",
        ("number",),
        r"alt[oa]|tall",
        r"(?:cm|m\b|metri|meters|metres|feet|ft)",
    ),
    "rating": Concept(
        "rating|voto|score|punteggio|stars|stelle|valutazione",
        ("number",),
        r"rate|rated|voto|score of",
        r"(?:stars?|stelle|su \d+|out of|/\s?\d+)",
    ),
    "expression": Concept(
        "expression|math expression|espressione|formula|calculation|calcolo|operation|operazione"
    ),
    "room": Concept("room|stanza|camera|ambiente", ("phrase",), r"in the|in my|in|nella|nel|in|room"),
    "color": Concept("color|colour|colore|tinta", ("color",)),
    "language": Concept("language|lingua|idioma|target language|source language", ("language",)),
    "ticker": Concept(
        "ticker|symbol|ticker symbol|stock symbol|stock|titolo azionario",
        ("name",),
        r"(?:stocks?|shares?|stock price|share price) (?:of|for)|azioni(?: di| della| dell')?",
    ),
    "title": Concept(
        "title|titolo|subject|oggetto|headline|book|libro|movie|film|song|canzone|book title|event|evento",
        ("quoted",),
        r"(?:titled|intitolat[oa]|called|chiamat[oa]|book|libro|film|movie)",
        long=True,
    ),
    "text": Concept(
        "text|testo|description|descrizione|summary|riassunto|sintesi|message|messaggio|body|content|contenuto|note|notes|"
        "comment|commento|query|question|domanda|reason|motivo|sentence|frase|input|quote|feedback|review|recensione|problem|problema",
        ("whole",),
        r"search (?:for|the web for)|cerca(?:mi)?(?: su internet| online| sul web| su google)?|look up|find|google|trova(?:mi)?|ricorda(?:mi)? di|remind me to",
        long=True,
    ),
}

ENUM_WORDS: dict[str, str] = {
    "positive": "love|great|excellent|amazing|good|happy|fantastic|wonderful|perfect|best|ottim|eccellent|fantastic|"
    "bellissim|buon|felice|perfett|adoro|meraviglios|contentissim|soddisfatt|recommend|enjoy|consigli",
    "negative": "hate|terrible|awful|bad|worst|disappoint|horrible|broken|angry|poor|pessim|orribil|bruttissim|delus|brutt|"
    "odio|schif|rotto|rotta|peggior|arrabbiat|terribil|scadent|late|refund",
    "neutral": "okay|average|so-so|normale|nella media|accettabile|discreto|fine",
    "high": "urgent|asap|immediately|critical|urgente|subito|critic|alta|alto|immediat|blocked|bloccat|down",
    "low": "whenever|no rush|not urgent|bassa|basso|con calma|non urgente|minor|when you can|quando puoi",
    "medium": "media|medio|moderat|normal",
    "urgent": "urgent|asap|immediately|urgente|subito",
    "celsius": "celsius|centigrad|°c|gradi|roma|milano|torino|napoli",
    "fahrenheit": "fahrenheit|°f",
    "metric": "metric|celsius|km|metr",
    "imperial": "imperial|fahrenheit|mile",
    "eur": "€|euro",
    "usd": r"\$|dollar|usd",
    "gbp": "£|pound|sterlin",
    "male": "male|man|he|his|mr|uomo|maschio|signor|lui|nato",
    "female": "female|woman|she|her|mrs|ms|donna|femmina|signora|lei|nata",
    "small": "small|piccol", "large": "large|big|grand", "red": "red|ross", "blue": "blue|blu|azzurr", "green": "green|verd",
    "black": "black|ner[oa]", "white": "white|bianc", "yellow": "yellow|giall", "rosso": "red|ross", "blu": "blue|blu",
    "it": "italian", "en": "english|ingles", "fr": "french|frances", "de": "german|tedesc", "es": "spanish|spagnol",
    "italian": "italian", "english": "english|ingles", "french": "french|frances", "german": "german|tedesc", "spanish": "spanish|spagnol",
    "yes": "yes|si|sure|certo|ok", "no": "no|not|non|never|mai", "si": "yes|si|sure|certo",
    "single": "single|singola|celibe|nubile", "double": "double|doppia|matrimoniale", "suite": "suite",
    "credit card": "credit card|carta", "cash": "cash|contanti", "bank transfer": "bank transfer|bonifico",
    "bug": "bug|error|crash|errore|broken|fails|non funziona", "feature": "feature|would be nice|funzione|aggiungere|could you add",
    "billing": "bill|charge|invoice|refund|payment|fattur|addebit|rimborso|pagamento", "technical": "crash|error|login|password|bug|errore|non funziona|accedere",
    "todo": "todo|to do|da fare", "done": "done|finished|completed|fatto|finito|completat", "in progress": "in progress|working on|in corso",
}  # fmt: skip
"""What else people say for a member of an enumeration: stems, so that endings need no list."""

NUMBER_WORDS: dict[str, int] = {
    word: number
    for number, words in {
        1: "one un uno una", 2: "two due couple", 3: "three tre", 4: "four quattro", 5: "five cinque", 6: "six sei",
        7: "seven sette", 8: "eight otto", 9: "nine nove", 10: "ten dieci", 11: "eleven undici", 12: "twelve dodici dozen dozzina",
        13: "thirteen tredici", 14: "fourteen quattordici", 15: "fifteen quindici", 16: "sixteen sedici", 18: "eighteen diciotto",
        20: "twenty venti", 30: "thirty trenta", 40: "forty quaranta", 50: "fifty cinquanta", 100: "hundred cento",
    }.items()
    for word in words.split()
}  # fmt: skip

MONTHS: dict[str, int] = {
    name: index % 12 + 1
    for names in (
        "january february march april may june july august september october november december",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    )
    for index, name in enumerate(names.split())
}
MONTHS |= {name[:3]: number for name, number in MONTHS.items()}

DAYS = (
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|lunedi|martedi|mercoledi|giovedi|venerdi|sabato|"
    "domenica|today|tomorrow|tonight|yesterday|oggi|domani|dopodomani|stasera|ieri"
)
COLORS = (
    "red|blue|green|black|white|yellow|orange|purple|pink|brown|gr[ae]y|ross[oaie]|blu|verd[ei]|ner[oaie]|"
    "bianc(?:o|a|hi|he)|giall[oaie]|arancione|viola|rosa|marrone|grigi[oa]|azzurr[oa]"
)
LANGUAGES = (
    "english|italian|french|german|spanish|portuguese|chinese|japanese|russian|arabic|inglese|italiano|francese|"
    "tedesco|spagnolo|portoghese|cinese|giapponese|russo|arabo"
)
COUNTRIES = (
    "italy|italia|france|francia|germany|germania|spain|spagna|united states|usa|stati uniti|uk|united kingdom|"
    "england|inghilterra|regno unito|japan|giappone|china|cina|india|brazil|brasile|canada|switzerland|svizzera|austria|"
    "portugal|portogallo|greece|grecia|mexico|messico|australia|netherlands|ireland|irlanda|poland|polonia"
)
CURRENCIES = {"€": "EUR", "euro": "EUR", "eur": "EUR", "$": "USD", "dollar": "USD", "dollari": "USD", "usd": "USD",
              "£": "GBP", "pound": "GBP", "gbp": "GBP", "sterline": "GBP"}  # fmt: skip

NEGATIONS = r"\b(?:no|not|non|never|mai|without|senza|don't|doesn't|isn't|aren't|won't|nessun\w*|neither|nor|ne|cannot|can't)\b"
YES = r"(?:yes|true|si|vero|y|certo|sure|ok|on|x)\b"
NO = r"(?:no|false|falso|n|off|non|not)\b"

_COMMON_WORDS = """
a an the i i'm my me we you he she it they this that these those is are was and or but if in on at
for from to by with of please what what's which who whose when where why how hi hello dear hey can
could would will shall do does did give extract find get tell show create make write send book order
add buy set remind schedule translate search look call thanks thank yes no il lo la gli le un uno
una mi ti si ci vi ho hai ha abbiamo hanno sono sei e siamo siete che chi cosa quando dove come
perche quanto quanti quanta quante quale quali ciao salve buongiorno buonasera gentile caro cara per
con da di su tra fra al alla ai alle del della dei delle nel nella vorrei voglio devo puoi potresti
dammi estrai trova crea scrivi prenota ordina aggiungi cerca compra chiama invita contatta ricordami traduci manda invia
questo questa questi lei lui loro noi oggi domani ieri today tomorrow yesterday grazie her his their
our its there here note name age city nome eta citta mio mia sig signor signora mr mrs ms dr am pm
not non vivo abito lavoro ordine regards meeting riunione appuntamento incontro invoice fattura
total totale customer cliente contact contatto we've i've it's he's she's let's let need want i'd
favore last next first
"""
COMMON = frozenset(_COMMON_WORDS.split())
"""Words that open sentences and are no names."""


def fold(text: str) -> str:
    """Lower case without accents, character for character, so that positions stay those of `text`.

    >>> fold("Età: PERÙ")
    'eta: peru'
    """
    return "".join(map(_fold_character, text))


def _fold_character(character: str) -> str:
    if character in "’‘`´":
        return "'"
    return unicodedata.normalize("NFKD", character)[0].lower()[:1] or character


def phrase(name: str) -> str:
    """A key as the words it was made of.

    >>> phrase("shippingAddress_line2"), phrase("dataDiNascita"), phrase("userID")
    ('shipping address line2', 'data di nascita', 'user id')
    """
    spaced = re.sub(r"(?<=[a-zà-ÿ0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^\w']+|_+", " ", name)
    return fold(" ".join(spaced.split()))


def concept_of(*phrases: str) -> Concept | None:
    """The concept that phrases name: by the whole phrase, else by its last or first words.

    >>> concept_of("customer email") is CONCEPTS["email"], concept_of("eta") is CONCEPTS["age"]
    (True, True)
    """
    for text in phrases:
        words = text.split()
        for size in range(len(words), 0, -1):
            for part in (words[-size:], words[:size]):
                if found := _BY_WORD.get(" ".join(part)):
                    return found
    return None


_BY_WORD = {word: concept for concept in reversed(CONCEPTS.values()) for word in concept.words.split("|")}
"""Where two concepts share a word, the earlier row has it."""
