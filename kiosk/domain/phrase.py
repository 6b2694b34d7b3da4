"""Two check words that the tablet and the phone show alike, so that the driver sees that the page is the right one.

Plain things and colours, in the tablet's language. The German, Dutch and French things are of one gender, so that
every pair reads well.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LOOKS = {
    "en": _words("""
        amber azure blue brass bronze cherry cloudy cobalt copper cotton crystal emerald frosty glass golden granite
        green grey indigo ivory lemon lilac linen marble mint misty olive orange paper pearl pink plum purple red round
        ruby sandy scarlet silver snowy starry striped sunny turquoise velvet violet walnut white wooden yellow
    """),
    "de": _words("""
        blauer bunter eiserner eisiger frostiger funkelnder gelber gestreifter gläserner glänzender goldener grauer
        grüner heller himmelblauer hölzerner honiggelber karierter kirschroter kristallener kupferner leuchtender
        marmorner moosgrüner nachtblauer nebliger olivgrüner perlgrauer purpurner rostbrauner roter rubinroter runder
        samtener sandiger schneeweißer seidener silberner sonniger steinerner stiller türkiser violetter weißer
        windiger wolkiger wollener zitronengelber
    """),
    "nl": _words("""
        besneeuwde blauwe bonte bronzen bruine citroengele fluwelen gele gestreepte geruite glanzende glazen gouden
        grasgroene grijze groene heldere hemelsblauwe honinggele houten ijzeren katoenen kersenrode kleurige koperen
        kristallen linnen marmeren mistige mosgroene oranje paarse papieren parelgrijze purperen robijnrode rode stenen
        stille turquoise wollen winderige witte wolkige zachte zijden zilveren zonnige
    """),
    "fr": _words("""
        acajou ambré argenté azuré beige blanc bleu boisé brillant bronze calme cendré cerise cobalt corail crème cuivré
        doré écarlate émeraude étoilé feutré fleuri glacé gris indigo ivoire jaune lilas lumineux marbré marin mauve
        menthe moucheté nacré neigeux nuageux ocre orange pourpre rayé rond rose rouge sable scintillant soyeux
        turquoise velouté vert violet
    """),
}
THINGS = {
    "en": _words("""
        anchor apple badger balloon basket bell bicycle bridge button candle castle compass dolphin drum eagle falcon
        feather fox garden giraffe harbour hedgehog island kettle kite ladder lantern lighthouse lizard meadow otter owl
        panda penguin piano pillow rabbit river rocket spoon squirrel teapot tiger tower tractor tulip umbrella violin
        whale window zebra
    """),
    "de": _words("""
        Adler Ahorn Anker Apfel Bach Ballon Berg Brunnen Delfin Drachen Eimer Elch Falke Falter Fluss Fuchs Garten
        Globus Hafen Hirsch Igel Kaktus Kamin Kessel Knopf Koala Koffer Kompass Korb Kranich Kürbis Leuchtturm Löffel
        Mond Otter Panda Papagei Pfirsich Pinguin Roller Schirm Schlitten Schlüssel Specht Spiegel Storch
        Teppich Tiger Tisch Traktor Vulkan Wald Zug
    """),
    "nl": _words("""
        appel arend ballon berg boom brug cactus dolfijn egel eland emmer fiets giraf haven ketel kiezel klok knoop
        koala koffer kraanvogel lantaarn lepel maan molen ooievaar otter panda papegaai paraplu perzik piano pinguïn
        pompoen raket rivier schildpad sleutel specht spiegel tafel tijger toren tractor trein trommel tuin tulp
        valk viool vlieger vlinder vos vulkaan walvis wolk zebra
    """),
    "fr": _words("""
        aigle arbre bateau bouton cactus canard castor cerf château coffre dauphin écureuil escalier fauteuil
        flocon globe hamac hérisson igloo jardin kayak lapin lézard manège melon miroir moulin oiseau panda panier
        papillon parapluie perroquet phare piano pinceau pingouin pont renard ruisseau saumon scarabée soleil tambour
        tapis tigre tournesol tracteur traîneau vélo violon voilier volcan zèbre
    """),
}
THING_FIRST = frozenset({"fr"})


def phrase_of(number: int, language: str) -> str:
    """The two words for a number; in English for a language without words of its own."""
    language = language if language in LOOKS else "en"
    rest, look = divmod(number, len(LOOKS[language]))
    words = (LOOKS[language][look], THINGS[language][rest % len(THINGS[language])])
    return " ".join(reversed(words) if language in THING_FIRST else words)
