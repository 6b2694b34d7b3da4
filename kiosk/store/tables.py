"""The tables. Every change here needs a migration; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from kiosk.domain.attention import Act, Attention, Level
from kiosk.domain.commands import AskedBy, CommandState, Kind, Refusal
from kiosk.domain.crosswalk import Kind as Joined
from kiosk.domain.crosswalk import Verdict
from kiosk.domain.desk import Role
from kiosk.domain.handling import Did
from kiosk.domain.mail import MailState
from kiosk.domain.nightly import NotWritten
from kiosk.domain.refunding import RefundState
from kiosk.domain.session import Phase
from kiosk.domain.site_days import ListTrouble
from kiosk.domain.telling import DeliveryState, Why
from kiosk.store import codec, fuse_codec
from kiosk.store.types import Cached, Document, Exact, Unchanging, UtcTime, Word

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
_LONG = BigInteger().with_variant(Integer, "sqlite")
"""For what is not bounded by us: long on every database, as SQLite's integers are by themselves."""


def _session_key(*, primary_key: bool = False) -> Column[str]:
    return Column("session_key", String, ForeignKey("sessions.key"), nullable=False, primary_key=primary_key)


_LEADING = (
    (),
    ("code",),
    ("code", "connector_id"),
    ("status",),
    ("phase",),
    ("card_last4",),
    ("captured_minor",),
    ("authorized_minor",),
)
"""The searches of the desk begin with one of these, and go on by time: see `kiosk.store.finding`."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", _LONG, primary_key=True),
    Column("key", String, nullable=False),
    Column("code", String, nullable=False),
    Column("connector_id", _LONG, nullable=False),
    Column("phase", Word(Phase), nullable=False),
    Column("requested_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", String),
    Column("charger_name", String),
    Column("charger_online", Boolean),
    Column("connector_status", String),
    Column("connector_since", UtcTime),
    Column("most_kw", Exact),
    Column("meter_seconds", _LONG),
    Column("tariff_currency", String),
    Column("price_per_kwh_minor", BigInteger),
    Column("start_fee_minor", BigInteger),
    Column("hold_minor", BigInteger),
    Column("limit_minor", BigInteger),
    Column("authorized_minor", BigInteger),
    Column("energy_kwh", Exact),
    Column("cost_minor", BigInteger),
    Column("captured_minor", BigInteger),
    Column("tax_minor", BigInteger),
    Column("failure_reason", Text),
    Column("email_known", Boolean, nullable=False),
    Column("created_at", UtcTime),
    Column("authorized_at", UtcTime),
    Column("charging_started_at", UtcTime),
    Column("completed_at", UtcTime),
    Column("captured_at", UtcTime),
    Column("status_since", UtcTime),
    Column("held_seen_at", UtcTime),
    Column("asked_at", UtcTime),
    Column("observed_at", UtcTime),
    Column("fresh_at", UtcTime),
    Column("gone_at", UtcTime),
    Column("back_at", UtcTime),
    Column("payment_shown_at", UtcTime),
    Column("wish", Document(codec.wish_to, codec.wish_from)),
    Column("refusal", Word(Refusal)),
    Column("retry_at", UtcTime),
    Column("last_live", Document(codec.live_to, codec.live_from)),
    Column("trace", Unchanging(codec.trace_to, codec.trace_from), nullable=False),
    Column("doubt", Document(codec.doubt_to, codec.doubt_from)),
    Column("proof", Document(codec.proof_to, codec.proof_from)),
    Column("last_known", String),
    Column("refunds", Document(codec.refunds_to, codec.refunds_from), nullable=False, server_default="[]"),
    Column("later_tariff", Document(codec.tariff_to, codec.tariff_from)),
    Column("incomplete", Boolean, nullable=False, server_default=false()),
    Column("energy_unsaid", Boolean, nullable=False, server_default=false()),
    Column("agreed", String),
    Column("given_up_at", UtcTime),
    # What follows is the store's own, not part of the domain's session.
    Column("slot", String),  # the bay while the session occupies it, else null
    Column("watch", Boolean, nullable=False),
    Column("unproven", Boolean, nullable=False),
    Column("ended_at", UtcTime),
    Column("token", Text),  # encrypted
    Column("payment", Text),  # encrypted
    Column("intent_id", String),
    Column("bank_return_at", UtcTime),
    Column("looked_at", UtcTime),  # when a reader last had it looked at, after its end
    Column("mark", String),  # the desk finds a session by these two
    Column("card_last4", String),
    UniqueConstraint("key"),
    Index("ux_sessions_slot", "slot", unique=True),
    Index(None, "watch", "id"),
    Index(None, "unproven", "id"),
    Index(None, "code"),
    Index(None, "intent_id"),
    Index(None, "ended_at"),
    Index(None, "mark"),
    *(Index(None, *leading, "requested_at", "id") for leading in _LEADING),
)

commands = Table(
    "commands",
    metadata,
    Column("id", _LONG, primary_key=True),
    _session_key(),
    Column("kind", Word(Kind), nullable=False),
    Column("asked_by", Word(AskedBy), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("state", Word(CommandState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("refusal", Word(Refusal)),
    Column("detail", Text),
    Column("email", Text),  # encrypted
    Column("email_mark", String),  # keyed; the desk finds a session by it
    Index(None, "session_key", "id"),
    Index(None, "state", "not_before"),
    Index(None, "email_mark"),
)

observations = Table(
    "observations",
    metadata,
    Column("id", _LONG, primary_key=True),
    _session_key(),
    Column("source", String, nullable=False),
    Column("seen", Document(codec.observation_to, codec.observation_from), nullable=False),
    Index(None, "session_key", "id"),
)

hints = Table(
    "hints",
    metadata,
    _session_key(primary_key=True),
    Column("hinted_at", UtcTime, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    _session_key(primary_key=True),
    Column("device_hash", String, primary_key=True),
    Column("how", String, nullable=False),
    Column("granted_at", UtcTime, nullable=False),
    Index(None, "device_hash"),
)

origins = Table(
    "origins",
    metadata,
    _session_key(primary_key=True),
    Column("device_hash", String, nullable=False),
    Column("network_hash", String),  # keyed; null: not known
    Column("on_site", Boolean, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Index(None, "asked_at"),
)

full_chargers = Table(
    "full_chargers",
    metadata,
    Column("code", String, primary_key=True),
    Column("refused", Integer, nullable=False),
    Column("until", UtcTime, nullable=False),
)

takeovers = Table(
    "takeovers",
    metadata,
    Column("code_hash", String, primary_key=True),
    _session_key(),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Column("on_screen", Boolean, nullable=False, server_default="0"),
    Index(None, "session_key"),
)

taken_back = Table(
    "taken_back",
    metadata,
    Column("id", Integer, primary_key=True),
    _session_key(),
    Column("how", String, nullable=False),
    Column("granted_at", UtcTime, nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    Index(None, "session_key"),
)

mails = Table(  # of our own
    "mails",
    metadata,
    Column("id", Integer, primary_key=True),
    _session_key(),
    Column("address_hash", String, nullable=False),
    Column("sealed", Text),  # encrypted; null once it has an end
    Column("state", Word(MailState), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Index(None, "session_key"),
    Index(None, "state", "next_at"),
)

meter_stands = Table(
    "meter_stands",
    metadata,
    _session_key(primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("stopped_at", UtcTime, nullable=False),
    Column("start_wh", BigInteger, nullable=False),
    Column("stop_wh", BigInteger, nullable=False),
    Column("stop_reason", String),
    Column("seen_at", UtcTime, nullable=False),
    UniqueConstraint("number"),
)

progress = Table(  # of charges that run, by the operator's view of their site
    "progress",
    metadata,
    _session_key(primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("energy_kwh", Exact, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("rose_at", UtcTime, nullable=False),
    Column("agreed_at", UtcTime),
    Column("trace", Unchanging(codec.trace_to, codec.trace_from), nullable=False),
)

rhythm = Table(  # one row
    "rhythm",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("every_seconds", Integer, nullable=False),
)

exceptions = Table(  # what a person of the operator should look at
    "exceptions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Word(Attention), nullable=False),
    Column("subject", String, nullable=False),  # the key of a session, or the code of a charger
    Column("code", String, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("act", Word(Act), nullable=False),
    Column("amount_minor", BigInteger),
    Column("currency", String),
    Column("noticed_at", UtcTime, nullable=False),
    Column("level", Word(Level), nullable=False),
    Column("level_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("owner", String),  # three columns of people: who looks, until when it need not be seen, when it was seen to
    Column("aside_until", UtcTime),
    Column("done_at", UtcTime),
    Index(None, "subject"),
    Index(None, "closed_at", "since"),
    Index(None, "closed_at", "level", "since", "id"),
)

handlings = Table(  # what people did about exceptions; grows only
    "handlings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("exception_id", Integer, ForeignKey("exceptions.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("who", String, nullable=False),
    Column("did", Word(Did), nullable=False),
    Column("note", Text),
    Column("until", UtcTime),
    Column("was_owner", String),  # how it stood before, for whoever takes it back
    Column("was_aside_until", UtcTime),
    Column("was_done_at", UtcTime),
    Index(None, "exception_id", "id"),
)

deliveries = Table(  # of messages about exceptions
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("receiver", String, nullable=False),  # its name in kiosk.toml, where its address is
    Column("why", Word(Why), nullable=False),
    Column("state", Word(DeliveryState), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("tried_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("said", String),
    Index(None, "state", "next_at"),
    Index(None, "receiver", "id"),
)

told = Table(  # who was told of which exception, and how loud it was then
    "told",
    metadata,
    Column("receiver", String, primary_key=True),
    Column("exception_id", Integer, ForeignKey("exceptions.id"), primary_key=True),
    Column("level", Word(Level), primary_key=True),
    Column("delivery_id", Integer, ForeignKey("deliveries.id"), nullable=False),
    Index(None, "delivery_id"),
    Index(None, "exception_id"),
)

chargers = Table(
    "chargers",
    metadata,
    Column("code", String, primary_key=True),
    Column("card", Cached(codec.card_to, codec.card_from)),
    Column("problem", Word(Refusal)),
    Column("problem_at", UtcTime),
    Column("problems", Integer, nullable=False, server_default="0"),  # how many in a row
    Column("pace", Cached(codec.pace_to, codec.pace_from)),
    Index(None, "problem_at"),
)

card_wishes = Table(
    "card_wishes",
    metadata,
    Column("code", String, primary_key=True),
    Column("wanted_at", UtcTime, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("put_off", Boolean, nullable=False, server_default="0"),
)

own_chargers = Table(
    "own_chargers",
    metadata,
    Column("uuid", String, primary_key=True),
    Column("code", String),  # public; null while it is not known, or was never opened to the public
    Column("asked_at", UtcTime),
    Column("refused", Boolean, nullable=False, server_default="0"),
    Column("missing_since", UtcTime),
    Index(None, "code"),
)

own_list = Table(  # one row
    "own_list",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("whole_at", UtcTime),
    Column("learnt_at", UtcTime),
    Column("problem", String),
    Column("problem_since", UtcTime),
)

own_asks = Table(
    "own_asks",
    metadata,
    Column("code", String, primary_key=True),
    Column("asked_at", UtcTime, nullable=False),
)

site_trees = Table(
    "site_trees",
    metadata,
    Column("site_id", String, primary_key=True),
    Column("tree", Cached(fuse_codec.tree_to, fuse_codec.tree_from), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("source", String),
)

lab_facts = Table(
    "lab_facts",
    metadata,
    Column("code", String, primary_key=True),
    Column("facts", Cached(fuse_codec.facts_to, fuse_codec.facts_from), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)

pictures = Table(
    "pictures",
    metadata,
    Column("url", String, primary_key=True),
    Column("tried_at", UtcTime, nullable=False),
    Column("kind", String),
    Column("body", LargeBinary),
    Column("stamp", String),
)

receipts = Table(
    "receipts",
    metadata,
    Column("number", String, primary_key=True),
    _session_key(),
    Column("issued_at", UtcTime, nullable=False),
    Column("revised_at", UtcTime),
    Column("document", Document(codec.same, codec.same), nullable=False),
    UniqueConstraint("session_key"),
)

receipt_revisions = Table(
    "receipt_revisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String, ForeignKey("receipts.number"), nullable=False),
    Column("replaced_at", UtcTime, nullable=False),
    Column("document", Document(codec.same, codec.same), nullable=False),
    Index(None, "number", "id"),
)

receipt_years = Table(
    "receipt_years",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)

receipt_gaps = Table(  # numbers that no receipt gets, because somebody went back to a backup
    "receipt_gaps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("noted_at", UtcTime, nullable=False),
)

received_tokens = Table(  # what upstream gave for a start, until the session has it or it was given back
    "received_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    _session_key(),
    Column("token", Text, nullable=False),  # encrypted
    Column("received_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Index(None, "session_key"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("number", Integer),  # one more with every holder, and whenever it had run out; null in rows of before
)

calls = Table(
    "calls",
    metadata,
    Column("id", _LONG, primary_key=True),
    Column("endpoint", String, nullable=False),
    Column("called_at", UtcTime, nullable=False),
    Index(None, "called_at"),
)

closures = Table(
    "closures",
    metadata,
    Column("door", String, primary_key=True),
    Column("until", UtcTime, nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("event_id", String, primary_key=True),
    Column("event_type", String, nullable=False),
    Column("session_key", String),
    Column("received_at", UtcTime, nullable=False),
    Index(None, "received_at"),
)

pairing_codes = Table(
    "pairing_codes",
    metadata,
    Column("code_hash", String, primary_key=True),
    Column("site_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)

tablets = Table(
    "tablets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key_hash", String, nullable=False),
    Column("name", String, nullable=False),
    Column("site_id", String, nullable=False),
    Column("paired_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("unpaired_at", UtcTime),
    Column("version", String),
    UniqueConstraint("key_hash"),
)

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", String, primary_key=True),
    Column("tablet_id", Integer, ForeignKey("tablets.id"), nullable=False),
    Column("code", String, nullable=False),
    Column("connector_id", _LONG, nullable=False),
    Column("language", String, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("claimed_at", UtcTime),
    Column("device_hash", String),
    Column("closed_at", UtcTime),
    Index(None, "tablet_id"),
    Index(None, "made_at"),
)

hits = Table(  # of inbound limits
    "hits",
    metadata,
    Column("who_hash", String, primary_key=True),
    Column("times", BigInteger, nullable=False),
    Column("until", UtcTime, nullable=False),
    Index(None, "until"),
)

desk_users = Table(  # of the operator
    "desk_users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("password", String, nullable=False),  # Argon2id, in its own written form
    Column("role", Word(Role), nullable=False),
    Column("sites", Document(codec.same, codec.same)),  # null: all of them
    Column("second", Text),  # encrypted secret of one-time codes
    Column("second_step", BigInteger),  # of the last code that was used
    Column("made_at", UtcTime, nullable=False),
    Column("directory", String),  # whom the operator's own directory vouches for; null: with a password of ours
    UniqueConstraint("name"),
    Index("ux_desk_users_directory", "directory", unique=True),
)

desk_recovery_codes = Table(  # each opens once
    "desk_recovery_codes",
    metadata,
    Column("user_id", Integer, ForeignKey("desk_users.id"), nullable=False, primary_key=True),
    Column("code_hash", String, nullable=False, primary_key=True),
)

desk_sessions = Table(  # browsers in which somebody is signed in
    "desk_sessions",
    metadata,
    Column("id", _LONG, primary_key=True),
    Column("token_hash", String, nullable=False),
    Column("user_id", Integer, ForeignKey("desk_users.id"), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("confirmed_at", UtcTime, nullable=False),
    UniqueConstraint("token_hash"),
    Index(None, "user_id"),
)

desk_tries = Table(  # wrong passwords
    "desk_tries",
    metadata,
    Column("who_hash", String, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Index(None, "last_at"),
)

desk_log = Table(  # triggers refuse every change of a row
    "desk_log",
    metadata,
    Column("id", _LONG, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("who", String, nullable=False),
    Column("did", String, nullable=False),
    Column("subject", String),
    Column("reason", Text),
    Index(None, "subject", "id"),
    Index(None, "who", "id"),
)

desk_notes = Table(
    "desk_notes",
    metadata,
    Column("id", _LONG, primary_key=True),
    _session_key(),
    Column("who", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("text", Text, nullable=False),  # encrypted: people write names into it
    Index(None, "session_key", "id"),
)

api_keys = Table(  # of programs that read; a key itself stands nowhere
    "api_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("key_hash", String, nullable=False),
    Column("scopes", Document(codec.same, codec.same), nullable=False),
    Column("sites", Document(codec.same, codec.same)),  # null: all of them
    Column("made_by", String, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Column("revoked_at", UtcTime),
    UniqueConstraint("key_hash"),
)

desk_views = Table(  # filters of the sessions list under a name
    "desk_views",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("who", String, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("name", String, nullable=False),
    Column("chosen", Document(codec.same, codec.same), nullable=False),
    UniqueConstraint("who", "name"),
)

refunds = Table(  # that people at the desk asked for
    "refunds",
    metadata,
    Column("id", _LONG, primary_key=True),
    _session_key(),
    Column("open_of", String),  # the session's key until it has ended: so there is one at a time
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("who", String, nullable=False),
    Column("call_key", String, nullable=False),
    Column("state", Word(RefundState), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("refund_id", String),
    Column("said", String),
    UniqueConstraint("open_of"),
    UniqueConstraint("call_key"),
    Index(None, "session_key", "id"),
)

lines_aside = Table(  # of a reconciliation; rows are only ever added
    "lines_aside",
    metadata,
    Column("id", _LONG, primary_key=True),
    Column("line", String, nullable=False),
    Column("undone", Boolean, nullable=False),
    Column("who", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "line", "id"),
)

line_owners = Table(  # of a reconciliation; rows are only ever added
    "line_owners",
    metadata,
    Column("id", _LONG, primary_key=True),
    Column("line", String, nullable=False),
    Column("owner", String),  # null: nobody any more
    Column("at", UtcTime, nullable=False),
    Index(None, "line", "id"),
)

site_transactions = Table(  # as the back office told them last
    "site_transactions",
    metadata,
    Column("id", _LONG, primary_key=True),
    Column("site_id", String, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("code", String),
    Column("charger_uuid", String),
    Column("connector_id", _LONG),
    Column("tag", String),  # keyed: whose card it was can be compared and not read
    Column("active", Boolean, nullable=False),
    Column("meter_start_wh", BigInteger),
    Column("meter_stop_wh", BigInteger),
    Column("reported_kwh", Exact),
    Column("started_at", UtcTime),
    Column("stopped_at", UtcTime),
    Column("stop_reason", String),
    Column("is_valid", Boolean),
    Column("at", UtcTime),  # its end, else its begin
    Column("seen_at", UtcTime, nullable=False),
    UniqueConstraint("site_id", "number"),
    Index(None, "site_id", "at"),
    Index(None, "seen_at"),
)

settled = (
    Table(  # how often sessions that had ended, or ended then, changed, by the day (UTC) on which they were asked for
        "settled",
        metadata,
        Column("code", String, primary_key=True),
        Column("day", Date, primary_key=True),
        Column("changes", BigInteger, nullable=False),
    )
)

plot_days = Table(  # what finished days add up to; made anew whenever it is not there
    "plot_days",
    metadata,
    Column("scope", String, primary_key=True),  # which chargers, and by whose clock
    Column("day", Date, primary_key=True),
    Column("changes", BigInteger, nullable=False),  # of the sessions that it was made of: with others it is not true
    Column("sums", Cached(codec.day_sums_to, codec.day_sums_from)),
)

site_days = Table(  # how the reading of each day goes
    "site_days",
    metadata,
    Column("site_id", String, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("read_at", UtcTime),
    Column("next_at", UtcTime),
    Column("asked_at", UtcTime),
    Column("tries", Integer, nullable=False),
    Column("tried_at", UtcTime),
    Column("trouble", Word(ListTrouble)),
    Column("told_first", Date),  # of the list that it was read in
    Column("told_last", Date),
    Column("total_kwh", Exact),
    Column("rows_kwh", Exact),
    Column("rows", BigInteger),
)

crosswalk = Table(  # which site and charger of the kiosk is which one elsewhere, as proposed, and what a person said
    "crosswalk",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Word(Joined), nullable=False),
    Column("subject", String, nullable=False),
    Column("value", String, nullable=False),
    Column("name", String),
    Column("score", Integer, nullable=False),
    Column("reasons", Document(codec.same, codec.same), nullable=False),
    Column("verdict", Word(Verdict), nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("decided_at", UtcTime),
    Column("decided_by", String),
    UniqueConstraint("kind", "subject", "value"),
)

months_written = Table(  # how the writing of each month's tables goes, see kiosk.domain.nightly
    "months_written",
    metadata,
    Column("site_id", String, primary_key=True),
    Column("month", Date, primary_key=True),
    Column("written_at", UtcTime),
    Column("tried_at", UtcTime),
    Column("tries", Integer, nullable=False),
    Column("trouble", Word(NotWritten)),
    Column("failing_since", UtcTime),
)

prices = Table(  # of chargers, as upstream has had them; a row when what was read differs
    "prices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", String, nullable=False),
    Column("currency", String),  # null, and all that follows: there was no price that could be read
    Column("price_per_kwh_minor", BigInteger),
    Column("start_fee_minor", BigInteger),
    Column("hold_minor", BigInteger),
    Column("since", UtcTime, nullable=False),
    Column("before_at", UtcTime),
    Index(None, "code", "id"),
)
