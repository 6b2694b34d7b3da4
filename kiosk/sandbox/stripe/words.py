"""The words of the Stripe stand-in in English, Dutch, German and French: form labels, form errors and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LANGUAGES = ("en", "nl", "de", "fr")

_TABLE: Mapping[str, tuple[str, str, str, str]] = MappingProxyType(
    {
        # The form
        "sandbox": (
            "Sandbox: test cards only",
            "Sandbox: alleen testkaarten",
            "Sandbox: nur Testkarten",
            "Sandbox : cartes de test uniquement",
        ),
        "title": ("Payment fields", "Betaalvelden", "Zahlungsfelder", "Champs de paiement"),
        "method": ("Payment method", "Betaalmethode", "Zahlungsmethode", "Moyen de paiement"),
        "card": ("Card", "Kaart", "Karte", "Carte"),
        "revolut_pay": ("Revolut Pay (sandbox)",) * 4,
        "redirect_note": (
            "You will be sent to a test page of the sandbox.",
            "Je gaat naar een testpagina van de sandbox.",
            "Sie werden zu einer Testseite der Sandbox geleitet.",
            "Vous serez dirigé vers une page de test du bac à sable.",
        ),
        "number": ("Card number", "Kaartnummer", "Kartennummer", "Numéro de carte"),
        "expiry": ("Expiration date", "Vervaldatum", "Ablaufdatum", "Date d'expiration"),
        "expiry_form": ("MM / YY", "MM / JJ", "MM / JJ", "MM / AA"),
        "cvc": ("Security code", "Beveiligingscode", "Sicherheitscode", "Code de sécurité"),
        "wallet": ("Google Pay (sandbox)",) * 4,
        "wallet_obliges": (
            "Pay with Google Pay (sandbox)",
            "Betalen met Google Pay (sandbox)",
            "Mit Google Pay (sandbox) bezahlen",
            "Payer avec Google Pay (sandbox)",
        ),
        "wallet_question": (
            "Pay with Google Pay?",
            "Betalen met Google Pay?",
            "Mit Google Pay bezahlen?",
            "Payer avec Google Pay ?",
        ),
        "wallet_pay": ("Pay", "Betalen", "Bezahlen", "Payer"),
        "wallet_cancel": ("Cancel", "Annuleren", "Abbrechen", "Annuler"),
        "wallet_failed": (
            "The payment did not go through.",
            "De betaling is niet gelukt.",
            "Die Zahlung ist nicht zustande gekommen.",
            "Le paiement n'a pas abouti.",
        ),
        # The challenge and redirect pages
        "challenge_title": (
            "3D Secure test challenge",
            "3D Secure-testcontrole",
            "3D-Secure-Testprüfung",
            "Vérification 3D Secure de test",
        ),
        "redirect_title": (
            "Revolut Pay (sandbox)",
            "Revolut Pay (sandbox)",
            "Revolut Pay (Sandbox)",
            "Revolut Pay (bac à sable)",
        ),
        "no_bank": (
            "No bank is involved and no money moves. Choose how it ends.",
            "Er is geen bank bij betrokken en er beweegt geen geld. Kies hoe het afloopt.",
            "Keine Bank ist beteiligt, und es fließt kein Geld. Wählen Sie den Ausgang.",
            "Aucune banque n'intervient et aucun argent ne circule. Choisissez l'issue.",
        ),
        "amount": ("Amount", "Bedrag", "Betrag", "Montant"),
        "complete": ("Complete", "Voltooien", "Abschließen", "Valider"),
        "fail": ("Fail", "Laten mislukken", "Fehlschlagen lassen", "Faire échouer"),
        # Errors that the form finds
        "incomplete_number": (
            "Your card number is incomplete.",
            "Je kaartnummer is onvolledig.",
            "Ihre Kartennummer ist unvollständig.",
            "Votre numéro de carte est incomplet.",
        ),
        "invalid_number": (
            "Your card number is invalid.",
            "Je kaartnummer is ongeldig.",
            "Ihre Kartennummer ist ungültig.",
            "Votre numéro de carte n'est pas valide.",
        ),
        "incomplete_expiry": (
            "Your card's expiration date is incomplete.",
            "De vervaldatum van je kaart is onvolledig.",
            "Das Ablaufdatum Ihrer Karte ist unvollständig.",
            "La date d'expiration de votre carte est incomplète.",
        ),
        "invalid_expiry_month": (
            "Your card's expiration month is invalid.",
            "De vervalmaand van je kaart is ongeldig.",
            "Der Ablaufmonat Ihrer Karte ist ungültig.",
            "Le mois d'expiration de votre carte n'est pas valide.",
        ),
        "invalid_expiry_year_past": (
            "Your card's expiration year is in the past.",
            "Het vervaljaar van je kaart ligt in het verleden.",
            "Das Ablaufjahr Ihrer Karte liegt in der Vergangenheit.",
            "L'année d'expiration de votre carte est passée.",
        ),
        "incomplete_cvc": (
            "Your card's security code is incomplete.",
            "De beveiligingscode van je kaart is onvolledig.",
            "Der Sicherheitscode Ihrer Karte ist unvollständig.",
            "Le code de sécurité de votre carte est incomplet.",
        ),
        # Refusals
        "card_declined": (
            "Your card was declined.",
            "Je kaart is geweigerd.",
            "Ihre Karte wurde abgelehnt.",
            "Votre carte a été refusée.",
        ),
        "insufficient_funds": (
            "Your card has insufficient funds.",
            "Er staat te weinig saldo op je kaart.",
            "Ihre Karte ist nicht ausreichend gedeckt.",
            "Les fonds de votre carte sont insuffisants.",
        ),
        "card_velocity_exceeded": (
            "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
            "Je kaart is geweigerd: te veel pogingen kort na elkaar, of boven de limiet.",
            "Ihre Karte wurde abgelehnt: zu viele Versuche in kurzer Zeit oder Limit überschritten.",
            "Votre carte a été refusée : trop de tentatives rapprochées ou plafond dépassé.",
        ),
        "test_mode_live_card": (
            "Your card was declined. Your request was in test mode, but used a non test card.",
            "Je kaart is geweigerd. Dit is een test, en dit is geen testkaart.",
            "Ihre Karte wurde abgelehnt. Dies ist ein Test, und dies ist keine Testkarte.",
            "Votre carte a été refusée. Ceci est un test, et ce n'est pas une carte de test.",
        ),
        "expired_card": (
            "Your card has expired.",
            "Je kaart is verlopen.",
            "Ihre Karte ist abgelaufen.",
            "Votre carte a expiré.",
        ),
        "incorrect_cvc": (
            "Your card's security code is incorrect.",
            "De beveiligingscode van je kaart is onjuist.",
            "Der Sicherheitscode Ihrer Karte ist falsch.",
            "Le code de sécurité de votre carte est incorrect.",
        ),
        "invalid_cvc": (
            "Your card's security code is invalid.",
            "De beveiligingscode van je kaart is ongeldig.",
            "Der Sicherheitscode Ihrer Karte ist ungültig.",
            "Le code de sécurité de votre carte n'est pas valide.",
        ),
        "incorrect_number": (
            "Your card number is incorrect.",
            "Je kaartnummer is onjuist.",
            "Ihre Kartennummer ist falsch.",
            "Votre numéro de carte est incorrect.",
        ),
        "invalid_expiry_year": (
            "Your card's expiration year is invalid.",
            "Het vervaljaar van je kaart is ongeldig.",
            "Das Ablaufjahr Ihrer Karte ist ungültig.",
            "L'année d'expiration de votre carte n'est pas valide.",
        ),
        "processing_error": (
            "An error occurred while processing your card. Try again in a little bit.",
            "Er ging iets mis bij het verwerken van je kaart. Probeer het zo meteen opnieuw.",
            "Bei der Verarbeitung Ihrer Karte ist ein Fehler aufgetreten. Versuchen Sie es gleich noch einmal.",
            "Une erreur est survenue lors du traitement de votre carte. Réessayez dans un instant.",
        ),
        "payment_intent_authentication_failure": (
            "We are unable to authenticate your payment method. "
            "Please choose a different payment method and try again.",
            "We kunnen je betaalmethode niet verifiëren. Kies een andere betaalmethode en probeer het opnieuw.",
            "Wir können Ihre Zahlungsmethode nicht authentifizieren. "
            "Wählen Sie eine andere Zahlungsmethode und versuchen Sie es erneut.",
            "Nous ne parvenons pas à authentifier votre moyen de paiement. Choisissez-en un autre et réessayez.",
        ),
    }
)


def language_of(locale: str) -> str:
    """The language spoken for a locale such as `nl-BE`: its own if it is here, else English."""
    primary = locale.strip().lower().replace("_", "-").split("-")[0]
    return primary if primary in LANGUAGES else "en"


def words(language: str) -> dict[str, str]:
    """Every word of one language by its key."""
    column = LANGUAGES.index(language)
    return {key: row[column] for key, row in _TABLE.items()}


def refusal_text(language: str, code: str, decline_code: str | None) -> str:
    """What a customer reads. Lost, stolen and fraudulent all read as a plain decline, as Stripe has it."""
    key = decline_code if decline_code is not None and decline_code in _TABLE else code
    return _TABLE[key][LANGUAGES.index(language)]


def has_refusal(code: str | None) -> bool:
    return code in _TABLE
